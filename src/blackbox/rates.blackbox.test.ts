/**
 * Too much at once, against a daemon with its default rates: it stays up, whoever is loud is put off and not punished,
 * and everybody else is served as on any day.
 */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { toBase64url } from '../core/bytes.ts';
import { channelTag } from '../core/channel/channel.ts';
import { LIMITS } from '../core/limits.ts';
import { sha256 } from '../crypto/index.ts';
import { Author, type Crafted, fetchedOf, NETWORK, pushOf } from './testing/author.ts';
import { storedIds, wantedCount } from './testing/database.ts';
import { MeshProcess } from './testing/mesh-process.ts';
import { RawPeer } from './testing/raw-peer.ts';
import { until } from './testing/wait.ts';

const LEAF_BURST = LIMITS.leafPerSecond * LIMITS.rateBurstSeconds;
const PER_FRAME = 50;

let mesh: MeshProcess;
/** a link that is used now and then, as most are */
let honest: RawPeer;
const peers: RawPeer[] = [];

beforeAll(async () => {
  mesh = await MeshProcess.start();
  honest = await RawPeer.link(mesh);
});
afterEach(async () => {
  for (const peer of peers.splice(0)) {
    expect([peer.errors, peer.closed]).toEqual([[], undefined]);
    peer.close();
  }
  expect(mesh.log.filter(({ phrase }) => phrase === 'offence')).toEqual([]);
});

const linked = async (): Promise<RawPeer> => {
  const peer = await RawPeer.link(mesh);
  peers.push(peer);
  return peer;
};

/** A message of somebody new, over a link with nothing against it. @returns how long it took, ms */
async function serve(link: RawPeer): Promise<number> {
  const { idText, wire } = new Author().write({ body: 'now and then' });
  const begunMs = performance.now();
  link.send(pushOf([wire]));
  await until('the honest one is served', () => link.stored.has(idText));
  return performance.now() - begunMs;
}

function write(author: Author, count: number): Crafted[] {
  const timeMs = Date.now();
  return Array.from({ length: count }, (_, i) =>
    author.write({ body: `${i} ${'x'.repeat(200)}`, time: { timeMs, counter: i } }),
  );
}

function pushAll(peer: RawPeer, messages: readonly Crafted[]): void {
  for (let i = 0; i < messages.length; i += PER_FRAME)
    peer.send(pushOf(messages.slice(i, i + PER_FRAME).map(({ wire }) => wire)));
}

describe('a leaf above its rate', () => {
  it('that pushes ten times its burst is read slowly; what it sent waits on its side, and others are served', async () => {
    const loud = await linked();
    const messages = write(new Author(), 10 * LEAF_BURST);
    const before = mesh.memory() ?? 0;
    const begunMs = performance.now();
    pushAll(loud, messages);
    await until('its burst is taken', () => loud.stored.size >= LEAF_BURST);
    for (let i = 0; i < 5; i++) await serve(honest);
    const seconds = (performance.now() - begunMs) / 1000;
    const most = LEAF_BURST + LIMITS.leafPerSecond * (seconds + 2) + PER_FRAME;
    expect(loud.stored.size).toBeLessThanOrEqual(most);
    expect(most, 'this machine is too slow to show anything').toBeLessThan(messages.length / 2);
    expect(mesh.memory() ?? 0).toBeLessThan(2 * before);
  });

  it('that asks 20,000 questions is answered slowly, and others are served', async () => {
    const curious = await linked();
    const before = mesh.memory() ?? 0;
    const begunMs = performance.now();
    for (let n = 1; n <= 20_000; n++) curious.send({ type: 'ping', n });
    await until('its burst is answered', () => curious.all('pong').length >= LEAF_BURST);
    for (let i = 0; i < 5; i++) await serve(honest);
    const seconds = (performance.now() - begunMs) / 1000;
    expect(curious.all('pong').length).toBeLessThanOrEqual(LEAF_BURST + LIMITS.leafPerSecond * (seconds + 2));
    expect(mesh.memory() ?? 0).toBeLessThan(2 * before);
  });
});

describe('loud authors', () => {
  it('share what the daemon has to spare, wait for the rest, and take nothing from quiet ones', async () => {
    // Less to spare than by default, so that a slow machine has to put something off as well.
    const busy = await MeshProcess.start({ env: { MESH_RATE_COMMON: '400' } });
    const authors = Array.from({ length: 8 }, () => write(new Author(), LEAF_BURST));
    const all = new Map(authors.flat().map((message) => [message.idText, message]));
    const links = await Promise.all(authors.map(() => RawPeer.link(busy)));
    const quiet = await RawPeer.link(busy);
    // As honest neighbours they say what they hold, and give again what they are asked for.
    const tag = toBase64url(channelTag(sha256, NETWORK, 'lobby'));
    const floorHour = Math.floor(Date.now() / 3_600_000) - 1;
    for (const link of links) {
      link.send({ type: 'holds', reset: false, set: [{ tag, floorHour }], unset: [] });
      link.onFrame = (frame) => {
        if (frame.type !== 'fetch') return;
        const asked = frame.ids.map((id) => all.get(toBase64url(id)));
        const wires = asked.flatMap((message) => (message === undefined ? [] : [message.wire]));
        for (let i = 0; i < wires.length; i += PER_FRAME) link.send(fetchedOf(wires.slice(i, i + PER_FRAME)));
      };
    }
    for (const [i, link] of links.entries()) pushAll(link, authors[i] as Crafted[]);
    const missing = (): string[] => {
      const ids = storedIds(busy);
      return [...all.keys()].filter((id) => !ids.has(id));
    };
    await until('some are put off', () => wantedCount(busy) > 0);
    const served = await Promise.all(Array.from({ length: 20 }, () => serve(quiet)));
    const waiting = missing().length;
    await until('all are there in the end', () => missing().length === 0);
    // The quiet ones did not stand in the queue of the loud ones, and nobody was blamed.
    expect(waiting).toBeGreaterThan(0);
    expect(Math.max(...served)).toBeLessThan(10_000);
    expect([...links, quiet].map(({ errors, closed }) => [errors, closed])).toEqual(
      [...links, quiet].map(() => [[], undefined]),
    );
    for (const link of [...links, quiet]) link.close();
    await busy.stop();
  });
});
