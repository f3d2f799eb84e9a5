/** A visit to a real daemon: a stranger compares a channel with it, gets what it lacks, and nothing else. */
import { beforeAll, describe, expect, it } from 'vitest';
import { toBase64url } from '../core/bytes.ts';
import { channelTag } from '../core/channel/channel.ts';
import { HOUR } from '../core/limits.ts';
import { MINUTE_END } from '../core/persistence.ts';
import { sha256 } from '../crypto/index.ts';
import { Author, NETWORK, pushOf } from './testing/author.ts';
import { MeshProcess, runMesh } from './testing/mesh-process.ts';
import { RawPeer } from './testing/raw-peer.ts';
import { until } from './testing/wait.ts';

const tag = toBase64url(channelTag(sha256, NETWORK, '#dev'));
let mesh: MeshProcess;

async function visit(): Promise<RawPeer> {
  const peer = await RawPeer.connect(mesh);
  await peer.greet({ relay: true, features: ['seal', 'visit'] });
  peer.send(peer.auth());
  await peer.settle();
  return peer;
}

beforeAll(async () => {
  mesh = await MeshProcess.start();
  await mesh.client.join('#dev');
  for (const body of ['one', 'two', 'three']) await mesh.client.publish({ channel: '#dev', body });
});

describe('a visitor', () => {
  it('compares, lists and fetches, is called what it is, and is pushed nothing', async () => {
    const guest = await visit();
    const floorHour = Math.floor(Date.now() / HOUR) - 24;
    guest.send({ type: 'holds', reset: false, set: [{ tag, floorHour }], unset: [] });
    const told = await guest.next('holds');
    expect(told.set.map((one) => one.tag)).toEqual([tag]);
    expect((await guest.next('sums')).sums.map((one) => one.tag)).toEqual([tag]);
    guest.send({
      type: 'sums',
      untilMinute: MINUTE_END,
      sums: [{ tag, floorHour, fingerprint: new Uint8Array(16) }],
    });
    expect((await guest.next('buckets')).buckets.length).toBeGreaterThan(0);
    const after = { time: { timeMs: 0, counter: 0 }, id: new Uint8Array(32) };
    guest.send({ type: 'list', tag, after, untilMinute: MINUTE_END });
    const { positions } = await guest.next('listed');
    expect(positions).toHaveLength(3);
    guest.send({ type: 'fetch', ids: positions.map(({ id }) => id) });
    const fetched = (): number =>
      guest.all('fetched').reduce((sum, { messages }) => sum + messages.length, 0);
    await until('the history comes', () => fetched() === 3);
    const { stdout } = await runMesh(['peers', '--data', mesh.data]);
    expect(stdout).toContain(`${guest.id.slice(0, 8)}  a visit, to compare what both hold, it dialled us`);
    await mesh.client.publish({ channel: '#dev', body: 'four' });
    await guest.settle();
    const types = new Set(guest.frames.map(({ type }) => type));
    expect([...types].sort()).toEqual(['auth', 'buckets', 'fetched', 'holds', 'listed', 'pong', 'sums']);
    expect(guest.errors).toEqual([]);
    guest.close();
  });

  it('cannot push, and is not taken in again at once', async () => {
    const guest = await visit();
    const { wire } = new Author().write({ channel: '#dev', body: 'pushed' });
    guest.send(pushOf([wire]));
    await guest.settle();
    expect(guest.errors).toEqual(['invalid_message']);
    const bodies = (await mesh.client.messages({ channel: '#dev', limit: 10 })).map(({ body }) => body);
    expect(bodies).not.toContain('pushed');
    const again = await RawPeer.connect(mesh, guest.signer);
    guest.close();
    await until('the visit is over', async () => !(await mesh.linked()).includes(guest.id));
    await again.greet({ relay: true, features: ['seal', 'visit'] });
    again.send(again.auth());
    expect((await again.end()).reason).toMatch(/^too_many_links/);
  });
});
