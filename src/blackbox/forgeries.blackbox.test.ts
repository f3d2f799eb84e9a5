/** Messages that are not what they say, against one daemon that never bans or waits, so that each try is looked at. */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { toBase64url, utf8 } from '../core/bytes.ts';
import { channelTag } from '../core/channel/channel.ts';
import { HOUR, MINUTE } from '../core/limits.ts';
import { encodeWireItem } from '../core/message/message.ts';
import { MINUTE_END } from '../core/persistence.ts';
import { sha256 } from '../crypto/index.ts';
import {
  Author,
  type Crafted,
  fetchedOf,
  flipped,
  NETWORK,
  pushOf,
  withSignature,
} from './testing/author.ts';
import { storedIds, storedRows } from './testing/database.ts';
import { MeshProcess } from './testing/mesh-process.ts';
import { messageOf, NOTHING } from './testing/negentropy.ts';
import { RawPeer } from './testing/raw-peer.ts';
import { until } from './testing/wait.ts';

const victim = new Author();
let mesh: MeshProcess;
const peers: RawPeer[] = [];

beforeAll(async () => {
  mesh = await MeshProcess.start({ env: { MESH_BAN_THRESHOLD: '0', MESH_RATE_LEAF: '0' } });
  for (const channel of ['#a', '#b']) await mesh.client.join(channel);
});
afterEach(() => {
  for (const peer of peers.splice(0)) peer.close();
});

const linked = async (): Promise<RawPeer> => {
  const peer = await RawPeer.link(mesh);
  peers.push(peer);
  return peer;
};
const bodies = async (channel: string): Promise<string[]> =>
  (await mesh.read(channel)).map(({ body }) => body);

/** Pushes genuine messages and waits until the daemon says that it has them on its disk. */
async function storeVia(peer: RawPeer, ...messages: readonly Crafted[]): Promise<void> {
  peer.send(pushOf(messages.map(({ wire }) => wire)));
  await until('the genuine messages are stored', () =>
    messages.every(({ idText }) => peer.stored.has(idText)),
  );
}

/** One altered copy for each byte of a wire item, each with one bit turned. */
function alterations({ wire }: Crafted): Uint8Array[] {
  return Array.from(wire, (_, i) => flipped(wire, i, i % 8));
}

describe('a message that its author did not sign', () => {
  it('is refused by push, never stored, and counted against who sent it', async () => {
    const peer = await linked();
    const { bytes, body, payload, signature, wire, ...rest } = victim.write({ body: 'forged' });
    const forged = { bytes, body, payload, signature, wire, ...rest };
    const junk: Uint8Array[] = [
      new Uint8Array(64),
      new Uint8Array(64).fill(0xff),
      new Author().signer.sign(bytes),
      flipped(signature, 63, 7),
      victim.signer.sign(bytes), // by the right key, for another purpose
    ];
    for (const bad of junk) peer.send(pushOf([withSignature(forged, bad).wire]));
    await storeVia(await linked(), victim.write({ body: 'genuine' }));
    await peer.settle();
    expect(peer.errors).toEqual(junk.map(() => 'invalid_signature'));
    const counted = await mesh.offences(peer.id, junk.length);
    expect(counted.map(({ code }) => code)).toEqual(peer.errors);
    expect(await bodies('lobby')).not.toContain('forged');
    expect(storedIds(mesh).has(forged.idText)).toBe(false);
  });

  it('is refused where it carries no signature at all', async () => {
    const peer = await linked();
    const { bytes, body, payload } = victim.write({ body: 'unsigned' });
    peer.send(pushOf([encodeWireItem(bytes, new Uint8Array(0), body, payload)]));
    await peer.settle();
    expect(peer.errors).toEqual(['invalid_message']);
    expect(await bodies('lobby')).not.toContain('unsigned');
  });

  it('moves no clock: only what was verified counts as seen', async () => {
    await mesh.client.publish({ channel: '#a', body: 'loads the clock' });
    const peer = await linked();
    const ahead = victim.write({ channel: '#a', time: { timeMs: Date.now() + MINUTE - 5000, counter: 0 } });
    peer.send(pushOf([withSignature(ahead, new Uint8Array(64)).wire]));
    await peer.settle();
    const { id } = await mesh.client.publish({ channel: '#a', body: 'after a forgery' });
    expect(Date.parse((await mesh.client.message(id)).time)).toBeLessThanOrEqual(Date.now());
  });
});

describe('a genuine message that was altered on the way', () => {
  it('is refused by push, whichever byte it was, and the genuine copy is stored afterwards', async () => {
    const peer = await linked();
    const message = victim.write({ body: 'as it was written', payload: utf8('{"n":1}') });
    const altered = alterations(message);
    const before = storedRows(mesh).length;
    for (const wire of altered) peer.send(pushOf([wire]));
    await peer.settle();
    await storeVia(peer, message);
    // All but the alterations that only make a time or an expiry pass are something that the sender could have seen.
    expect(peer.errors.length).toBeGreaterThan(altered.length - 20);
    expect(await mesh.offences(peer.id, peer.errors.length)).toHaveLength(peer.errors.length);
    const rows = storedRows(mesh);
    expect(rows).toHaveLength(before + 1);
    expect(rows.at(-1)).toMatchObject({ body: 'as it was written', id: Buffer.from(message.id) });
  });

  it('is refused as the answer to a fetch, and the genuine copy is stored afterwards', async () => {
    const liar = await linked();
    const message = victim.write({ body: 'fetched', payload: utf8('{"n":2}') });
    const before = storedRows(mesh).length;
    for (let first = 0; first < message.wire.length; first += 8) {
      liar.send({ type: 'announce', ids: [message.id] });
      await until('it is asked for', () => liar.all('fetch').length === first / 8 + 1);
      const wire = alterations(message)[first] as Uint8Array;
      liar.send(fetchedOf([wire]));
      liar.send(fetchedOf([], [message.id])); // gives the request back where the answer was not taken for one
      await liar.settle();
    }
    expect(liar.errors.length).toBeGreaterThan(0);
    expect(await mesh.offences(liar.id, liar.errors.length)).toHaveLength(liar.errors.length);
    expect(storedRows(mesh)).toHaveLength(before);
    const honest = await linked();
    honest.send({ type: 'announce', ids: [message.id] });
    await honest.next('fetch');
    honest.send(fetchedOf([message.wire]));
    await until('the genuine copy is stored', () => storedIds(mesh).has(message.idText));
    expect(storedRows(mesh)).toHaveLength(before + 1);
  });
});

describe('nobody is silenced', () => {
  it('by junk signatures that come first, or in the same frame', async () => {
    const [attacker, honest] = [await linked(), await linked()];
    const [first, second] = [victim.write({ body: 'first' }), victim.write({ body: 'second' })];
    const junk = [0, 1, 2].map((n) => new Uint8Array(64).fill(n));
    for (const bad of junk) attacker.send(pushOf([withSignature(first, bad).wire]));
    await attacker.settle();
    await storeVia(honest, first);
    attacker.send(pushOf([...junk.map((bad) => withSignature(second, bad).wire), second.wire]));
    await until('the genuine one among junk is stored', () => attacker.stored.has(second.idText));
    const lobby = await bodies('lobby');
    expect(lobby.filter((body) => body === 'first' || body === 'second').sort()).toEqual(['first', 'second']);
    expect(honest.errors).toEqual([]);
  });

  it('by a different message with the same time by the same author: both are stored', async () => {
    const peer = await linked();
    const time = { timeMs: Date.now(), counter: 3 };
    const twins = ['one', 'other'].map((body) => victim.write({ channel: '#a', time, body }));
    await storeVia(peer, ...twins);
    expect(await bodies('#a')).toEqual(expect.arrayContaining(['one', 'other']));
  });
});

describe('a message of one channel', () => {
  it('that is pushed is a message of that channel and no other', async () => {
    const message = victim.write({ channel: '#a', body: 'only in a' });
    await storeVia(await linked(), message);
    expect(await bodies('#a')).toContain('only in a');
    expect(await bodies('#b')).not.toContain('only in a');
  });

  it('that is offered and served where another was asked for does not appear there', async () => {
    const liar = await linked();
    const tag = toBase64url(channelTag(sha256, NETWORK, '#b'));
    const message = victim.write({ channel: '#a', body: 'a smuggled message' });
    const floorHour = Math.floor(message.timeMs / HOUR) - 1;
    liar.send({ type: 'holds', reset: false, set: [{ tag, floorHour }], unset: [] });
    await liar.next('holds', ({ set }) => set.some((one) => one.tag === tag));
    const [number, untilMinute] = [1, MINUTE_END];
    liar.send({ type: 'reconcile', number, untilMinute, tag, floorHour, message: messageOf(NOTHING) });
    await liar.next('reconciled');
    liar.send({ type: 'offer', tag, ids: [message.id] });
    await liar.next('fetch');
    liar.send(fetchedOf([message.wire]));
    await liar.settle();
    await storeVia(liar, victim.write({ channel: '#b', body: 'the end' }));
    expect(await bodies('#b')).toEqual(['the end']);
    for (const row of storedRows(mesh)) if (row.body === message.body) expect(row.channel).toBe('#a');
  });

  it('where only somebody else may write, or that nobody can read yet, is refused', async () => {
    const peer = await linked();
    const stranger = new Author().idText;
    for (const channel of [
      `@${stranger}`,
      `inbox:${stranger}`,
      `~${stranger}`,
      'dm:x:y',
      ' lobby',
      'lob\tby',
    ]) {
      const { idText, wire } = victim.write({ channel, body: 'not here' });
      peer.send(pushOf([wire]));
      await peer.settle();
      expect(storedIds(mesh).has(idText), channel).toBe(false);
    }
  });
});

describe('a message from the future', () => {
  it('of the year 9999 does not exist on the wire, one of 6400 is forgotten without blame, one of 9 min 59 s moves no clock', async () => {
    const channel = '#b';
    const at = (timeMs: number, body: string) =>
      victim.write({ channel, time: { timeMs, counter: 0 }, body });
    const [never, far, near] = [
      at(Date.UTC(9999, 0), 'never'),
      at(Date.UTC(6400, 0), 'far'),
      at(Date.now() + 10 * MINUTE - 1000, 'near'),
    ];
    const [liar, peer] = [await linked(), await linked()];
    liar.send(pushOf([never.wire])); // its milliseconds do not fit into 47 bits
    await liar.settle();
    expect(liar.errors).toEqual(['invalid_message']);
    peer.send(pushOf([far.wire]));
    await storeVia(peer, near);
    expect(peer.errors).toEqual([]);
    expect(await bodies(channel)).toEqual(expect.arrayContaining(['near']));
    for (const { idText } of [never, far]) expect(storedIds(mesh).has(idText)).toBe(false);
    const publish = async (): Promise<number> => {
      const { id } = await mesh.client.publish({ channel, body: 'own' });
      return Date.parse((await mesh.client.message(id)).time);
    };
    expect(await publish()).toBeLessThanOrEqual(Date.now());
    await mesh.stop();
    await mesh.restart();
    expect(await publish()).toBeLessThanOrEqual(Date.now());
  });
});

describe('the bytes that were signed', () => {
  it('travel unchanged from A over B to C, whatever JSON is in the payload', async () => {
    const payloads = [
      '1.0',
      '12345678901234567890',
      '{"b":1,"a":2,"10":3,"2":4}',
      '{"\\u0061":"\\u00e9\\ud83d\\ude00","é":"\\/"}',
      '{"d":1,"d":2}',
      ' { "x" : 1e2 , "y":-0 }\n',
      '{"__proto__":{"a":1}}',
      'no JSON at all',
    ];
    const c = await MeshProcess.start({ peers: [mesh.url] });
    const messages = payloads.map((text) => victim.write({ body: text, payload: utf8(text) }));
    await storeVia(await linked(), ...messages);
    await until('C has all', () => messages.every(({ idText }) => storedIds(c).has(idText)));
    for (const place of [mesh, c]) {
      const rows = new Map(storedRows(place).map((row) => [row.id.toString('base64url'), row]));
      for (const { idText, bytes, signature, payload, body } of messages) {
        const row = rows.get(idText);
        expect([row?.bytes, row?.signature, row?.payload]).toEqual(
          [bytes, signature, payload].map((part) => Buffer.from(part)),
        );
        expect(row?.body).toBe(body);
      }
    }
    const shown = (await c.mesh('read', 'lobby', '--limit', '100')) as { body: string; payload: unknown }[];
    const payloadOf = (body: string) => shown.find((message) => message.body === body)?.payload;
    expect(payloadOf('{"d":1,"d":2}')).toEqual({ d: 2 });
    expect(payloadOf('no JSON at all')).toBeNull();
    await c.stop();
  });
});
