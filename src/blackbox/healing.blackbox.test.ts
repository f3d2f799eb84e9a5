/** Parts of a mesh that were apart, or do not keep the same. */
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../core/limits.ts';
import type { Frame } from '../core/wire/frames.ts';
import { Author, type Crafted, pushOf } from './testing/author.ts';
import { storedIds } from './testing/database.ts';
import { MeshProcess } from './testing/mesh-process.ts';
import { RawPeer } from './testing/raw-peer.ts';
import { until } from './testing/wait.ts';
import { Wire } from './testing/wire.ts';

async function publish(mesh: MeshProcess, channel: string, count: number): Promise<string[]> {
  const bodies = Array.from({ length: count }, (_, i) => `${mesh.port} ${i}`);
  const said = await Promise.all(bodies.map((body) => mesh.client.publish({ channel, body })));
  return said.map(({ id }) => id);
}

async function haveAll(meshes: readonly MeshProcess[], ids: readonly string[]): Promise<void> {
  for (const mesh of meshes)
    await until(`${mesh.url} has all`, () => {
      const stored = storedIds(mesh);
      return ids.every((id) => stored.has(id));
    });
}

describe('a partition between two relays with a leaf each', () => {
  it('heals: what one side learns by catch-up reaches everybody there, once and in one order', async () => {
    const channel = '#torn';
    // Wires everywhere, so that nobody can link around the one that is cut.
    const b = await MeshProcess.start();
    const [middle, toB] = [await Wire.to(b.port), await Wire.to(b.port)];
    const a = await MeshProcess.start({ peers: [middle.url] });
    const toA = await Wire.to(a.port);
    const [x, y] = await Promise.all([
      MeshProcess.start({ peers: [toA.url] }),
      MeshProcess.start({ peers: [toB.url] }),
    ]);
    const all = [x, a, b, y];
    await Promise.all(all.map((mesh) => mesh.client.join(channel)));
    await Promise.all([x.hasLinks(1), a.hasLinks(2), b.hasLinks(2), y.hasLinks(1)]);
    const before = await publish(x, channel, 5);
    await haveAll(all, before);
    middle.freeze();
    await Promise.all([a.hasLinks(1), b.hasLinks(1)]);
    const [left, right] = [await publish(x, channel, 40), await publish(y, channel, 40)];
    await haveAll([x, a], left);
    await haveAll([y, b], right);
    for (const mesh of [x, a]) expect(right.filter((id) => storedIds(mesh).has(id))).toEqual([]);
    for (const mesh of [y, b]) expect(left.filter((id) => storedIds(mesh).has(id))).toEqual([]);
    middle.mend();
    const ids = [...before, ...left, ...right];
    await haveAll(all, ids);
    const orders = await Promise.all(all.map(async (mesh) => (await mesh.read(channel)).map(({ id }) => id)));
    expect([...(orders[0] ?? [])].sort()).toEqual([...ids].sort());
    for (const order of orders) expect(order).toEqual(orders[0]);
    await Promise.all(all.map((mesh) => mesh.stop()));
  });
});

const HOUR = 3_600_000;
const COMPARING: ReadonlySet<Frame['type']> = new Set([
  'sums',
  'reconcile',
  'reconciled',
  'offer',
  'fetch',
  'fetched',
]);

/** Messages of somebody, one in each of the last hours, the newest two hours old. */
function hourly(channel: string, hours: number): Crafted[] {
  const author = new Author();
  return Array.from({ length: hours }, (_, i) =>
    author.write({ channel, time: { timeMs: Date.now() - (i + 2) * HOUR, counter: 0 }, body: `${i} hours` }),
  );
}

async function store(mesh: MeshProcess, messages: readonly Crafted[]): Promise<void> {
  const peer = await RawPeer.link(mesh);
  peer.send(pushOf(messages.map(({ wire }) => wire)));
  await until('all are stored', () => messages.every(({ idText }) => peer.stored.has(idText)));
  peer.close();
}

/**
 * Resolves when both sides have told the same fingerprint over all that they share, twice, and nothing was compared in
 * between. That they are quiet would not be enough: they also are while they wait to compare again.
 * @returns the kinds of frames that were used for comparing until then
 */
async function untilEqual(wire: Wire): Promise<readonly string[]> {
  const last: Record<'dialler' | 'responder', string> = { dialler: '', responder: '-' };
  const compared: string[] = [];
  let equal = 0;
  wire.onFrame = (frame, from) => {
    if (COMPARING.has(frame.type)) {
      compared.push(frame.type);
      equal = 0;
    }
    if (frame.type !== 'heartbeat') return;
    last[from] = `${frame.untilMinute} ${frame.channels} ${Buffer.from(frame.fingerprint).toString('hex')}`;
    if (last.dialler === last.responder) equal += 1;
  };
  await until('both tell the same', () => equal >= 2);
  return compared;
}

describe('two daemons that keep different parts of the same channels', () => {
  it('agree on what both keep, and then stop comparing', async () => {
    const [byAge, byNumber] = ['#age', '#number'];
    const a = await MeshProcess.start();
    const wire = await Wire.to(a.port);
    const b = await MeshProcess.start({ peers: [wire.url], env: { MESH_KEEP_DAYS: '1' } });
    for (const mesh of [a, b])
      await Promise.all([byAge, byNumber].map((channel) => mesh.client.join(channel)));
    await b.client.setRetention({ channel: byNumber, days: 30, messages: 10 });
    const [aged, numbered] = [hourly(byAge, 48), hourly(byNumber, 48)];
    await store(a, [...aged, ...numbered]);
    const atB = async (channel: string) => (await b.read(channel)).length;
    await until('B has pruned by number', async () => {
      const count = await atB(byNumber);
      return count > 0 && count <= 10;
    });
    await until('B has what is younger than a day', async () => (await atB(byAge)) >= 21);
    const isAtB = storedIds(b);
    expect(aged.slice(24).filter(({ idText }) => isAtB.has(idText))).toEqual([]);
    const compared = await untilEqual(wire);
    expect(compared.length, compared.join()).toBeLessThan(20);
    const held = storedIds(a);
    expect([...aged, ...numbered].filter(({ idText }) => !held.has(idText))).toEqual([]);
    await Promise.all([a.stop(), b.stop()]);
  });
});

describe('a newcomer with a long history before it', () => {
  it('says what it is fetching, dies half way, goes on where it was, and fetches next to nothing twice', async () => {
    const channel = '#long';
    const count = 4000;
    const a = await MeshProcess.start({ env: { MESH_RATE_LEAF: '0', MESH_RATE_AUTHOR: '0' } });
    await a.client.join(channel);
    const author = new Author();
    const begin = Date.now() - 5 * HOUR;
    const all = Array.from({ length: count }, (_, i) =>
      author.write({ channel, time: { timeMs: begin + i * 1000, counter: 0 }, body: `${i}` }),
    );
    for (let i = 0; i < count; i += 200) await store(a, all.slice(i, i + 200));
    const wire = await Wire.to(a.port);
    const b = await MeshProcess.create({ peers: [wire.url] });
    let fetched = 0;
    let isFirst = true;
    const reached = Promise.withResolvers<void>();
    wire.onFrame = (frame, from) => {
      if (frame.type !== 'fetched' || from !== 'responder') return;
      fetched += frame.messages.length;
      if (!isFirst || fetched < count / 3) return;
      isFirst = false;
      wire.freeze();
      reached.resolve();
    };
    await b.restart();
    await b.client.join(channel);
    await reached.promise;
    const { links } = await b.client.peers();
    expect(links[0]?.fetching).toBeGreaterThan(0);
    const { fetched: come = 0, found = 0 } = links[0]?.catchUp ?? {};
    expect(come).toBeGreaterThan(0);
    expect(found).toBeGreaterThan(come);
    await b.kill();
    wire.mend();
    const before = storedIds(b).size;
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(count);
    await b.restart();
    await haveAll(
      [b],
      all.map(({ idText }) => idText),
    );
    expect(storedIds(b).size).toBe(count);
    expect(fetched).toBeLessThanOrEqual(count + LIMITS.fetchMax + LIMITS.fetchPendingMax);
    await Promise.all([a.stop(), b.stop()]);
  });
});
