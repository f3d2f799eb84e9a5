import fs from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import type { VerifiedMessage } from '../core/message/verified.ts';
import { markDamaged, type Recovered } from './recovery.ts';
import { chance, cleanUp, expectConsistent, held, lay, open, PAGE, stores } from './testing/damage.ts';
import {
  CHANNELS,
  DELETED,
  DELETES,
  DIRTY,
  KEPT,
  MARK,
  REMOVED,
  TOLD_OF,
  ZEROING,
} from './testing/removals.ts';

afterEach(cleanUp);

const HEAD_AT = 32;
const LOG_HEADER = 32;
const FRAME = 24 + PAGE;
const headOf = (bytes: Buffer): number => bytes.readUInt32BE(HEAD_AT);

type Damage = (bytes: Buffer, next: (below: number) => number) => void;

function spoil(bytes: Buffer, page: number, next: (below: number) => number): void {
  const isZero = next(2) === 0;
  for (let at = page * PAGE; at < (page + 1) * PAGE; at++) bytes[at] = isZero ? 0 : next(256);
}

/** A page that holds a message. */
function someLeaf(bytes: Buffer, next: (below: number) => number): number {
  const { message } = KEPT[next(KEPT.length)] as (typeof KEPT)[0];
  return Math.floor(bytes.indexOf(message.signature) / PAGE);
}

function spoilTrees(bytes: Buffer, next: (below: number) => number): void {
  // The roots of all tables stand in the pages that were made first.
  for (let n = 0; n < 3; n++) spoil(bytes, 2 + next(20), next);
  spoil(bytes, someLeaf(bytes, next), next);
}

const DAMAGES: Readonly<Record<string, Damage>> = {
  'the first pages': (bytes, next) => {
    for (let page = next(24); page >= 0; page--) spoil(bytes, page, next);
  },
  'the place of the list of free pages, and trees': (bytes, next) => {
    bytes.fill(0, HEAD_AT, HEAD_AT + 8);
    spoilTrees(bytes, next);
  },
  'the head of the list of free pages, and trees': (bytes, next) => {
    spoil(bytes, headOf(bytes) - 1, next);
    spoilTrees(bytes, next);
  },
  'the middle of the list of free pages, and trees': (bytes, next) => {
    spoil(bytes, bytes.readUInt32BE((headOf(bytes) - 1) * PAGE) - 1, next);
    spoilTrees(bytes, next);
  },
  'pages anywhere': (bytes, next) => {
    for (let n = next(30); n >= 0; n--) spoil(bytes, next(bytes.length / PAGE), next);
  },
  'bytes anywhere': (bytes, next) => {
    for (let n = next(300); n >= 0; n--) bytes[next(bytes.length)] = next(256);
  },
  'pages in the place of others': (bytes, next) => {
    for (let n = next(8); n >= 0; n--) {
      const [from, to] = [next(bytes.length / PAGE), next(bytes.length / PAGE)];
      bytes.copy(bytes, to * PAGE, from * PAGE, (from + 1) * PAGE);
    }
  },
};

/** Nothing that was removed is there, neither for a client nor in the bytes of the file. @returns what was done */
function expectNothingBack(
  file: string,
  removed = REMOVED,
): { done: Recovered | undefined; there: Set<string> } {
  const { store, done } = open(file);
  const there = new Set(held(store, CHANNELS).keys());
  for (const { message } of removed)
    expect([there.has(message.idText), message.idText]).toEqual([false, message.idText]);
  for (const { message } of removed) expect(store.readMessage(message.idText)?.message).toBeUndefined();
  store.close();
  stores.length = 0;
  expect(fs.readFileSync(file).includes(MARK)).toBe(false);
  expectConsistent(file);
  return { done, there };
}

/** Those whose rows stand in pages that nothing happened to. */
function untouched(before: Buffer, after: Buffer): string[] {
  const isSame = (at: number): boolean => {
    const [from, until] = [Math.floor(at / PAGE) * PAGE, Math.floor(at / PAGE + 1) * PAGE];
    return before.subarray(from, until).equals(after.subarray(from, until));
  };
  const ids: string[] = [];
  for (const { message } of KEPT) {
    const isLong = message.body.length > 3000;
    let isWhole = !isLong;
    for (let at = before.indexOf(message.signature); at >= 0; at = before.indexOf(message.signature, at + 1))
      isWhole &&= isSame(at);
    if (isWhole) ids.push(message.idText);
  }
  return ids;
}

function expectTold(there: Set<string>, done: Recovered | undefined): void {
  const missing = KEPT.filter(({ message }) => !there.has(message.idText)).length;
  if (missing === 0) return;
  const told = (done?.lost ?? 0) + (done?.wanted ?? 0);
  expect(told >= missing || done?.partial.includes('message')).toBe(true);
}

const SEEDS = Array.from({ length: 6 }, (_, seed) => seed);

describe.each(Object.entries(DAMAGES))('a database that was damaged in %s', (_name, damage) => {
  it.each(SEEDS)('gets back nothing that was removed, and all that can be read: seed %i', (seed) => {
    const bytes = Buffer.from(ZEROING.closed);
    damage(bytes, chance(seed));
    const file = lay(bytes);
    markDamaged(file, 'seed');
    const { done, there } = expectNothingBack(file);
    expect(untouched(ZEROING.closed, bytes).filter((id) => !there.has(id))).toEqual([]);
    expectTold(there, done);
  });

  it.each(SEEDS)('gets back nothing that an earlier version removed: seed %i', (seed) => {
    const bytes = Buffer.from(DIRTY);
    damage(bytes, chance(seed));
    const file = lay(bytes);
    markDamaged(file, 'seed');
    const { done, there } = expectNothingBack(file);
    expectTold(there, done);
  });
});

function pageOf(bytes: Buffer, { message }: VerifiedMessage): number {
  return Math.floor(bytes.indexOf(message.signature) / PAGE) + 1;
}

/** The log without any version of these pages: they are read as they were before. */
function withoutPages(pages: readonly number[]): Buffer {
  const log = Buffer.from(ZEROING.log);
  for (let at = LOG_HEADER; at + FRAME <= log.length; at += FRAME)
    if (pages.includes(log.readUInt32BE(at))) log.writeUInt32BE(2 ** 31 + 7, at);
  return log;
}

describe('a database whose log is damaged', () => {
  it.each(Array.from({ length: 12 }, (_, seed) => seed))(
    'gets back nothing whose removal stands in it: seed %i',
    (seed) => {
      const next = chance(seed);
      const log = Buffer.from(ZEROING.log);
      for (let n = next(40); n >= 0; n--) log[next(log.length)] = next(256);
      const file = lay(ZEROING.head, log);
      markDamaged(file, 'seed');
      const { done, there } = expectNothingBack(file);
      expectTold(there, done);
    },
  );

  it.each(Array.from({ length: 24 }, (_, seed) => seed))(
    'believes other pages where it has lost the newest of one: seed %i',
    (seed) => {
      const next = chance(seed);
      // Only pages that held messages before.
      const pages = KEPT.map((kept) => pageOf(ZEROING.head, kept));
      const log = withoutPages([pages[next(pages.length)] as number]);
      const file = lay(ZEROING.head, log);
      markDamaged(file, 'seed');
      const { done, there } = expectNothingBack(file, TOLD_OF);
      expectTold(there, done);
    },
  );

  it('does not show what was deleted where it has lost the delete too', () => {
    const log = withoutPages([
      ...DELETED.map((target) => pageOf(ZEROING.head, target)),
      ...DELETES.map((one) => pageOf(ZEROING.closed, one)),
    ]);
    const file = lay(ZEROING.head, log);
    markDamaged(file, 'test');
    const { store } = open(file);
    const there = held(store, CHANNELS);
    expect(DELETES.filter(({ message }) => there.has(message.idText))).toEqual([]);
    expect(DELETED.filter(({ message }) => there.has(message.idText))).toEqual([]);
    const known = store.read({ kind: 'has', ids: DELETED.map(({ message }) => message.id) });
    expect(known.kind === 'has' && known.holdings.filter((one) => one !== 'unknown').length).toBeGreaterThan(
      0,
    );
  });
});
