/**
 * Makes docs/protocol/vectors/records.json: signed records of relays, chains of deltas, the code of filters, and records
 * that are refused. What a record is made of is written down once more in record-encoder.ts; nothing of src is used.
 * Run: node tools/make-record-vectors.ts
 */
import { type Json, layoutJson } from './json-layout.ts';
import { makeInvalidRecords } from './make-invalid-record-vectors.ts';
import {
  bytesOf,
  type Delta,
  deltaItems,
  exactItems,
  filterItems,
  type Items,
  keyOf,
  numbersOf,
  peerItems,
  type RecordType,
  rice,
  signedData,
  tagOf,
} from './record-encoder.ts';
import { hex, seeded, writeFiles } from './vectors.ts';

const SEED = seeded('relay');
const RELAY = keyOf(SEED);
const TIME = 1_780_000_000_000;
const HOUR = 3_600_000;
const SAFE = 2 ** 53 - 1;
/** what is listed one by one; above, the names of channels are counted up */
const LISTED_MAX = 10;

export interface RecordVector {
  readonly name: string;
  readonly network: string;
  readonly type: RecordType;
  readonly fields: { readonly [name: string]: Json };
  /** of a receiver's clock, ms: not taken before the first, and no more from the second on */
  readonly fromMs: number;
  readonly endsMs: number;
  readonly bytes: string;
  readonly signature: string;
  /** of interest: whether somebody who has a message for the channel takes it for one of the set */
  readonly asked?: readonly Asked[];
}

export interface Asked {
  readonly channel: string;
  readonly tag: string;
  readonly isListed: boolean;
  readonly isTaken: boolean;
}

/** Channels of a set: named, or so many of "channel 0", "channel 1" and so on. */
type Channels = readonly string[] | number;

const namesOf = (channels: Channels): readonly string[] =>
  typeof channels === 'number' ? Array.from({ length: channels }, (_, i) => `channel ${i}`) : channels;

const half = (channel: string): Uint8Array => tagOf(channel).subarray(0, 4);

function record(
  name: string,
  type: RecordType,
  [items, fields, endsMs]: readonly [Items, RecordVector['fields'], number],
  network = 'openclaw',
): RecordVector {
  const bytes = bytesOf(items);
  const fromMs = Math.max(0, (items[2] as number) - HOUR);
  const signature = RELAY.sign(signedData(type, bytes, network));
  return { name, network, type, fields, fromMs, endsMs, bytes: hex(bytes), signature: hex(signature) };
}

interface PeerChanges {
  readonly sequence?: number;
  readonly urls?: readonly string[];
  /** labels of keys, with the costs */
  readonly links?: readonly (readonly [label: string, cost: number])[];
  readonly expires?: number;
  readonly network?: string;
}

const linkKey = (label: string): Uint8Array => keyOf(seeded(`relay ${label}`)).key;

/** Links are brought in order of bytes, and their costs with them. */
function peer(name: string, changes: PeerChanges): RecordVector {
  const { sequence = TIME, urls = ['wss://relay.example/'], expires = TIME + HOUR } = changes;
  const links = (changes.links ?? [])
    .map(([label, cost]) => ({ key: linkKey(label), cost }))
    .sort((a, b) => Buffer.compare(a.key, b.key));
  const costs = links.map(({ cost }) => cost);
  const rest = { urls, links: links.map(({ key }) => key), costs, expires };
  const fields = { sequence, urls, links: rest.links.map(hex), costs, expires };
  const endsMs = Math.min(expires, sequence + 2 * HOUR);
  return record(name, 'peer record', [peerItems(RELAY.key, sequence, rest), fields, endsMs], changes.network);
}

function asked(channels: Channels, others: readonly string[], isExact: boolean): Asked[] {
  const names = new Set(namesOf(channels));
  const known = new Set([...names].map((name) => hex(isExact ? tagOf(name) : half(name))));
  return [...[...names].slice(0, 2), ...others].map((channel) => {
    const isTaken = known.has(hex(isExact ? tagOf(channel) : half(channel)));
    return { channel, tag: hex(tagOf(channel)), isListed: names.has(channel), isTaken };
  });
}

/** How a set of channels is told in JSON. */
function told(channels: Channels): RecordVector['fields'] {
  if (typeof channels === 'number') return { numbered: channels };
  return { channels };
}

function exact(name: string, channels: Channels, others: readonly string[] = ['elsewhere']): RecordVector {
  const tags = namesOf(channels).map((channel) => tagOf(channel));
  const listed = tags.length > LISTED_MAX ? {} : { tags: tags.map(hex).sort() };
  const items = exactItems(RELAY.key, TIME, tags);
  const fields = { sequence: TIME, ...told(channels), ...listed };
  const made = record(name, 'interest record', [items, fields, TIME + 2 * HOUR]);
  return { ...made, asked: asked(channels, others, true) };
}

function filter(name: string, channels: Channels, others: readonly string[] = ['elsewhere']): RecordVector {
  const tags = namesOf(channels).map((channel) => tagOf(channel));
  const numbers = numbersOf(tags);
  const listed = numbers.length > LISTED_MAX ? {} : { numbers };
  const items = filterItems(RELAY.key, TIME, tags);
  const fields = {
    ...{ sequence: TIME, ...told(channels) },
    ...{ count: numbers.length, r: rice(numbers).r, ...listed },
  };
  const made = record(name, 'interest record', [items, fields, TIME + 2 * HOUR]);
  return { ...made, asked: asked(channels, others, false) };
}

function peerRecords(): RecordVector[] {
  const twelve = Array.from({ length: 12 }, (_, n) => [`neighbour ${n}`, n * 23] as const);
  const urls = [
    'wss://a.example/',
    'wss://b.example:8443/mesh',
    'ws://192.0.2.1:5000/',
    'ws://[2001:db8::1]:5000/',
  ];
  const long = `wss://${'a'.repeat(256 - 'wss://.example/'.length)}.example/`;
  return [
    peer('no links', {}),
    peer('neither links nor addresses', { urls: [] }),
    peer('one link, of unknown cost', { links: [['neighbour 0', 0]] }),
    peer('three links, of the least cost, the largest and an unknown one', {
      links: [
        ['neighbour 1', 1],
        ['neighbour 2', 255],
        ['neighbour 3', 0],
      ],
    }),
    peer('twelve links with costs, in order of their bytes', { links: twelve }),
    peer('four addresses, in the order in which they are told', { urls }),
    peer('an address of 256 bytes', { urls: [long] }),
    peer('another network', { network: 'test-1' }),
    peer('a sequence that is one more than the last of the same millisecond', { sequence: TIME + 1 }),
    peer('an expiry behind two hours after the sequence: it ends there', { expires: TIME + 2 * HOUR + 1 }),
    peer('the largest expiry', { expires: SAFE }),
    peer('an expiry before its time: well-formed, and taken by nobody', { expires: TIME - 2 * HOUR }),
    peer('the largest sequence: well-formed, and taken by nobody yet', { sequence: SAFE, expires: SAFE }),
    peer('sequence and expiry 0', { sequence: 0, expires: 0 }),
  ];
}

/** Two channels whose tags have the same upper half; found by trying 64,544 names. */
const TWINS = ['twin 473', 'twin 64543'] as const;
/** Its upper half is that of "channel 3864"; found by trying 2,670,884 names. */
const FALSE_POSITIVE = 'other 2670883';

function interestRecords(): RecordVector[] {
  return [
    exact('exact: no tags', []),
    exact('exact: one tag', ['lobby']),
    exact('exact: four tags, in order of their bytes', ['lobby', 'dev', 'ops', 'a']),
    exact('exact: two tags with one upper half', TWINS),
    exact('exact: one of two tags with one upper half', [TWINS[0]], [TWINS[1]]),
    exact('exact: 4096 tags, the most', 4096, ['channel 4096', FALSE_POSITIVE]),
    filter('filter: one number', ['lobby']),
    filter('filter: two numbers', ['lobby', 'dev']),
    filter('filter: three numbers', ['lobby', 'dev', 'ops']),
    filter('filter: two tags with one upper half are one number', TWINS),
    filter('filter: a tag is taken for another with its upper half', [TWINS[0]], [TWINS[1]]),
    filter('filter: 4097 tags, with one that is taken for another', 4097, ['channel 4097', FALSE_POSITIVE]),
  ];
}

export interface Step {
  readonly name: string;
  readonly type: RecordType;
  readonly fields: RecordVector['fields'];
  readonly bytes: string;
  readonly signature: string;
  /** why it is left, null if it is taken */
  readonly left: string | null;
  /** the set behind it: tags, or upper halves; where they are many, how many */
  readonly set: readonly string[] | number;
}

export interface Chain {
  readonly name: string;
  readonly steps: readonly Step[];
}

type Change = Partial<Delta> & { readonly name: string; readonly sequence: number; readonly left?: string };

/** A full record of TIME with changes; each is on the last that was taken if it names no base. */
function chain(name: string, channels: Channels, isExact: boolean, changes: readonly Change[]): Chain {
  const width = isExact ? tagOf : half;
  const full = isExact ? exact(name, channels) : filter(name, channels);
  let set = new Set(namesOf(channels).map((channel) => hex(width(channel))));
  let last = TIME;
  const sorted = (): Step['set'] => (set.size > LISTED_MAX ? set.size : [...set].sort());
  const first = { name: 'the full record', type: full.type, fields: full.fields };
  const steps: Step[] = [
    { ...first, bytes: full.bytes, signature: full.signature, left: null, set: sorted() },
  ];
  for (const { name: title, sequence, left = null, ...delta } of changes) {
    const { base = last, exact: flag = isExact, added = [], removed = [] } = delta;
    const whole = { base, exact: flag, added, removed };
    const items = deltaItems(RELAY.key, sequence, whole);
    const lists = { added: added.map(hex).sort(), removed: removed.map(hex).sort() };
    const isLong = added.length > LISTED_MAX;
    const addedTags = isLong ? { numbered: added.length } : { added: lists.added };
    const fields = { sequence, base, exact: flag, ...addedTags, removed: lists.removed };
    const made = record(title, 'interest delta', [items, fields, sequence + 2 * HOUR]);
    if (left === null) {
      set = new Set([...[...set].filter((one) => !lists.removed.includes(one)), ...lists.added]);
      last = sequence;
    }
    const { type, bytes, signature } = made;
    steps.push({ name: title, type, fields: made.fields, bytes, signature, left, set: sorted() });
  }
  return { name, steps };
}

const tags = (...names: readonly string[]): Uint8Array[] => names.map((name) => tagOf(name));
const halves = (...names: readonly string[]): Uint8Array[] => names.map(half);

function exactChain(): Chain {
  return chain('on an exact record', ['lobby', 'dev'], true, [
    {
      ...{ name: 'adds two and removes one', sequence: TIME + 1000 },
      ...{ added: tags('ops', 'a'), removed: tags('dev') },
    },
    { name: 'changes nothing: the interest lasts longer', sequence: TIME + 2000 },
    {
      ...{ name: 'adds what is there and removes what is not', sequence: TIME + 3000 },
      ...{ added: tags('ops'), removed: tags('elsewhere') },
    },
    {
      ...{ name: 'removes and adds the same: it is there, for removing comes first', sequence: TIME + 4000 },
      ...{ added: tags('lobby'), removed: tags('lobby') },
    },
    { name: 'is on another base', sequence: TIME + 5000, base: TIME + 3000, added: tags('b'), left: 'base' },
    {
      name: 'has halves of tags',
      sequence: TIME + 5000,
      exact: false,
      added: halves('b'),
      left: 'kind of set',
    },
    { name: 'has the sequence that is there', sequence: TIME + 4000, base: TIME + 3000, left: 'sequence' },
    {
      name: 'has more bytes than the full record and than 1 KiB',
      ...{ sequence: TIME + 5000, added: namesOf(125).map((name) => tagOf(name)) },
      left: 'bytes of the chain',
    },
    { name: 'removes all', sequence: TIME + 6000, removed: tags('lobby', 'ops', 'a') },
  ]);
}

function filterChain(): Chain {
  return chain('on a filter, in upper halves', ['lobby', TWINS[0]], false, [
    {
      ...{ name: 'adds one and removes one', sequence: TIME + 1000 },
      ...{ added: halves('ops'), removed: halves('lobby') },
    },
    { name: 'adds the half that two tags have', sequence: TIME + 2000, added: halves(TWINS[1]) },
    { name: 'has whole tags', sequence: TIME + 3000, exact: true, added: tags('a'), left: 'kind of set' },
    { name: 'removes the half that two tags have', sequence: TIME + 4000, removed: halves(TWINS[0]) },
  ]);
}

/** Empty deltas: so many are taken, and one more is left. */
function longChain(name: string, channels: Channels, taken: number, left: string): Chain {
  const delta = (n: number): Change => ({ name: `delta ${n}`, sequence: TIME + n });
  const fitting = Array.from({ length: taken }, (_, i) => delta(i + 1));
  return chain(name, channels, true, [...fitting, { ...delta(taken + 1), left }]);
}

function chains(): Chain[] {
  return [
    exactChain(),
    filterChain(),
    longChain('of 17 empty deltas, 57 bytes each: one more is above 1 KiB', [], 17, 'bytes of the chain'),
    longChain('of 32 empty deltas on a longer record', 250, 32, 'number of deltas'),
  ];
}

function riceVector(name: string, numbers: readonly number[]): Json {
  const { r, codes, bytes } = rice(numbers);
  return { name, numbers, r, codes, bytes: hex(bytes) };
}

function riceVectors(): Json[] {
  const top = 2 ** 32;
  return [
    riceVector('the number 0', [0]),
    riceVector('the largest number: the quotient is 1', [top - 1]),
    riceVector('two numbers side by side', [5, 6]),
    riceVector('a gap of one below, of exactly and of one above 2^r', [
      2 ** 29 - 1,
      2 ** 30,
      1610612738,
      1610612739,
    ]),
    riceVector('the ends', [0, top - 1]),
    riceVector('all at the top: seven one-bits', [top - 4, top - 3, top - 2, top - 1]),
    riceVector('all in the middle of bytes', [1, 2 ** 31, 3_000_000_000]),
    riceVector(
      'eight numbers',
      [...Array(8).keys()].map((n) => n * 500_000_009),
    ),
  ];
}

export function makeRecordVectors() {
  return {
    records: [...peerRecords(), ...interestRecords()],
    chains: chains(),
    rice: riceVectors(),
    invalid: makeInvalidRecords(SEED),
  };
}

/** The file that this tool makes: name from the repository's root, and text. */
export function makeRecordFiles(): Record<string, string> {
  const about =
    'Signed records of one relay. Bytes are hexadecimal, times are milliseconds since 1970. records: taken by a clock from ' +
    'fromMs on and before endsMs; numbered n stands for the channels "channel 0" to "channel n-1". chains: steps in order, ' +
    'with the set behind each (or how many it has), and why a step is left. rice: numbers of a filter and their code. invalid: refused, and ' +
    'why. Made by tools/make-record-vectors.ts.';
  const content = { about, seed: hex(SEED), key: hex(RELAY.key), ...makeRecordVectors() };
  return { 'docs/protocol/vectors/records.json': layoutJson(content as unknown as Json) };
}

if (process.argv[1] === import.meta.filename) writeFiles(makeRecordFiles());
