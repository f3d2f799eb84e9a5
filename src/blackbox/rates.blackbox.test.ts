/**
 * Too much at once, against a daemon with its default rates: it stays up, whoever is loud is put off and not punished,
 * and everybody else is served as on any day.
 */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { toBase64url } from '../core/bytes.ts';
import { LIMITS } from '../core/limits.ts';
import { Author, type Crafted, fetchedOf, pushOf } from './testing/author.ts';
import { storedIds } from './testing/database.ts';
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
async function serveHonest(): Promise<number> {
  const { idText, wire } = new Author().write({ body: 'now and then' });
  const begunMs = performance.now();
  honest.send(pushOf([wire]));
  await until('the honest one is served', () => honest.stored.has(idText));
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
    for (let i = 0; i < 5; i++) await serveHonest();
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
    for (let i = 0; i < 5; i++) await serveHonest();
    const seconds = (performance.now() - begunMs) / 1000;
    expect(curious.all('pong').length).toBeLessThanOrEqual(LEAF_BURST + LIMITS.leafPerSecond * (seconds + 2));
    expect(mesh.memory() ?? 0).toBeLessThan(2 * before);
  });
});

describe('loud authors', () => {
  it('share what the daemon has to spare, wait for the rest, and take nothing from quiet ones', async () => {
    const authors = Array.from({ length: 6 }, () => write(new Author(), LEAF_BURST));
    const all = new Map(authors.flat().map((message) => [message.idText, message]));
    const links = await Promise.all(authors.map(() => linked()));
    // As honest neighbours they give again what they are asked for.
    for (const link of links)
      link.onFrame = (frame) => {
        if (frame.type !== 'fetch') return;
        const asked = frame.ids.map((id) => all.get(toBase64url(id)));
        const wires = asked.flatMap((message) => (message === undefined ? [] : [message.wire]));
        for (let i = 0; i < wires.length; i += PER_FRAME) link.send(fetchedOf(wires.slice(i, i + PER_FRAME)));
      };
    for (const [i, link] of links.entries()) pushAll(link, authors[i] as Crafted[]);
    const storedOfLoud = () => links.reduce((sum, { stored }) => sum + stored.size, 0);
    const served = await Promise.all(Array.from({ length: 20 }, () => serveHonest()));
    const loudThen = storedOfLoud();
    await until('all are there in the end', () => storedOfLoud() === all.size);
    const ids = storedIds(mesh);
    expect([...all.keys()].filter((id) => !ids.has(id))).toEqual([]);
    // The quiet ones did not stand in the queue of the loud ones.
    expect(loudThen).toBeLessThan(all.size);
    expect(Math.max(...served)).toBeLessThan(10_000);
  });
});
