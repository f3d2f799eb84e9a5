/** Handshake texts for tests: a good one to change, and hostile ones with the code that each gets. */
import { toBase64url } from '../bytes.ts';
import type { ErrorCode } from '../errors.ts';
import { ada } from '../message/message.fixture.ts';

type Json = Readonly<Record<string, unknown>>;

/** id text of a good key */
export const ID = toBase64url(ada.publicKey);
const NONCE = toBase64url(new Uint8Array(16).fill(1));
const KEY = toBase64url(new Uint8Array(32).fill(9));

export interface Changes {
  readonly top?: Json;
  readonly capabilities?: Json;
  readonly mesh?: Json;
}

/** What a peer says first, with changes at each level; `undefined` takes a field away. */
export function goodHandshake({ top = {}, capabilities = {}, mesh = {} }: Changes = {}): object {
  const ours = { versions: [2], network: 'openclaw', nonce: NONCE, key: KEY, features: [], agent: 'test 1' };
  return {
    type: 'handshake',
    version: 1,
    peer_id: ID,
    capabilities: { relay: true, store: true, mesh: { ...ours, ...mesh }, ...capabilities },
    ...top,
  };
}

const top = (fields: Json): string => JSON.stringify(goodHandshake({ top: fields }));
const capabilities = (fields: Json): string => JSON.stringify(goodHandshake({ capabilities: fields }));
const mesh = (fields: Json): string => JSON.stringify(goodHandshake({ mesh: fields }));
const good = JSON.stringify(goodHandshake());

/** The other texts that a lax decoder takes for the same 32 bytes. */
function spellings(id: string): string[] {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = alphabet.indexOf(id.slice(-1));
  return [1, 2, 3].map((spare) => id.slice(0, -1) + (alphabet[last | spare] as string));
}

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

type Hostile = readonly [about: string, text: string, code: ErrorCode];

const shapes: readonly Hostile[] = [
  ['nothing', '', 'invalid_message'],
  ['blanks', '   ', 'invalid_message'],
  ['null', 'null', 'invalid_message'],
  ['an array', '[]', 'invalid_message'],
  ['a number', '42', 'invalid_message'],
  ['a number beyond all', '1e400', 'invalid_message'],
  ['a boolean', 'true', 'invalid_message'],
  ['a string', '"handshake"', 'invalid_message'],
  ['an empty object', '{}', 'invalid_message'],
  ['text that is no JSON', 'hello', 'invalid_message'],
  ['JSON that is cut', good.slice(0, -1), 'invalid_message'],
  ['JSON with something behind it', `${good}{}`, 'invalid_message'],
  ['a byte-order mark', `\ufeff${good}`, 'invalid_message'],
  ['a comment', `/* */${good}`, 'invalid_message'],
  ['a handshake in an array', `[${good}]`, 'invalid_message'],
  ['another type', top({ type: 'message' }), 'invalid_message'],
  ['a type that is an array', top({ type: ['handshake'] }), 'invalid_message'],
  ['a type from the prototype', '{"__proto__":{"type":"handshake","version":1}}', 'invalid_message'],
  ['100,000 nested arrays', nested(100_000), 'invalid_message'],
  ['as many nested arrays as fit', nested(4000), 'invalid_message'],
  ['nested objects', '{"a":'.repeat(1500), 'invalid_message'],
  ['a text that is too large', good + ' '.repeat(8193 - good.length), 'invalid_message'],
  ['wide characters that are too large', top({ extra: 'é'.repeat(4000) }), 'invalid_message'],
  ['60 million characters', ' '.repeat(60_000_000), 'invalid_message'],
];

const versions: readonly Hostile[] = [
  ['version 2 of the text', top({ version: 2 }), 'unsupported_version'],
  ['a version that is text', top({ version: '1' }), 'unsupported_version'],
  ['a version of 1.5', top({ version: 1.5 }), 'unsupported_version'],
  ['no version', top({ version: undefined }), 'unsupported_version'],
  [
    'a duplicate version, the last one wrong',
    good.replace('{', '{"version":1,').replace('"version":1,"peer', '"version":3,"peer'),
    'unsupported_version',
  ],
  ['no capabilities', top({ capabilities: undefined }), 'unsupported_version'],
  ['capabilities as an array', top({ capabilities: [] }), 'unsupported_version'],
  ['capabilities as text', top({ capabilities: 'mesh' }), 'unsupported_version'],
  ['capabilities of null', top({ capabilities: null }), 'unsupported_version'],
  ['mesh of null', capabilities({ mesh: null }), 'unsupported_version'],
  ['mesh as an array', capabilities({ mesh: [2] }), 'unsupported_version'],
  ['versions from the prototype', good.replace('"versions"', '"__proto__"'), 'unsupported_version'],
  ['versions without ours', mesh({ versions: [1, 3] }), 'unsupported_version'],
  ['versions as text', mesh({ versions: ['2'] }), 'unsupported_version'],
  ['versions as a number', mesh({ versions: 2 }), 'unsupported_version'],
  ['versions as an object', mesh({ versions: { 0: 2, length: 1 } }), 'unsupported_version'],
  ['no versions', mesh({ versions: undefined }), 'unsupported_version'],
];

const ids: readonly Hostile[] = [
  ...spellings(ID).map(
    (id, i): Hostile => [`spelling ${i + 2} of one id`, top({ peer_id: id }), 'unauthorized'],
  ),
  ['an id with padding', top({ peer_id: `${ID}=` }), 'unauthorized'],
  ['an id of 42 characters', top({ peer_id: ID.slice(1) }), 'unauthorized'],
  ['an id in base64', top({ peer_id: `+/${ID.slice(2)}` }), 'unauthorized'],
  ['an id in hexadecimal', top({ peer_id: 'ab'.repeat(32) }), 'unauthorized'],
  ['an id with a blank', top({ peer_id: ` ${ID.slice(1)}` }), 'unauthorized'],
  ['an id with a lone surrogate', top({ peer_id: `\ud800${ID.slice(1)}` }), 'unauthorized'],
  ['an id of null', top({ peer_id: null }), 'unauthorized'],
  ['an id in an array', top({ peer_id: [ID] }), 'unauthorized'],
  ['a number as an id', top({ peer_id: 1 }), 'unauthorized'],
  ['no id', top({ peer_id: undefined }), 'unauthorized'],
  [
    'a duplicate id, the last one wrong',
    good.replace('"capabilities"', '"peer_id":"x","capabilities"'),
    'unauthorized',
  ],
];

const fields: readonly Hostile[] = [
  ['no network', mesh({ network: undefined }), 'invalid_message'],
  ['a network in an array', mesh({ network: ['openclaw'] }), 'invalid_message'],
  ['no nonce', mesh({ nonce: undefined }), 'invalid_message'],
  ['a nonce of 15 bytes', mesh({ nonce: toBase64url(new Uint8Array(15)) }), 'invalid_message'],
  ['a nonce of 17 bytes', mesh({ nonce: toBase64url(new Uint8Array(17)) }), 'invalid_message'],
  ['a second spelling of a nonce', mesh({ nonce: `${NONCE.slice(0, -1)}R` }), 'invalid_message'],
  ['a nonce of 5,000 characters', mesh({ nonce: 'A'.repeat(5000) }), 'invalid_message'],
  ['a nonce that is a number', mesh({ nonce: 0 }), 'invalid_message'],
  ['no key', mesh({ key: undefined }), 'invalid_message'],
  ['a key of 31 bytes', mesh({ key: toBase64url(new Uint8Array(31)) }), 'invalid_message'],
  ['a key with padding', mesh({ key: `${KEY}=` }), 'invalid_message'],
  ['a key from the prototype', good.replace('"key"', '"__proto__"'), 'invalid_message'],
];

export const hostileTexts: readonly Hostile[] = [...shapes, ...versions, ...ids, ...fields];
