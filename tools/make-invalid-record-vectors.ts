/**
 * Records that are refused, for docs/protocol/vectors/records.json. Each has one fault; where that is not the signature,
 * the signature holds.
 */
import { encode } from 'cborg';
import {
  arrayOf,
  bytesOf,
  bytesOfBits,
  exactItems,
  type Items,
  keyOf,
  numbersOf,
  peerItems,
  type RecordType,
  rice,
  signedData,
  tagOf,
} from './record-encoder.ts';
import { fromHex, hex, seeded } from './vectors.ts';

export interface InvalidRecord {
  readonly name: string;
  readonly type: RecordType;
  /** what the receiver's offence is called */
  readonly code: 'invalid_message' | 'invalid_signature';
  readonly bytes: string;
  readonly signature: string;
}

const TIME = 1_780_000_000_000;
const NONE = new Uint8Array(0);

type Named = readonly [name: string, bytes: Uint8Array];
const of = (name: string, items: Items): Named => [name, bytesOf(items)];

const tags = ['a', 'dev', 'lobby'].map((name) => tagOf(name)).sort(Buffer.compare);
const [first, second] = tags as [Uint8Array, Uint8Array];
const join = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));

function badPeers(key: Uint8Array): Named[] {
  const links = (count: number): Uint8Array[] =>
    Array.from({ length: count }, (_, n) => keyOf(seeded(`relay neighbour ${n}`)).key).sort(Buffer.compare);
  const [one, two] = links(2) as [Uint8Array, Uint8Array];
  const plain = {
    urls: ['wss://relay.example/'],
    links: [one, two],
    costs: [1, 2],
    expires: TIME + 3_600_000,
  };
  const peer = (name: string, changes: Partial<typeof plain>): Named =>
    of(name, peerItems(key, TIME, { ...plain, ...changes }));
  const items = peerItems(key, TIME, plain);
  const but = (name: string, at: number, item: unknown): Named => of(name, items.with(at, item));
  return [
    peer('links in descending order', { links: [two, one] }),
    peer('a link twice', { links: [one, one] }),
    peer('13 links', { links: links(13), costs: Array.from({ length: 13 }, () => 0) }),
    peer('a link of 31 bytes', { links: [one.subarray(1), two] }),
    peer('a cost less than links', { costs: [1] }),
    peer('a cost more than links', { costs: [1, 2, 3] }),
    but('costs as numbers', 5, [1, 2]),
    peer('five addresses', { urls: Array.from({ length: 5 }, (_, n) => `wss://${n}.example/`) }),
    peer('an address of 257 bytes', { urls: [`wss://${'a'.repeat(251)}`] }),
    but('an address as bytes', 3, [Uint8Array.of(0x77)]),
    but('a key of 31 bytes', 1, key.subarray(1)),
    but('a sequence of 2^53', 2, 2n ** 53n),
    but('an expiry of 2^53', 6, 2n ** 53n),
    but('a negative sequence', 2, -1),
    but('an expiry that is no integer', 6, 0.5),
    but('an expiry of null', 6, null),
    but('number 0', 0, 0),
    but('number 4', 0, 4),
    of('no expiry', items.slice(0, 6)),
    of('an item too many', [...items, 0]),
    of('the number of the other kind', items.with(0, 2)),
  ];
}

/** The bytes of a good record in another spelling. */
function badSpellings(key: Uint8Array): Named[] {
  const parts = [encode(1), encode(key), encode(7), encode(['ws://a/']), encode([]), encode(NONE), encode(9)];
  const spelled = (name: string, at: number, text: string): Named => [
    name,
    arrayOf(...parts.map((part, i) => (i === at ? fromHex(text) : part))),
  ];
  const good = arrayOf(...parts);
  return [
    spelled('an integer in two bytes that fits into one', 2, '1807'),
    spelled('an integer in nine bytes that fits into one', 6, '1b0000000000000009'),
    spelled('the length of a byte string in two bytes that fits into one', 5, '5800'),
    spelled('the length of a list in two bytes that fits into one', 4, '9800'),
    spelled('a list of indefinite length', 4, '9fff'),
    spelled('a byte string of indefinite length', 5, '5fff'),
    spelled('a text that is not UTF-8', 3, '8161ff'),
    spelled('a tagged integer', 6, 'c109'),
    spelled('a float', 6, 'f94880'),
    ['a byte behind the end', join(good, Uint8Array.of(0))],
    ['a byte less than there must be', good.subarray(0, -1)],
    ['nothing', NONE],
  ];
}

function badSets(key: Uint8Array): Named[] {
  const many = Array.from({ length: 4097 }, (_, n) => tagOf(`channel ${n}`));
  const exact = (name: string, bytes: Uint8Array): Named => of(name, [2, key, TIME, bytes]);
  return [
    exact('tags in descending order', join(second, first)),
    exact('a tag twice', join(first, first)),
    exact('a tag of 7 bytes', first.subarray(1)),
    of('tags as a list', [2, key, TIME, tags]),
    of('4097 tags', exactItems(key, TIME, many)),
  ];
}

function badDeltas(key: Uint8Array): Named[] {
  const delta = (name: string, ...rest: Items): Named => of(name, [3, key, TIME, ...rest]);
  const [low, high] = [first.subarray(0, 4), second.subarray(0, 4)];
  return [
    delta('a base that is the own sequence', TIME, true, first, NONE),
    delta('a base above the sequence', TIME + 1, true, first, NONE),
    delta('added tags in descending order', TIME - 1, true, join(second, first), NONE),
    delta('a removed tag twice', TIME - 1, true, NONE, join(first, first)),
    delta('a half of a tag that is called exact', TIME - 1, true, low, NONE),
    delta('halves in descending order', TIME - 1, false, join(high, low), NONE),
    delta('a boolean as a number', TIME - 1, 1, first, NONE),
    delta('an item less', TIME - 1, true, first),
  ];
}

function badFilters(key: Uint8Array): Named[] {
  const filter = (name: string, count: number, bytes: Uint8Array): Named =>
    of(name, [2, key, TIME, count, bytes]);
  const numbers = numbersOf(tags);
  const { bytes, codes } = rice(numbers);
  const bits = codes.join('').replaceAll(' ', '');
  if (bits.length % 8 === 0) throw new Error('these numbers leave no bits to fill');
  return [
    filter('a filter of no numbers', 0, NONE),
    filter('a filter of more numbers than it has bits for', 49_152, new Uint8Array(1000)),
    filter('a filter with a byte too many', 3, join(bytes, Uint8Array.of(0))),
    filter('a filter with a byte less', 3, bytes.subarray(0, -1)),
    filter('a filter whose last byte is not filled with zero bits', 3, bytesOfBits(`${bits}1`)),
    filter(
      'a filter of 2^32: two one-bits, a zero-bit and a remainder of 0',
      1,
      bytesOfBits(`110${'0'.repeat(31)}`),
    ),
    filter('a filter of one-bits without an end', 3, bytesOfBits('1'.repeat(120))),
    filter('a filter of two numbers, called three', 3, rice(numbers.slice(0, 2)).bytes),
    filter(
      'a filter whose gap is counted from number to number: the last one is 2^32',
      2,
      bytesOfBits(wideGap(5)),
    ),
  ];
}

/** The numbers `low` and 2^32 - 1, the second as a gap counted from number to number and not between them. */
function wideGap(low: number): string {
  const { codes } = rice([low, 2 ** 32 - 1]);
  const gap = 2 ** 32 - 1 - low;
  const remainder = (gap % 2 ** 30).toString(2).padStart(30, '0');
  return `${codes[0]?.replace(' ', '')}${'1'.repeat(Math.floor(gap / 2 ** 30))}0${remainder}`;
}

/** A good record with something else for its signature. */
function badSignatures(secret: ReturnType<typeof keyOf>): InvalidRecord[] {
  const bytes = {
    'peer record': bytesOf(
      peerItems(secret.key, TIME, { urls: [], links: [], costs: [], expires: TIME + 1000 }),
    ),
    'interest record': bytesOf(exactItems(secret.key, TIME, tags)),
  };
  const bad = (name: string, type: keyof typeof bytes, signature: Uint8Array): InvalidRecord => {
    return { name, type, code: 'invalid_signature', bytes: hex(bytes[type]), signature: hex(signature) };
  };
  const over = (type: string, as: keyof typeof bytes, network = 'openclaw'): Uint8Array =>
    secret.sign(signedData(type, bytes[as], network));
  const damaged = over('peer record', 'peer record');
  damaged[0] = (damaged[0] as number) ^ 1;
  const alien = keyOf(seeded('another relay')).sign(
    signedData('peer record', bytes['peer record'], 'openclaw'),
  );
  return [
    bad('a signature with one bit changed', 'peer record', damaged),
    bad('signed by another key', 'peer record', alien),
    bad('signed for another network', 'peer record', over('peer record', 'peer record', 'test-1')),
    bad('signed as a record of the other kind', 'interest record', over('peer record', 'interest record')),
    bad('an interest record signed as a delta', 'interest record', over('interest delta', 'interest record')),
    bad('signed without a purpose', 'peer record', secret.sign(bytes['peer record'])),
    unusable(),
  ];
}

/** The neutral element as key and as R, S = 0: an equation that holds for anything. */
function unusable(): InvalidRecord {
  const neutral = Uint8Array.of(1, ...new Uint8Array(31));
  const items = peerItems(neutral, TIME, { urls: [], links: [], costs: [], expires: TIME + 1000 });
  const signature = join(neutral, new Uint8Array(32));
  return {
    ...{ name: 'a key that is not usable, with a signature that lax verifiers take', type: 'peer record' },
    ...{ code: 'invalid_signature', bytes: hex(bytesOf(items)), signature: hex(signature) },
  };
}

/** @param seed 32 bytes, secret of the relay whose records these are */
export function makeInvalidRecords(seed: Uint8Array): InvalidRecord[] {
  const secret = keyOf(seed);
  const malformed =
    (type: RecordType) =>
    ([name, bytes]: Named): InvalidRecord => {
      const signature = hex(secret.sign(signedData(type, bytes, 'openclaw')));
      return { name, type, code: 'invalid_message', bytes: hex(bytes), signature };
    };
  const { key } = secret;
  return [
    ...[...badPeers(key), ...badSpellings(key)].map(malformed('peer record')),
    ...badSets(key).map(malformed('interest record')),
    ...badDeltas(key).map(malformed('interest delta')),
    ...badFilters(key).map(malformed('interest record')),
    ...badSignatures(secret),
  ];
}
