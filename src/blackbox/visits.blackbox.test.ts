/** A visit to a real daemon: a stranger compares a channel with it, gets what it lacks, and nothing else. */
import { beforeAll, describe, expect, it } from 'vitest';
import { type Bytes, fromBase64url, toBase64url } from '../core/bytes.ts';
import { channelTag } from '../core/channel/channel.ts';
import { HOUR } from '../core/limits.ts';
import { MINUTE_END } from '../core/persistence.ts';
import { sha256 } from '../crypto/index.ts';
import { Author, fetchedOf, NETWORK, pushOf } from './testing/author.ts';
import { storedIds } from './testing/database.ts';
import { MeshProcess, runMesh } from './testing/mesh-process.ts';
import { idsIn, messageOf, NOTHING } from './testing/negentropy.ts';
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
  it('compares, fetches and offers, is called what it is, and is pushed nothing', async () => {
    const guest = await visit();
    const floorHour = Math.floor(Date.now() / HOUR) - 24;
    guest.send({ type: 'holds', reset: false, set: [{ tag, floorHour }], unset: [] });
    const told = await guest.next('holds');
    expect(told.set.map((one) => one.tag)).toEqual([tag]);
    expect((await guest.next('sums')).sums.map((one) => one.tag)).toEqual([tag]);
    const message = messageOf(NOTHING);
    guest.send({ type: 'reconcile', number: 1, untilMinute: MINUTE_END, tag, floorHour, message });
    const [ids = []] = idsIn((await guest.next('reconciled')).message);
    expect(ids).toHaveLength(3);
    guest.send({ type: 'fetch', ids: ids.map((id) => fromBase64url(id) as Bytes) });
    const fetched = (): number =>
      guest.all('fetched').reduce((sum, { messages }) => sum + messages.length, 0);
    await until('the history comes', () => fetched() === 3);
    const own = new Author().write({ channel: '#dev', body: 'only the visitor had it' });
    guest.send({ type: 'offer', tag, ids: [own.id] });
    expect((await guest.next('fetch')).ids.map((id) => toBase64url(id))).toEqual([own.idText]);
    guest.send(fetchedOf([own.wire]));
    await until('the daemon has it', () => storedIds(mesh).has(own.idText));
    const { stdout } = await runMesh(['peers', '--data', mesh.data]);
    expect(stdout).toContain(`${guest.id.slice(0, 8)}  a visit, to compare what both hold, it dialled us`);
    await mesh.client.publish({ channel: '#dev', body: 'four' });
    await guest.settle();
    const types = new Set(guest.frames.map(({ type }) => type));
    const heard = ['auth', 'fetch', 'fetched', 'holds', 'pong', 'reconciled', 'sums'];
    expect([...types].sort()).toEqual(heard);
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
