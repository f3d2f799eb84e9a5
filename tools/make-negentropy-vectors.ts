/**
 * Makes docs/protocol/vectors/negentropy.json: messages of set reconciliation with the ranges that they say, byte strings
 * that are none, and short conversations.
 *
 * Nothing of src is used: numbers are bigints, and the bytes are put together as the specification of negentropy v1 says.
 * Run: node tools/make-negentropy-vectors.ts
 */
import { hash } from 'node:crypto';
import { layoutJson } from './json-layout.ts';
import { hex, seeded, writeFiles } from './vectors.ts';

/** A place in the order of (time, id). */
interface Bound {
  readonly timeMs: number;
  readonly counter: number;
  /** prefix of an id, hexadecimal */
  readonly id: string;
}

interface RangeVector {
  /** null is infinity */
  readonly upper: Bound | null;
  readonly mode: 'skip' | 'fingerprint' | 'idList';
  /** hexadecimal */
  readonly fingerprint?: string;
  readonly ids?: readonly string[];
}

interface MessageVector {
  readonly name: string;
  readonly ranges: readonly RangeVector[];
  readonly bytes: string;
}

interface InvalidVector {
  readonly name: string;
  readonly reason: string;
  readonly bytes: string;
}

/** A message of a channel. */
interface Known {
  readonly timeMs: number;
  readonly counter: number;
  readonly id: string;
}

interface ConversationVector {
  readonly name: string;
  readonly initiator: readonly Known[];
  readonly responder: readonly Known[];
  /** in turn; the initiator begins, and ends it when it has nothing to say */
  readonly turns: readonly string[];
  readonly have: readonly string[];
  readonly need: readonly string[];
}

/** Most significant digit first, hexadecimal. */
function varint(value: bigint | number): string {
  const all = BigInt(value);
  const digits = [all & 127n];
  for (let rest = all >> 7n; rest > 0n; rest >>= 7n) digits.unshift((rest & 127n) | 128n);
  return digits.map((digit) => digit.toString(16).padStart(2, '0')).join('');
}

const timeOf = ({ timeMs, counter }: { timeMs: number; counter: number }): bigint =>
  BigInt(timeMs) * 65_536n + BigInt(counter);

const MODES = { skip: 0, fingerprint: 1, idList: 2 } as const;

function payloadOf({ fingerprint = '', ids }: RangeVector): string {
  return ids === undefined ? fingerprint : varint(ids.length) + ids.join('');
}

function encode(ranges: readonly RangeVector[]): string {
  let last = 0n;
  let bytes = '61';
  for (const range of ranges) {
    const { upper } = range;
    bytes +=
      upper === null ? '0000' : varint(timeOf(upper) - last + 1n) + varint(upper.id.length / 2) + upper.id;
    if (upper !== null) last = timeOf(upper);
    bytes += varint(MODES[range.mode]) + payloadOf(range);
  }
  return bytes;
}

function fingerprintOf(ids: readonly string[]): string {
  const little = (id: string): bigint => BigInt(`0x${Buffer.from(id, 'hex').reverse().toString('hex')}`);
  const sum = ids.reduce((total, id) => (total + little(id)) % 2n ** 256n, 0n);
  const bytes = Buffer.from(sum.toString(16).padStart(64, '0'), 'hex').reverse();
  const input = Buffer.concat([bytes, Buffer.from(varint(ids.length), 'hex')]);
  return hex(hash('sha256', input, 'buffer')).slice(0, 32);
}

const idOf = (n: number | string): string => hex(seeded(`negentropy id ${n}`));
const MS = 1_780_000_000_000;
const at = (timeMs: number, counter = 0, id = ''): Bound => ({ timeMs, counter, id });
const skip = (upper: Bound | null): RangeVector => ({ upper, mode: 'skip' });
const print = (upper: Bound | null, ids: readonly string[]): RangeVector => ({
  upper,
  mode: 'fingerprint',
  fingerprint: fingerprintOf(ids),
});
const list = (upper: Bound | null, ids: readonly string[]): RangeVector => ({ upper, mode: 'idList', ids });

function makeMessages(): MessageVector[] {
  const named: [string, RangeVector[]][] = [
    ['no range: nothing differs', []],
    ['all is skipped', [skip(null)]],
    ['a fingerprint of nothing', [print(null, [])]],
    ['a fingerprint of one id', [print(null, [idOf(1)])]],
    [
      'a fingerprint of 200 ids',
      [
        print(
          null,
          Array.from({ length: 200 }, (_, n) => idOf(n)),
        ),
      ],
    ],
    ['an empty list', [list(null, [])]],
    ['a list of three ids', [list(null, [idOf(1), idOf(2), idOf(3)])]],
    [
      'a list of 130 ids',
      [
        list(
          null,
          Array.from({ length: 130 }, (_, n) => idOf(n)),
        ),
      ],
    ],
    ['a time beyond 2^53, and a millisecond more', [print(at(MS), [idOf(1)]), print(at(MS + 1), [idOf(2)])]],
    ['counters', [skip(at(MS, 1)), print(at(MS, 2), []), list(at(MS, 65_535), []), skip(at(MS + 1))]],
    ['the first bound there is: time 0, one byte of an id', [print(at(0, 0, '01'), [])]],
    ['time 0 and counter 1', [print(at(0, 1), [])]],
    ['the last time there is', [skip(at(2 ** 47 - 1, 65_535)), print(null, [])]],
    ['the last time and a whole id', [skip(at(2 ** 47 - 1, 65_535, 'ff'.repeat(32))), print(null, [])]],
    [
      'prefixes at one time',
      [
        print(at(MS, 0, '40'), [idOf(1)]),
        print(at(MS, 0, '80'), []),
        list(at(MS, 0, `80${'00'.repeat(30)}01`), []),
      ],
    ],
    [
      'a skip, a fingerprint and a list',
      [skip(at(MS)), print(at(MS + 60_000), [idOf(1)]), list(null, [idOf(2)])],
    ],
    [
      'the times at which varints grow',
      [6, 7, 13, 14, 20, 21, 27, 28, 31, 32, 34, 35, 48, 49, 62].map((bit) => {
        const time = 2n ** BigInt(bit);
        return skip(at(Number(time / 65_536n), Number(time % 65_536n)));
      }),
    ],
  ];
  return named.map(([name, ranges]) => ({ name, ranges, bytes: encode(ranges) }));
}

function makeInvalid(): InvalidVector[] {
  const fill = (length: number): string => 'ab'.repeat(length);
  const after = varint(timeOf(at(MS)) + 1n);
  return [
    ['no bytes', 'truncated', ''],
    ['version 2', 'version', '620000'],
    ['a bound without its prefix length', 'truncated', `61${after}`],
    ['a bound without a mode', 'truncated', `61${after}00`],
    ['a number that does not end', 'truncated', '618180'],
    ['a prefix that is cut off', 'truncated', `61${after}02ab`],
    ['a fingerprint of 15 bytes', 'truncated', `61000001${fill(15)}`],
    ['a list without its length', 'truncated', '61000002'],
    ['a list of two ids with one', 'truncated', `6100000202${fill(32)}`],
    ['a list that claims 2^64 - 1 ids', 'truncated', `61000002${varint(2n ** 64n - 1n)}${fill(64)}`],
    ['an infinity with a leading zero', 'number', '6180000000'],
    ['a mode with a leading zero', 'number', '6100008000'],
    ['a number of 2^64', 'number', `61${varint(2n ** 64n)}0000`],
    ['mode 3', 'mode', '61000003'],
    ['mode 2^32', 'mode', `610000${varint(2n ** 32n)}`],
    ['mode 2^32 + 1', 'mode', `610000${varint(2n ** 32n + 1n)}${fill(16)}`],
    ['a prefix of 33 bytes', 'bound', `61${after}21${fill(33)}00`],
    ['a prefix of 2^32 bytes', 'bound', `61${after}${varint(2n ** 32n)}00`],
    ['an infinity with a prefix', 'bound', '610001ab00'],
    ['a time of 2^63', 'bound', `61${varint(2n ** 63n + 1n)}0000`],
    ['a time of 2^64 - 2', 'bound', `61${varint(2n ** 64n - 1n)}0000`],
    ['times that add up to 2^63', 'bound', `61${varint(2n ** 62n + 1n)}0000${varint(2n ** 62n + 1n)}0000`],
    ['times that add up to more than 2^64', 'bound', `61${after}0000${varint(2n ** 64n - 1n)}0000`],
    ['a first range without room', 'order', '61010000'],
    ['a first range of zeros without room', 'order', `610120${'00'.repeat(32)}00`],
    ['the same bound twice', 'order', `61${after}0000010000`],
    ['the same bound in two spellings', 'order', `61${after}0000010300000000`],
    ['prefixes that go back', 'order', `61${after}01800001014000`],
    ['a range after infinity', 'order', '61000000000000'],
    ['a time after infinity', 'order', '61000000050000'],
  ].map(([name = '', reason = '', bytes = '']) => ({ name, reason, bytes }));
}

const known = (n: number): Known => ({ timeMs: MS + 1000 * n, counter: n % 2, id: idOf(n) });
const idsOf = (items: readonly Known[]): string[] => items.map(({ id }) => id);

/** Conversations whose every message follows from the specification: few messages, so lists of ids at once, and one
 *  range of 40 in pieces. */
function makeConversations(): ConversationVector[] {
  const [a, b, c] = [known(1), known(2), known(3)] as [Known, Known, Known];
  const many = Array.from({ length: 40 }, (_, n) => known(n));
  // Sixteen pieces of 40 differ by one in size: eight of three, then eight of two; the reader may cut otherwise.
  const pieces: Known[][] = Array.from({ length: 16 }, (_, i) =>
    i < 8 ? many.slice(3 * i, 3 * i + 3) : many.slice(24 + 2 * (i - 8), 26 + 2 * (i - 8)),
  );
  const cut = pieces.map((piece, i) => {
    const next = pieces[i + 1]?.[0];
    return print(next ? at(next.timeMs, next.counter) : null, idsOf(piece));
  });
  const lost = pieces[5]?.[1] as Known;
  const rest = idsOf(pieces[5] as Known[]).filter((id) => id !== lost.id);
  const before = pieces[5]?.[0] as Known;
  const after = pieces[6]?.[0] as Known;
  return [
    {
      name: 'each side lacks one of three',
      initiator: [a, b],
      responder: [b, c],
      turns: [encode([list(null, idsOf([a, b]))]), encode([list(null, idsOf([b, c]))])],
      have: [a.id],
      need: [c.id],
    },
    {
      name: 'the initiator has nothing',
      initiator: [],
      responder: [a],
      turns: [encode([list(null, [])]), encode([list(null, [a.id])])],
      have: [],
      need: [a.id],
    },
    {
      name: 'the same 40 messages',
      initiator: many,
      responder: many,
      turns: [encode(cut), encode([])],
      have: [],
      need: [],
    },
    {
      name: 'the responder lacks one of 40',
      initiator: many,
      responder: many.filter((one) => one !== lost),
      turns: [
        encode(cut),
        encode([skip(at(before.timeMs, before.counter)), list(at(after.timeMs, after.counter), rest)]),
      ],
      have: [lost.id],
      need: [],
    },
  ];
}

/** The file that this tool makes: name from the repository's root, and text. */
export function makeNegentropyFiles(): Record<string, string> {
  return {
    'docs/protocol/vectors/negentropy.json': layoutJson(
      JSON.parse(
        JSON.stringify({
          about: `Messages of set reconciliation (negentropy v1 with times of 63 bits): ranges and bytes, bytes that are none, and conversations. Ids and bytes are hexadecimal. Made by tools/make-negentropy-vectors.ts.`,
          messages: makeMessages(),
          invalid: makeInvalid(),
          conversations: makeConversations(),
        }),
      ),
    ),
  };
}

if (process.argv[1] === import.meta.filename) writeFiles(makeNegentropyFiles());
