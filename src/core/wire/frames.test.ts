import { decode, encode } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equal, fromBase64url, toHex } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import { fromHex, openclaw, readVectors } from '../message/message.fixture.ts';
import { decodeMessage } from '../message/message.ts';
import { type Frame, frameNumber } from './frame.ts';
import {
  anyFrame,
  FRAME_TYPES,
  fromJson,
  type Json,
  sampleMessages,
  sampleTombstone,
  toJson,
} from './frames.fixture.ts';
import { decodeFrame, encodeFrame } from './frames.ts';

interface FrameVector {
  readonly type: Frame['type'];
  readonly number: number;
  readonly fields: Readonly<Record<string, Json>>;
  readonly bytes: string;
}

const { vectors } = readVectors<{ vectors: FrameVector[] }>('frames.json');

describe('the frame codec', () => {
  it.each(vectors.map((vector) => [vector.type, vector] as const))(
    'reads and writes the vector of %s',
    (type, { number, fields, bytes }) => {
      const decoded = decodeFrame(openclaw, fromHex(bytes));
      expect(toJson(decoded)).toEqual({ type, ...fields });
      const built = { type, ...(fromJson(fields) as object) } as Frame;
      expect(toHex(encodeFrame(built))).toBe(bytes);
      expect(frameNumber(fromHex(bytes))).toBe(number);
    },
  );

  it('has one vector of each type, with numbers that are never used twice', () => {
    expect(vectors.map(({ type }) => type)).toEqual(FRAME_TYPES);
    const numbers = vectors.map(({ number }) => number);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  });

  it.each(FRAME_TYPES)('gives back every %s frame that it wrote', (type) => {
    fc.assert(
      fc.property(anyFrame[type] as fc.Arbitrary<Frame>, (frame) => {
        const bytes = encodeFrame(frame);
        const decoded = decodeFrame(openclaw, bytes) as Frame;
        expect(toJson(decoded)).toEqual(toJson(frame));
        expect(equal(encodeFrame(decoded), bytes)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it('keeps message bytes as they came, as views into the frame', () => {
    const bytes = encodeFrame({ type: 'push', root: '', keep: false, messages: sampleMessages });
    const decoded = decodeFrame(openclaw, bytes);
    if (decoded?.type !== 'push') throw new Error('not a push');
    expect(decoded.messages.map(({ wire }) => wire)).toEqual(sampleMessages.map(({ wire }) => wire));
    for (const { wire } of decoded.messages) expect(wire.buffer).toBe(bytes.buffer);
  });
});

const blank = (length: number): Uint8Array => new Uint8Array(length);
const many = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item);
const [id, tag, print] = [blank(32), blank(8), blank(16)];
const signature = blank(64);
const NUMBER = Object.fromEntries(vectors.map(({ type, number }) => [type, number])) as Record<
  Frame['type'],
  number
>;
const raw = (type: Frame['type'], ...fields: unknown[]): Uint8Array => encode([NUMBER[type], ...fields]);
const url = 'ws://a/';

const ephemerals = readVectors<{ vectors: { name: string; wire: string; isCarried: boolean }[] }>(
  'ephemeral.json',
).vectors;
/** A wire item as a value, which encodes to the same bytes inside a frame. */
const ephemeralOf = (name: string): unknown =>
  decode(fromHex(ephemerals.find((vector) => vector.name === name)?.wire ?? ''));
const draft = ephemeralOf('a draft');
const tombstones = readVectors<{
  vectors: { name: string; id: string; tombstone: string; isTombstone: boolean }[];
}>('tombstone.json').vectors;

/** Each field at its bound and one above it. */
const BOUNDS: readonly (readonly [Frame['type'], string, (over: 0 | 1) => unknown[]])[] = [
  ['auth', 'a URL', (over) => [tag, 'u'.repeat(LIMITS.urlBytesMax + over), signature]],
  ['auth', 'a URL of wide characters', (over) => [tag, `${'é'.repeat(128)}${'u'.repeat(over)}`, signature]],
  ['auth', 'an instance number', (over) => [blank(8 + over), '', signature]],
  ['auth', 'a signature', (over) => [tag, '', blank(64 + over)]],
  ['ping', 'a count', (over) => [BigInt(Number.MAX_SAFE_INTEGER) + BigInt(over)]],
  ['pong', 'a count', (over) => [BigInt(Number.MAX_SAFE_INTEGER) + BigInt(over)]],
  ['error', 'a code', (over) => ['c'.repeat(64 + over), '']],
  ['error', 'a detail', (over) => ['', 'd'.repeat(LIMITS.errorTextBytesMax + over)]],
  ['holds', 'channels', (over) => [false, many(LIMITS.tagsMax + over, [tag, 0]), []]],
  ['holds', 'channels taken back', (over) => [false, [], many(LIMITS.tagsMax + over, tag)]],
  ['holds', 'a floor', (over) => [false, [[tag, Math.floor(2 ** 42 / 60) + over]], []]],
  ['holds', 'a tag', (over) => [false, [], [blank(8 + over)]]],
  ['push', 'a root', (over) => [blank(8 + over), false, []]],
  ['announce', 'ids', (over) => [many(LIMITS.idsPerFrameMax + over, id)]],
  ['announce', 'an id', (over) => [[blank(32 + over)]]],
  ['fetch', 'ids', (over) => [many(LIMITS.idsPerFrameMax + over, id)]],
  ['stored', 'ids', (over) => [many(LIMITS.idsPerFrameMax + over, id)]],
  ['fetched', 'ids not held', (over) => [[], many(LIMITS.idsPerFrameMax + over, id), []]],
  ['have', 'heads', (over) => [many(LIMITS.recordHeadsMax + over, [1, id, 0])]],
  ['have', 'a kind of record', (over) => [[[2 + over, id, 0]]]],
  ['want', 'heads', (over) => [many(LIMITS.recordHeadsMax + over, [2, id, 0])]],
  ['want', 'a sequence', (over) => [[[2, id, BigInt(Number.MAX_SAFE_INTEGER) + BigInt(over)]]]],
  ['records', 'records', (over) => [many(LIMITS.recordsPerFrameMax + over, [blank(1), signature])]],
  ['records', 'a record', (over) => [[[blank(LIMITS.signedRecordBytesMax + over), signature]]]],
  ['addresses', 'relays', (over) => [many(LIMITS.addressesPerFrameMax + over, [id, [url]])]],
  ['addresses', 'URLs of a relay', (over) => [[[id, many(LIMITS.recordAddressesMax + over, url)]]]],
  ['addresses', 'a URL', (over) => [[[id, ['u'.repeat(LIMITS.urlBytesMax + over)]]]]],
  ['mailbox', 'tags', (over) => [many(LIMITS.tagsMax + over, tag)]],
  ['mailbox-kept', 'tags', (over) => [many(LIMITS.tagsMax + over, tag), 168]],
  ['mailbox-kept', 'hours', (over) => [[], Math.floor(2 ** 42 / 60) + over]],
  ['heartbeat', 'a minute', (over) => [2 ** 42 + over, 0, print]],
  ['heartbeat', 'channels', (over) => [0, LIMITS.sharedChannelsMax + over, print]],
  ['heartbeat', 'a fingerprint', (over) => [0, 0, blank(16 + over)]],
  ['sums', 'a minute', (over) => [2 ** 42 + over, []]],
  ['sums', 'sums', (over) => [0, many(LIMITS.sumsPerFrameMax + over, [tag, 0, print])]],
  ['reconcile', 'a number', (over) => [LIMITS.reconcileNumberMax + over, 0, tag, 0, blank(0)]],
  ['reconcile', 'a minute', (over) => [0, 2 ** 42 + over, tag, 0, blank(0)]],
  ['reconcile', 'a tag', (over) => [0, 0, blank(8 + over), 0, blank(0)]],
  ['reconcile', 'a floor', (over) => [0, 0, tag, Math.floor(2 ** 42 / 60) + over, blank(0)]],
  ['reconcile', 'a message', (over) => [0, 0, tag, 0, blank(LIMITS.reconcileBytesMax + over)]],
  ['reconciled', 'a number', (over) => [LIMITS.reconcileNumberMax + over, blank(0)]],
  ['reconciled', 'a message', (over) => [0, blank(LIMITS.reconcileBytesMax + over)]],
  ['offer', 'a tag', (over) => [blank(8 + over), []]],
  ['offer', 'ids', (over) => [tag, many(LIMITS.offeredIdsMax + over, id)]],
  ['offer', 'an id', (over) => [tag, [blank(32 + over)]]],
  ['ephemeral', 'a root', (over) => [[[blank(8 + over), draft]]]],
  ['ephemeral', 'ephemerals', (over) => [many(LIMITS.ephemeralQueueMax + over, [tag, draft])]],
  [
    'ephemeral',
    'bytes',
    (over) => [[[blank(0), ephemeralOf(over === 0 ? '16 KiB' : 'one byte more than 16 KiB')]]],
  ],
];

describe('what a frame may hold', () => {
  it.each(BOUNDS)('%s: %s up to the bound, and not one more', (type, _, fields) => {
    expect(decodeFrame(openclaw, raw(type, ...fields(0)))?.type).toBe(type);
    expect(decodeFrame(openclaw, raw(type, ...fields(1)))).toBeUndefined();
  });

  it('is 128 KiB at most, however well-formed it is', () => {
    const head = blank(LIMITS.messageBytesMax);
    const sized = (length: number) =>
      raw('records', [
        [head, signature],
        [blank(length), signature],
      ]);
    const over = sized(60_000).length - 60_000;
    const room = LIMITS.frameBytesMax - over;
    expect(sized(room).length).toBe(LIMITS.frameBytesMax);
    expect(decodeFrame(openclaw, sized(room))?.type).toBe('records');
    expect(decodeFrame(openclaw, sized(room + 1))).toBeUndefined();
  });

  it.each(FRAME_TYPES)(
    'is a %s frame with neither a field less nor one more, nor a byte behind it',
    (type) => {
      const vector = vectors.find((one) => one.type === type) as FrameVector;
      const good = fromHex(vector.bytes);
      const count = (good[0] as number) & 31;
      const counted = (n: number, tail: number[] = []) =>
        Uint8Array.of(0x80 | n, ...good.subarray(1), ...tail);
      expect(decodeFrame(openclaw, counted(count))?.type).toBe(type);
      expect(decodeFrame(openclaw, counted(count - 1))).toBeUndefined();
      expect(decodeFrame(openclaw, counted(count + 1))).toBeUndefined();
      expect(decodeFrame(openclaw, counted(count + 1, [0]))).toBeUndefined();
      expect(decodeFrame(openclaw, counted(count, [0]))).toBeUndefined();
      for (let cut = 0; cut < good.length; cut++)
        expect(decodeFrame(openclaw, good.subarray(0, cut))).toBeUndefined();
    },
  );

  it('has a number that is known', () => {
    for (const number of [0, 25, 100, 255, 256, 65536, 2 ** 40])
      for (const fields of [[], [0], [[]], [0, 0], [tag, 0, 0]])
        expect(decodeFrame(openclaw, encode([number, ...fields]))).toBeUndefined();
  });

  it.each([
    ['a map', encode({ a: 1 })],
    ['a number', encode(2)],
    ['nothing', blank(0)],
    ['an empty array', encode([])],
    ['a text for its number', encode(['ping', 7])],
    ['a negative number', encode([-2, 7])],
    ['a number in two bytes', fromHex('82180207')],
    ['a count in two bytes', fromHex('82021807')],
    ['an indefinite length', fromHex('9f0207ff')],
    ['a tag around it', fromHex('c1820207')],
    ['a float', fromHex('8202fb401c000000000000')],
    ['null for a boolean', fromHex('8304f5f6')],
    ['a list that claims 2^32 items', fromHex('82089affffffff')],
    ['100,000 nested arrays', new Uint8Array(100_000).fill(0x81)],
  ])('is not %s', (_, bytes) => {
    expect(decodeFrame(openclaw, bytes)).toBeUndefined();
  });

  it('names a root by 8 bytes or not at all', () => {
    for (let length = 0; length <= 9; length++) {
      const frame = decodeFrame(openclaw, raw('push', blank(length), false, []));
      expect(frame !== undefined, `${length}`).toBe(length === 0 || length === 8);
    }
  });

  it.each(ephemerals)(
    'carries $name in a frame of its own: $isCarried; and never with messages',
    (vector) => {
      const item = decode(fromHex(vector.wire));
      const frame = decodeFrame(openclaw, raw('ephemeral', [[tag, item]]));
      expect(frame?.type === 'ephemeral').toBe(vector.isCarried);
      const { kind } = decodeMessage(openclaw, fromHex(vector.wire)) as { kind: number };
      const isLasting = kind < 256 || kind > 511;
      expect(decodeFrame(openclaw, raw('push', tag, false, [item])) !== undefined).toBe(isLasting);
      expect(decodeFrame(openclaw, raw('fetched', [item], [], [])) !== undefined).toBe(isLasting);
    },
  );

  it.each(tombstones)('carries as a tombstone $name: $isTombstone', (vector) => {
    const item = decode(fromHex(vector.tombstone));
    const frame = decodeFrame(openclaw, raw('fetched', [], [], [item]));
    expect(frame?.type === 'fetched').toBe(vector.isTombstone);
    const [found] = (frame?.type === 'fetched' && frame.tombstones) || [];
    expect(found && toHex(found.header.id)).toBe(vector.isTombstone ? vector.id : undefined);
  });

  it('carries no more than 512 tombstones, and none that is longer than a header can be', () => {
    const tiny = sampleTombstone.header.bytes;
    expect(LIMITS.tombstonesPerFrameMax * 2 * (tiny.length + 64)).toBeGreaterThan(LIMITS.frameBytesMax);
    const [bytes, sig, ...rest] = decode(fromHex(tombstones[0]?.tombstone ?? '')) as Uint8Array[];
    const put = (first: unknown) => decodeFrame(openclaw, raw('fetched', [], [], [[first, sig, ...rest]]));
    expect(put(bytes)?.type).toBe('fetched');
    expect(put(blank(LIMITS.headerBytesMax + 1))).toBeUndefined();
  });

  it('is no ephemeral frame without an ephemeral', () => {
    expect(decodeFrame(openclaw, raw('ephemeral', []))).toBeUndefined();
  });

  it('holds no message of another shape', () => {
    const wire = fromHex(toHex((sampleMessages[0] as (typeof sampleMessages)[0]).wire));
    const put = (message: Uint8Array) =>
      decodeFrame(openclaw, Uint8Array.of(0x84, 7, 0x40, 0xf4, 0x81, ...message));
    expect(put(wire)?.type).toBe('push');
    for (let at = 0; at < wire.length; at++) expect(put(wire.subarray(0, at))).toBeUndefined();
    expect(fromBase64url('AAAAAAAAAAA')).toEqual(tag);
  });
});
