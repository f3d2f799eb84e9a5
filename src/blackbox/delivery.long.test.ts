/** The idea of `delivery.blackbox.test.ts` with as much as a busy week brings. */
import { expect, it } from 'vitest';
import { Author, type Crafted, pushOf } from './testing/author.ts';
import { storedCount } from './testing/database.ts';
import { MeshProcess } from './testing/mesh-process.ts';
import { RawPeer } from './testing/raw-peer.ts';
import { until } from './testing/wait.ts';

const TOTAL = 100_000;
const PATIENCE_MS = 900_000;
/** A leaf and an author faster than by default, and room for a carried channel of this size: nothing may be missing. */
const UNBOUND = { MESH_RATE_LEAF: '0', MESH_RATE_AUTHOR: '0', MESH_CARRY_BYTES: '1GiB' };

/** Pushes them in frames of 100, never further than 5,000 ahead of what is on the daemon's disk. */
async function push(mesh: MeshProcess, messages: Iterable<Crafted>): Promise<string[]> {
  const peer = await RawPeer.link(mesh);
  const stored = new Set<string>();
  peer.onFrame = (frame) => {
    if (frame.type === 'stored')
      for (const id of frame.ids) stored.add(Buffer.from(id).toString('base64url'));
    peer.frames.length = 0;
  };
  const ids: string[] = [];
  let batch: Crafted[] = [];
  const flush = async (): Promise<void> => {
    peer.send(pushOf(batch.map(({ wire }) => wire)));
    batch = [];
    await until('the disk follows', () => ids.length - stored.size < 5_000, PATIENCE_MS);
  };
  for (const message of messages) {
    ids.push(message.idText);
    batch.push(message);
    if (batch.length === 100) await flush();
  }
  await flush();
  await until('all are stored', () => stored.size === ids.length, PATIENCE_MS);
  peer.close();
  return ids;
}

/** In the order of time, a hundred of each moment, over the last half hour. */
function* write(channel: string): Iterable<Crafted> {
  const author = new Author();
  const beginMs = Date.now() - 30 * 60_000;
  for (let i = 0; i < TOTAL; i++) {
    const time = { timeMs: beginMs + Math.floor(i / 100), counter: i % 100 };
    yield author.write({ channel, time, body: `${i}` });
  }
}

it('a recipient who was away gets 100,000 messages, each once and in one order', async () => {
  const channel = '#week';
  const b = await MeshProcess.start({ env: UNBOUND });
  const c = await MeshProcess.start({ peers: [b.url], env: UNBOUND });
  await c.client.join(channel);
  await c.client.publish({ channel, body: 'I am here' }, { wait: 'stored', timeoutSeconds: 60 });
  await c.kill();
  const ids = await push(b, write(channel));
  await b.kill();
  await b.restart();
  await c.restart();
  await until('C has all', () => storedCount(c) >= TOTAL, PATIENCE_MS);
  const shown = (await c.read(channel)).filter(({ body }) => body !== 'I am here');
  expect(shown.map(({ body }) => body)).toEqual(Array.from({ length: TOTAL }, (_, i) => `${i}`));
  expect(shown.map(({ id }) => id)).toEqual(ids);
  await Promise.all([b.stop(), c.stop()]);
});
