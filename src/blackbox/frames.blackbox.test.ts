/** What broke mesh/1 with a single frame: rubbish in every form, before and after the handshake, against one daemon. */
import http from 'node:http';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { EMPTY, toBase64url } from '../core/bytes.ts';
import { channelTag } from '../core/channel/channel.ts';
import { HOUR, LIMITS } from '../core/limits.ts';
import { MINUTE_END } from '../core/persistence.ts';
import type { Frame } from '../core/wire/frames.ts';
import { sha256 } from '../crypto/index.ts';
import { Author, fetchedOf, NETWORK, pushOf } from './testing/author.ts';
import { MeshProcess } from './testing/mesh-process.ts';
import { idsIn, messageOf, NOTHING } from './testing/negentropy.ts';
import { RawPeer } from './testing/raw-peer.ts';
import { until, within } from './testing/wait.ts';

const author = new Author();
let mesh: MeshProcess;
/** an honest link that must live through everything */
let honest: RawPeer;
let peers: RawPeer[];

beforeAll(async () => {
  mesh = await MeshProcess.start();
  honest = await RawPeer.link(mesh);
  peers = [];
});

const connected = async (): Promise<RawPeer> => {
  const peer = await RawPeer.connect(mesh);
  peers.push(peer);
  return peer;
};
const linked = async (): Promise<RawPeer> => {
  const peer = await RawPeer.link(mesh);
  peers.push(peer);
  return peer;
};

afterEach(async () => {
  for (const peer of peers.splice(0)) peer.close();
  // Alive, and nobody else was harmed: the same link stores a message of an honest author as before.
  const { idText, wire } = author.write({ body: `after ${expect.getState().currentTestName ?? ''}` });
  honest.send(pushOf([wire]));
  await until('the honest link still works', () => honest.stored.has(idText));
  expect(honest.errors).toEqual([]);
  expect(await mesh.linked()).toContain(honest.id);
});

/** The frames that ended a mesh/1 peer. */
const MESH_1: readonly [string, unknown][] = [
  ['null', null],
  ['an empty array', []],
  ['a number', 7],
  ['a message whose body is an object', { type: 'message', body: {}, channel_id: 'a', message_id: 'x' }],
  ['a message whose timestamp is an object', { type: 'message', body: 'x', timestamp: {} }],
  ['a sync answer whose messages are a number', { type: 'sync_response', messages: 5 }],
  ['a sync answer with null among its messages', { type: 'sync_response', messages: [null] }],
  ['a sync request for an object', { type: 'sync_request', channel_id: {} }],
  ['a subscription', { type: 'subscribe', channel_id: 'lobby' }],
  ['a handshake of null capabilities', { type: 'handshake', version: 1, capabilities: null }],
  ['a handshake that is an array of itself', [{ type: 'handshake', version: 1 }]],
  ['a prototype', { ['__proto__']: { type: 'handshake' }, constructor: { prototype: 1 }, type: 'toString' }],
];

describe('a text frame in place of the handshake', () => {
  it.each(MESH_1)('that is %s is refused with a code and ends the link', async (_, value) => {
    const peer = await connected();
    peer.sendText(JSON.stringify(value));
    const { reason } = await peer.end();
    const isHandshake = JSON.stringify(value).startsWith('{"type":"handshake"');
    const code = isHandshake ? 'unsupported_version' : 'invalid_message';
    expect(peer.errors).toEqual([code]);
    expect(reason).toMatch(new RegExp(`^${code}`));
    expect(peer.frames).toEqual([]);
  });

  it.each([
    ['no JSON', '{"type":'],
    ['empty', ''],
    ['100,000 nested arrays', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['as many nested arrays as a handshake has room for', '['.repeat(4000) + ']'.repeat(4000)],
    ['an error of our own, so that nobody answers errors with errors', '{"type":"error","code":"banned"}'],
  ])('that is %s ends the link', async (_, text) => {
    const peer = await connected();
    peer.sendText(text);
    await peer.end();
    expect(peer.frames).toEqual([]);
  });
});

describe('a text frame after the handshake', () => {
  it('is refused with a code and counted, each time, and the link goes on', async () => {
    const peer = await linked();
    for (const [, value] of MESH_1) peer.sendText(JSON.stringify(value));
    await peer.settle();
    expect(peer.errors).toEqual(MESH_1.map(() => 'invalid_message'));
    const counted = await mesh.offences(peer.id, MESH_1.length);
    expect(counted.map(({ offence, count }) => [offence, count])).toEqual(
      MESH_1.map((_, i) => ['malformed', i + 1]),
    );
    expect(peer.closed).toBeUndefined();
  });

  it('that is a second handshake is refused, and the link keeps the id that it proved', async () => {
    const peer = await linked();
    peer.sendText(peer.handshake({ peer: honest.id }));
    await peer.settle();
    expect(peer.errors).toEqual(['invalid_message']);
    expect(await mesh.offences(peer.id, 1)).toHaveLength(1);
  });

  it('that is larger than any handshake ends the link', async () => {
    const peer = await linked();
    peer.sendText(`"${'x'.repeat(LIMITS.handshakeBytesMax)}"`);
    expect((await peer.end()).reason).toMatch(/^invalid_message/);
  });
});

/** CBOR that is none of our frames. */
const RUBBISH: readonly [string, Uint8Array][] = [
  ['nothing', new Uint8Array(0)],
  ['a number that no frame has', Uint8Array.of(0x82, 0x18, 0x63, 0x00)],
  ['100,000 nested arrays', new Uint8Array(100_000).fill(0x81)],
  [
    '100,000 nested arrays in an announce',
    Uint8Array.of(0x82, 0x08, ...new Array<number>(100_000).fill(0x81)),
  ],
  ['an array that claims 2^32 items', Uint8Array.of(0x82, 0x08, 0x9a, 0xff, 0xff, 0xff, 0xff)],
  [
    'bytes that claim 2^63',
    Uint8Array.of(0x82, 0x08, 0x81, 0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
  ],
  ['an endless array', Uint8Array.of(0x9f, 0x02, 0xff)],
  ['a tag', Uint8Array.of(0x82, 0x02, 0xc0, 0x00)],
  ['a float', Uint8Array.of(0x82, 0x02, 0xf9, 0x3c, 0x00)],
  ['a number not in its shortest form', Uint8Array.of(0x82, 0x02, 0x18, 0x01)],
  ['a ping with bytes behind it', Uint8Array.of(0x82, 0x02, 0x01, 0x00)],
  ['text that is not UTF-8', Uint8Array.of(0x83, 0x05, 0x61, 0xff, 0x60)],
];

describe('a binary frame', () => {
  it('before the handshake is refused with a code and ends the link', async () => {
    for (const frame of [
      Uint8Array.of(0x82, 0x02, 0x01),
      pushOf([author.write({ body: 'too early' }).wire]),
    ]) {
      const peer = await connected();
      peer.send(frame);
      expect((await peer.end()).reason).toMatch(/^invalid_message/);
      expect(peer.errors).toEqual(['invalid_message']);
    }
    expect((await mesh.read('lobby')).map(({ body }) => body)).not.toContain('too early');
  });

  it('between handshake and auth is refused with a code and ends the link', async () => {
    const peer = await connected();
    await peer.greet();
    peer.send(pushOf([author.write({ body: 'too early' }).wire]));
    expect((await peer.end()).reason).toMatch(/^invalid_message/);
    expect(peer.errors).toEqual(['invalid_message']);
    expect((await mesh.read('lobby')).map(({ body }) => body)).not.toContain('too early');
  });

  it('that is none of ours is refused with a code and counted, each time, and the link goes on', async () => {
    const peer = await linked();
    for (const [, bytes] of RUBBISH) peer.send(bytes);
    await peer.settle();
    expect(peer.errors).toEqual(RUBBISH.map(() => 'invalid_message'));
    expect(await mesh.offences(peer.id, RUBBISH.length)).toHaveLength(RUBBISH.length);
    expect(peer.closed).toBeUndefined();
  });

  it('that is a second auth is refused as unasked for', async () => {
    const peer = await linked();
    peer.send(peer.auth());
    await peer.settle();
    expect(await mesh.offences(peer.id, 1)).toMatchObject([{ offence: 'unasked', detail: 'a second auth' }]);
  });
});

const tag = toBase64url(channelTag(sha256, NETWORK, 'lobby'));

describe('an answer that nobody asked for', () => {
  it('is refused and counted, and what it brings is not stored', async () => {
    const peer = await linked();
    const { wire, id } = author.write({ body: 'unasked for' });
    peer.send(fetchedOf([wire]));
    peer.send(fetchedOf([], [id]));
    peer.send({ type: 'offer', tag: 'AAAAAAAAAAA', ids: [id] });
    await peer.settle();
    expect(peer.errors).toEqual(['unsolicited', 'unsolicited', 'unsolicited']);
    expect((await mesh.offences(peer.id, 3)).map(({ code }) => code)).toEqual(peer.errors);
    expect((await mesh.read('lobby')).map(({ body }) => body)).not.toContain('unasked for');
  });

  it('or that is for the other side of the link to say, is refused and counted', async () => {
    const peer = await linked();
    const fingerprint = new Uint8Array(16);
    peer.send({ type: 'reconciled', number: 1, message: messageOf(NOTHING) });
    peer.send({ type: 'sums', untilMinute: MINUTE_END, sums: [{ tag, floorHour: 0, fingerprint }] });
    await peer.settle();
    expect(peer.errors).toEqual(['invalid_message', 'invalid_message']);
    expect((await mesh.offences(peer.id, 2)).map(({ offence }) => offence)).toEqual(['unasked', 'unasked']);
  });

  it('that claims to have stored our messages confirms nothing', async () => {
    const { id } = await mesh.client.publish({ channel: 'lobby', body: 'mine' });
    const peer = await linked();
    peer.send({ type: 'stored', ids: [Buffer.from(id, 'base64url')] });
    await peer.settle();
    // Not counted: an honest keeper's word may come after another was chosen, and looks the same.
    expect((await mesh.client.message(id)).delivery).toEqual({ state: 'queued', storedBy: [] });
  });
});

describe('a comparison that is none', () => {
  const ask = async (changes: Partial<Extract<Frame, { type: 'reconcile' }>>) => {
    const peer = await linked();
    const floorHour = Math.floor(Date.now() / HOUR) - 1;
    peer.send({ type: 'holds', reset: false, set: [{ tag, floorHour }], unset: [] });
    await peer.next('holds', ({ set }) => set.some((one) => one.tag === tag));
    const [untilMinute, message] = [MINUTE_END, messageOf(NOTHING)];
    peer.send({ type: 'reconcile', number: 7, untilMinute, tag, floorHour, message, ...changes });
    return peer;
  };

  it.each([
    ['of nothing', EMPTY],
    ['of another version', Uint8Array.of(0x62)],
    ['of 60,000 bytes of rubbish', new Uint8Array(LIMITS.reconcileBytesMax).fill(0xff)],
    ['of an id list that claims 2^63 ids', Uint8Array.of(0x61, 0, 0, 2, ...new Array(8).fill(0xff), 0x7f)],
    ['of bounds that do not ascend', Uint8Array.of(0x61, 0, 0, 0, 0, 0, 0)],
  ])('%s is refused and counted', async (_, message) => {
    const peer = await ask({ message });
    await until('it is refused', () => peer.errors.length > 0);
    expect(peer.errors).toEqual(['invalid_message']);
    expect(await mesh.offences(peer.id, 1)).toMatchObject([{ offence: 'malformed' }]);
    expect(peer.all('reconciled')).toEqual([]);
  });

  it.each([
    ['of a channel that is not shared', { tag: 'AAAAAAAAAAA' }],
    ['from below the floor', { floorHour: 0 }],
    ['up to a minute that no sums are kept for', { untilMinute: 61 }],
  ])('%s is answered by nothing, and is no offence', async (_, changes) => {
    const peer = await ask(changes);
    expect(await peer.next('reconciled')).toMatchObject({ number: 7, message: EMPTY });
    expect(peer.errors).toEqual([]);
  });
});

describe('a question about what nobody has', () => {
  const nowhere = { time: { timeMs: Date.now() - 90_000, counter: 0 }, id: new Uint8Array(32).fill(0x5a) };

  it('is answered by what lies on each side of an unknown place, and by saying what is not held', async () => {
    const peer = await linked();
    const at = (timeMs: number) => author.write({ time: { timeMs, counter: 0 }, body: `at ${timeMs}` });
    const [older, newer] = [at(nowhere.time.timeMs - 60_000), at(nowhere.time.timeMs + 1)];
    peer.send(pushOf([older.wire, newer.wire]));
    await until('both are stored', () => [older, newer].every(({ idText }) => peer.stored.has(idText)));
    const floorHour = Math.floor(older.timeMs / 3_600_000) - 1;
    peer.send({ type: 'holds', reset: false, set: [{ tag, floorHour }], unset: [] });
    await peer.next('holds', ({ set }) => set.some((one) => one.tag === tag));
    // We say that we have one id up to a time at which nobody has a message, and nothing after it.
    const message = messageOf(
      { upper: { time: nowhere.time, id: EMPTY }, mode: 'idList', ids: [nowhere.id] },
      NOTHING,
    );
    peer.send({ type: 'reconcile', number: 1, untilMinute: MINUTE_END, tag, floorHour, message });
    const told = idsIn((await peer.next('reconciled')).message);
    expect(told).toHaveLength(2);
    expect(told.map((ids) => ids.includes(older.idText))).toEqual([true, false]);
    expect(told.map((ids) => ids.includes(newer.idText))).toEqual([false, true]);
    peer.send({ type: 'fetch', ids: [nowhere.id, newer.id] });
    const isFetched = (id: string) =>
      peer.all('fetched').some(({ messages }) => messages.some(({ idText }) => idText === id));
    await until('the one that is there comes', () => isFetched(newer.idText));
    await until('the other is not held', () =>
      peer
        .all('fetched')
        .some(({ notHeld }) => notHeld.some((id) => toBase64url(id) === toBase64url(nowhere.id))),
    );
    expect(peer.errors).toEqual([]);
  });

  it('is refused by the API with a code, and a feed behind the end begins with what comes next', async () => {
    const unknown = toBase64url(nowhere.id);
    const { client } = mesh;
    for (const page of [{ before: unknown }, { after: unknown }])
      await expect(client.messages({ channel: 'lobby', ...page })).rejects.toMatchObject({
        code: 'not_found',
      });
    await expect(client.message(unknown)).rejects.toMatchObject({ code: 'not_found' });
    await expect(client.messages({ channel: 'lobby', before: 'no id' })).rejects.toMatchObject({
      code: 'bad_request',
    });
  });
});

/** The status of the answer to a request that says how long it is, before any of that was sent. */
async function statusBeforeBody(url: string, headers: Record<string, string>): Promise<number | undefined> {
  const request = http.request(url, { method: 'POST', headers });
  request.on('error', () => undefined); // the other side may cut a request that goes on
  const answered = new Promise<number | undefined>((resolve) =>
    request.once('response', ({ statusCode }) => resolve(statusCode)),
  );
  request.flushHeaders();
  const status = await within('an answer', answered);
  request.destroy();
  return status;
}

describe('60 MB at once', () => {
  it('as the body of a request are refused before they are sent, at both ports', async () => {
    const { url, token } = mesh.client.daemon;
    const length = { 'content-length': '60000000' };
    expect(await statusBeforeBody(`http://127.0.0.1:${mesh.port}/`, length)).toBe(404);
    expect(await statusBeforeBody(`http://127.0.0.1:${mesh.port}/bootstrap.json`, length)).toBe(405);
    const api = { ...length, authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    expect(await statusBeforeBody(`${url}/v1/messages`, api)).toBe(413);
  });

  it.each([
    ['text', 'x'.repeat(60_000_000)],
    ['binary', Buffer.alloc(60_000_000)],
  ])('as %s, before and after the handshake, are cut at the limit without being kept', async (_, data) => {
    const before = mesh.memory() ?? 0;
    for (let round = 0; round < 2; round++) {
      for (const peer of [await connected(), await linked()]) {
        peer.socket.send(data, () => undefined); // an error here is the end that is waited for
        await peer.end();
      }
    }
    // 240 MB came in at most; twice the memory at the beginning is far below that, and above what a heap does at rest.
    expect(mesh.memory() ?? 0).toBeLessThan(2 * before);
  });
});
