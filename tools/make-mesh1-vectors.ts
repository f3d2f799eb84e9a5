/**
 * Makes docs/protocol/vectors/mesh1.json: messages that began at a mesh/1 peer, with the text that was signed, their
 * header, id and wire item in mesh/2, the frame that a mesh/1 peer sends, and headers that are none.
 *
 * Nothing of src is used: texts come from JSON.stringify, bytes from cborg, keys and hashes from node:crypto.
 * Run: node tools/make-mesh1-vectors.ts
 */
import { createPrivateKey, createPublicKey, hash, sign } from 'node:crypto';
import { encode } from 'cborg';
import { fromHex, hex, seeded, vectorText, writeFiles } from './vectors.ts';

export interface Mesh1Vector {
  readonly name: string;
  readonly network: string;
  /** hexadecimal, as all bytes below */
  readonly seed: string;
  readonly body: string;
  readonly channel: string;
  readonly messageId: string;
  /** any JSON, null for none */
  readonly payload: unknown;
  readonly timestamp: string;
  readonly timeMs: number;
  readonly text: string;
  readonly header: string;
  readonly id: string;
  readonly signature: string;
  readonly wire: string;
  readonly frame: string;
}

const utf8 = (text: string): Buffer => Buffer.from(text, 'utf8');
const SEED = seeded('mesh/1 author');

const privateKey = createPrivateKey({
  key: Buffer.concat([fromHex('302e020100300506032b657004220420'), SEED]),
  format: 'der',
  type: 'pkcs8',
});
const SENDER = createPublicKey(privateKey)
  .export({ format: 'der', type: 'spki' })
  .subarray(-32)
  .toString('base64url');

type Given = Pick<Mesh1Vector, 'name'> & Partial<Mesh1Vector>;

function make(given: Given): Mesh1Vector {
  const {
    network = 'openclaw',
    body = 'hello',
    channel = 'lobby',
    messageId = '6f1b2c3d-0000-4000-8000-000000000001',
    payload = null,
    timestamp = '2026-03-01T12:00:00.000Z',
    timeMs = Date.UTC(2026, 2, 1, 12),
  } = given;
  const payloadText = payload === null ? null : JSON.stringify(payload);
  const text = JSON.stringify({
    body,
    channel_id: channel,
    message_id: messageId,
    payload: payloadText,
    sender_id: SENDER,
    timestamp,
  });
  const header = utf8(
    JSON.stringify({ channel_id: channel, message_id: messageId, sender_id: SENDER, timestamp }),
  );
  const prefix = utf8(`mesh/2 mesh1\0${network}\0`);
  const signature = sign(null, utf8(text), privateKey);
  const wire = encode([
    Uint8Array.from(header),
    Uint8Array.from(signature),
    body,
    Uint8Array.from(utf8(payloadText ?? '')),
  ]);
  const frame = JSON.stringify({
    type: 'message',
    message_id: messageId,
    channel_id: channel,
    sender_id: SENDER,
    body,
    ...(payload === null ? {} : { payload }),
    timestamp,
    signature: signature.toString('base64'),
  });
  const id = hash('sha256', Buffer.concat([prefix, utf8(text)]), 'hex');
  const made = { network, seed: hex(SEED), body, channel, messageId, payload, timestamp, timeMs };
  return {
    name: given.name,
    ...made,
    text,
    header: hex(header),
    id,
    signature: hex(signature),
    wire: hex(wire),
    frame,
  };
}

const VECTORS: readonly Given[] = [
  { name: 'plain' },
  { name: 'another network', network: 'test' },
  { name: 'with a payload', payload: { b: [1, { c: null }], a: 'x' } },
  { name: 'a payload that is text', payload: 'text' },
  { name: 'a payload of 0', payload: 0 },
  {
    name: 'characters that JSON escapes',
    body: 'a "quote", a \\ and\u2028a line\n\u0000\u001f\u007f',
    channel: '#dev "x"',
  },
  { name: 'characters beyond 16 bits', body: 'crab \u{1f980}', channel: '\u{1f980}' },
  { name: 'an empty body', body: '' },
  { name: 'an offset', timestamp: '2026-03-01T14:30:00+02:30' },
  {
    name: 'a fraction of microseconds',
    timestamp: '2026-03-01T12:00:00.123456Z',
    timeMs: Date.UTC(2026, 2, 1, 12) + 123,
  },
  { name: 'the first millisecond', timestamp: '1970-01-01T00:00:00.000Z', timeMs: 0 },
  {
    name: 'a leap day',
    timestamp: '2028-02-29T23:59:59.999Z',
    timeMs: Date.UTC(2028, 1, 29, 23, 59, 59, 999),
  },
];

function invalidHeaders(): { name: string; header: string }[] {
  const good = {
    channel_id: 'lobby',
    message_id: 'x',
    sender_id: SENDER,
    timestamp: '2026-03-01T12:00:00.000Z',
  };
  const changed = (changes: object): string => JSON.stringify({ ...good, ...changes });
  const all: readonly (readonly [string, string])[] = [
    ['another order', JSON.stringify(Object.fromEntries(Object.entries(good).reverse()))],
    ['a blank', JSON.stringify(good).replace(',', ', ')],
    ['a second spelling of a character', JSON.stringify(good).replace('lobby', '\\u006cobby')],
    ['one field more', changed({ z: '' })],
    ['one field less', changed({ timestamp: undefined })],
    ['a number', changed({ message_id: 1 })],
    ['a private channel', changed({ channel_id: 'dm:a:b' })],
    ['a feed', changed({ channel_id: `@${SENDER}` })],
    ['a sealed channel', changed({ channel_id: `~${SENDER}` })],
    ['an empty channel', changed({ channel_id: '' })],
    ['a sender without a key', changed({ sender_id: 'peer-0a1b2c3d' })],
    ['a second spelling of the key', changed({ sender_id: `${SENDER}=` })],
    ['no message id', changed({ message_id: '' })],
    ['a message id of 65 characters', changed({ message_id: 'x'.repeat(65) })],
    ['a time without a zone', changed({ timestamp: '2026-03-01T12:00:00.000' })],
    ['a day that does not exist', changed({ timestamp: '2026-02-29T12:00:00Z' })],
    ['a second of 60', changed({ timestamp: '2026-03-01T12:00:60Z' })],
    ['a time before 1970', changed({ timestamp: '1969-12-31T23:59:59.999Z' })],
    ['the year 9999', changed({ timestamp: '9999-12-31T00:00:00.000Z' })],
    ['a list', JSON.stringify([good])],
  ];
  return all.map(([name, text]) => ({ name, header: hex(utf8(text)) }));
}

export function makeMesh1Files(): Record<string, string> {
  const by = 'Bytes are hexadecimal. Made by tools/make-mesh1-vectors.ts.';
  const about = `Messages that began at a mesh/1 peer: signed text, header, id, wire item and frame; and headers that are none. ${by}`;
  const content = { about, vectors: VECTORS.map(make), invalid: invalidHeaders() };
  return { 'docs/protocol/vectors/mesh1.json': vectorText(content) };
}

if (process.argv[1] === import.meta.filename) writeFiles(makeMesh1Files());
