/**
 * Makes docs/protocol/vectors/message.json and channel.json: messages with their signed bytes, id, signature and wire
 * item, wire items that are no message, channel ids with their kind, and channel tags.
 *
 * Nothing of src is used: the bytes come from cborg, an encoder that knows nothing of ours, and from node:crypto.
 * Run: node tools/make-message-vectors.ts
 */
import { createPrivateKey, createPublicKey, hash, sign } from 'node:crypto';
import { encode } from 'cborg';
import { fromHex, hex, seeded, vectorText, writeFiles } from './vectors.ts';

export interface Fields {
  readonly kind: number;
  readonly channel: string;
  readonly timeMs: number;
  readonly counter: number;
  /** hexadecimal, as all bytes below */
  readonly prev: string;
  readonly refs: readonly { readonly relation: number; readonly id: string }[];
  readonly expiresMs: number;
  readonly nonce: number;
  readonly body: string;
  readonly payload: string;
}

export interface MessageVector {
  readonly name: string;
  readonly network: string;
  readonly seed: string;
  readonly author: string;
  readonly fields: Fields;
  readonly content: string;
  readonly bytes: string;
  readonly id: string;
  readonly idText: string;
  readonly signature: string;
  readonly wire: string;
}

export interface InvalidVector {
  readonly name: string;
  readonly wire: string;
}

const join = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));
const text = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value, 'utf8'));
const sha256 = (bytes: Uint8Array): Uint8Array => Uint8Array.from(hash('sha256', bytes, 'buffer'));

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

function keyOf(seed: Uint8Array) {
  const der = join(fromHex('302e020100300506032b657004220420'), seed);
  const privateKey = createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return { privateKey, author: Uint8Array.from(spki.subarray(-32)) };
}

const SEED = seeded('message author');
const AUTHOR = keyOf(SEED).author;

const PLAIN: Fields = {
  kind: 1,
  channel: 'lobby',
  timeMs: 1_780_000_000_000,
  counter: 0,
  prev: '',
  refs: [],
  expiresMs: 0,
  nonce: 0,
  body: 'hello',
  payload: '',
};

/** The nine items that are signed. */
function header(fields: Fields, content: Uint8Array): unknown[] {
  return [
    fields.kind,
    AUTHOR,
    fields.channel,
    BigInt(fields.timeMs) * 65536n + BigInt(fields.counter),
    fromHex(fields.prev),
    content,
    fields.refs.map((ref) => [ref.relation, fromHex(ref.id)]),
    fields.expiresMs,
    fields.nonce,
  ];
}

function contentOf(fields: Fields): Uint8Array {
  return sha256(encode([fields.body, fromHex(fields.payload)]));
}

function signBytes(network: string, bytes: Uint8Array): { id: Uint8Array; signature: Uint8Array } {
  const id = sha256(join(text(`mesh/2 message\0${network}\0`), bytes));
  const data = join(text(`mesh/2 signature\0${network}\0`), id);
  return { id, signature: Uint8Array.from(sign(null, data, keyOf(SEED).privateKey)) };
}

/** A message with `changes` to a plain one. */
export function makeMessage(name: string, changes: Partial<Fields>, network = 'openclaw'): MessageVector {
  const fields = { ...PLAIN, ...changes };
  const content = contentOf(fields);
  const bytes = encode(header(fields, content));
  const { id, signature } = signBytes(network, bytes);
  return {
    name,
    network,
    seed: hex(SEED),
    author: hex(AUTHOR),
    fields,
    content: hex(content),
    bytes: hex(bytes),
    id: hex(id),
    idText: base64url(id),
    signature: hex(signature),
    wire: hex(encode([bytes, signature, fields.body, fromHex(fields.payload)])),
  };
}

const refs = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ relation: n + 1, id: hex(seeded(`ref ${n}`)) }));

export function makeMessageVectors(): MessageVector[] {
  return [
    makeMessage('a plain message', {}),
    makeMessage('nothing but a channel', { body: '' }),
    makeMessage('another network', {}, 'test-1'),
    makeMessage('a payload of JSON', { body: 'numbers', payload: hex(text('{"a":1,"b":[2.5,"x"]}')) }),
    makeMessage('a payload that is neither JSON nor text', { payload: 'ff00fe' }),
    makeMessage('a body with a byte-order mark, NUL and an astral character', { body: '\ufeff\0 \u{1f980}' }),
    makeMessage('a counter', { counter: 1 }),
    makeMessage('the first time', { timeMs: 0, counter: 0 }),
    makeMessage('the last time', { timeMs: 2 ** 47 - 1, counter: 65535 }),
    makeMessage('a previous message', { prev: hex(seeded('prev')) }),
    makeMessage('eight references, two with unknown relations', { refs: refs(8) }),
    makeMessage('the largest relation', { refs: [{ relation: 65535, id: hex(seeded('ref')) }] }),
    makeMessage('an expiry', { expiresMs: 1_780_000_060_000 }),
    makeMessage('the largest expiry and nonce', { expiresMs: 2 ** 53 - 1, nonce: 2 ** 53 - 1 }),
    makeMessage('an unknown kind', { kind: 65535 }),
    makeMessage('a channel name of 128 bytes', { channel: 'é'.repeat(64) }),
    makeMessage('a channel name that is not in NFC', { channel: 'cafe\u0301' }),
    makeMessage('the feed of its author', { channel: `@${base64url(AUTHOR)}` }),
  ];
}

/** A wire item around any header and content; the signature fits the bytes, so that only the defect counts. */
function wireOf(
  items: readonly unknown[],
  body: unknown = PLAIN.body,
  payload: unknown = new Uint8Array(0),
): Uint8Array {
  const bytes = encode(items);
  return encode([bytes, signBytes('openclaw', bytes).signature, body, payload]);
}

/** A wire item whose signed bytes are given as they are. */
function wireAround(bytes: Uint8Array, signature = signBytes('openclaw', bytes).signature): Uint8Array {
  return encode([bytes, signature, PLAIN.body, new Uint8Array(0)]);
}

const good = header(PLAIN, contentOf(PLAIN));
const put = (at: number, value: unknown): unknown[] => good.with(at, value);
const longChannel = (name: string) => encode(put(2, name));

function badHeaders(): [string, Uint8Array][] {
  const uint64 = (value: bigint) => put(3, value);
  return [
    ['eight items instead of nine', wireOf(good.slice(0, 8))],
    ['ten items instead of nine', wireOf([...good, 0])],
    ['kind 65536', wireOf(put(0, 65536))],
    ['a negative kind', wireOf(put(0, -1))],
    ['a kind that is text', wireOf(put(0, '1'))],
    ['an author of 31 bytes', wireOf(put(1, AUTHOR.slice(1)))],
    ['an author of 33 bytes', wireOf(put(1, join(AUTHOR, new Uint8Array(1))))],
    ['an author as text', wireOf(put(1, base64url(AUTHOR)))],
    ['an empty channel name', wireOf(put(2, ''))],
    ['a channel name of 129 bytes', wireOf(put(2, `${'é'.repeat(64)}x`))],
    ['a space before the channel name', wireOf(put(2, ' lobby'))],
    ['a space after the channel name', wireOf(put(2, 'lobby '))],
    ['a control character in the channel name', wireOf(put(2, 'lob\nby'))],
    ['byte 1f in the channel name', wireOf(put(2, 'lob\x1fby'))],
    ['byte 7f in the channel name', wireOf(put(2, 'lob\x7fby'))],
    ['a time of 2^63', wireOf(uint64(2n ** 63n))],
    ['a time of 2^64 - 1', wireOf(uint64(2n ** 64n - 1n))],
    ['a prev of 31 bytes', wireOf(put(4, new Uint8Array(31)))],
    ['a prev of 1 byte', wireOf(put(4, new Uint8Array(1)))],
    ['a content hash of 31 bytes', wireOf(put(5, contentOf(PLAIN).slice(1)))],
    ['a content hash of something else', wireOf(put(5, seeded('content')))],
    [
      'nine references',
      wireOf(
        put(
          6,
          refs(9).map((ref) => [ref.relation, fromHex(ref.id)]),
        ),
      ),
    ],
    ['a reference of one item', wireOf(put(6, [[1]]))],
    ['a reference of three items', wireOf(put(6, [[1, seeded('ref'), 0]]))],
    ['relation 65536', wireOf(put(6, [[65536, seeded('ref')]]))],
    ['a reference to 31 bytes', wireOf(put(6, [[1, seeded('ref', 31)]]))],
    ['an expiry of 2^53', wireOf(put(7, 2n ** 53n))],
    ['a negative expiry', wireOf(put(7, -1))],
    ['a nonce of 2^53', wireOf(put(8, 2n ** 53n))],
    ['a fractional nonce', wireOf(put(8, 0.5))],
    ['a nonce of null', wireOf(put(8, null))],
    ['a map instead of an array', wireAround(encode({ kind: 1 }))],
  ];
}

function badSpellings(): [string, Uint8Array][] {
  const bytes = encode(good);
  const signature = signBytes('openclaw', bytes).signature;
  const wire = wireAround(bytes);
  const channel = longChannel('lobby');
  const at = Buffer.from(channel).indexOf('lobby');
  const brokenUtf8 = Uint8Array.from(channel);
  brokenUtf8.set([0xed, 0xa0, 0x80], at); // U+D800, as UTF-8 would spell it if it might
  return [
    ['no bytes at all', new Uint8Array(0)],
    ['one item more in the wire item', encode([bytes, signature, PLAIN.body, new Uint8Array(0), 0])],
    ['one item less in the wire item', encode([bytes, signature, PLAIN.body])],
    ['a byte after the wire item', join(wire, new Uint8Array(1))],
    ['the last byte missing', wire.slice(0, -1)],
    ['a byte after the header', wireAround(join(bytes, new Uint8Array(1)))],
    ['the last byte of the header missing', wireAround(bytes.slice(0, -1))],
    ['the kind in two bytes', wireAround(join(bytes.slice(0, 1), fromHex('1801'), bytes.slice(2)))],
    [
      'the kind in nine bytes',
      wireAround(join(bytes.slice(0, 1), fromHex('1b0000000000000001'), bytes.slice(2))),
    ],
    [
      'the header as an array of indefinite length',
      wireAround(join(fromHex('9f'), bytes.slice(1), fromHex('ff'))),
    ],
    ['the header in a tag', wireAround(join(fromHex('c1'), bytes))],
    ['an array length in two bytes', wireAround(join(fromHex('9809'), bytes.slice(1)))],
    ['a header that claims 2^32 items', wireAround(fromHex('9affffffff'))],
    ['a wire item that claims 2^63 bytes', fromHex('845b8000000000000000')],
    ['a surrogate in the channel name', wireAround(brokenUtf8)],
    ['a signature of 63 bytes', wireAround(bytes, signature.slice(1))],
    ['a signature of 65 bytes', wireAround(bytes, join(signature, new Uint8Array(1)))],
    ['a body of bytes', wireOf(good, text('hello'))],
    ['a payload of text', wireOf(good, 'hello', '')],
    ['another body', wireOf(good, 'hullo')],
    ['another payload', wireOf(good, 'hello', new Uint8Array(1))],
  ];
}

export function makeInvalidVectors(): InvalidVector[] {
  return [...badHeaders(), ...badSpellings()].map(([name, wire]) => ({ name, wire: hex(wire) }));
}

/** The three other base64url texts that decode to the bytes of a 43-character id with a lax decoder. */
function spellings(id: string): string[] {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = alphabet.indexOf(id.slice(-1));
  return [1, 2, 3].map((spare) => id.slice(0, -1) + alphabet[last | spare]);
}

function channelKinds(): { channel: string; kind: string | null }[] {
  const id = base64url(AUTHOR);
  const kinds = (kind: string | null, ...channels: string[]) =>
    channels.map((channel) => ({ channel, kind }));
  const badKeys = [
    ...spellings(id),
    `${id}=`,
    `${id}A`,
    id.slice(1),
    '',
    ` ${id}`,
    `${id}\n`,
    Buffer.from(AUTHOR).toString('hex'),
    base64url(new Uint8Array(32)),
    base64url(fromHex(`01${'00'.repeat(31)}`)),
    base64url(fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85')),
    base64url(fromHex(`f0${'ff'.repeat(30)}7f`)),
  ];
  return [
    ...kinds('open', 'lobby', 'a', 'a b', 'Grüße', 'cafe\u0301', '\u{1f980}', '\u0080', '\u00a0'),
    ...kinds(
      'open',
      'x'.repeat(128),
      'é'.repeat(64),
      'DM:x',
      'Inbox:x',
      'inbox',
      'dm',
      '#lobby',
      'a@b',
      'a~b',
      '\ufeff',
    ),
    ...kinds('feed', `@${id}`),
    ...kinds('sealed', `~${id}`),
    ...kinds('inbox', `inbox:${id}`),
    ...kinds(null, '', ' ', ' a', 'a ', 'a\0b', 'a\tb', 'a\x1fb', 'a\x7fb', '\ud800', 'a\udfffb'),
    ...kinds(
      null,
      'x'.repeat(129),
      `${'é'.repeat(64)}x`,
      'dm:',
      `dm:${id}:${id}`,
      '@',
      '~',
      'inbox:',
      '@lobby',
    ),
    ...badKeys.flatMap((key) => kinds(null, ...new Set([`@${key}`, `~${key}`, `inbox:${key}`]))),
  ].filter((one, n, all) => all.findIndex((other) => other.channel === one.channel) === n);
}

function channelTags(): { network: string; channel: string; tag: string }[] {
  const channels = ['lobby', 'a b', 'cafe\u0301', 'x'.repeat(128), `@${base64url(AUTHOR)}`];
  return ['openclaw', 'test-1'].flatMap((network) =>
    channels.map((channel) => {
      const tag = sha256(join(text(`mesh/2 tag\0${network}\0`), text(channel))).slice(0, 8);
      return { network, channel, tag: hex(tag) };
    }),
  );
}

/** The files that this tool makes: name from the repository's root, and text. */
export function makeMessageFiles(): Record<string, string> {
  const by = 'Bytes are hexadecimal. Made by tools/make-message-vectors.ts.';
  return {
    'docs/protocol/vectors/message.json': vectorText({
      about: `Messages: fields, signed bytes, id, signature and wire item; and wire items that are none. ${by}`,
      vectors: makeMessageVectors(),
      invalid: makeInvalidVectors(),
    }),
    'docs/protocol/vectors/channel.json': vectorText({
      about: `Channel ids with their kind (null: no valid id), and the 8-byte tags of channels. ${by}`,
      kinds: channelKinds(),
      tags: channelTags(),
    }),
  };
}

if (process.argv[1] === import.meta.filename) writeFiles(makeMessageFiles());
