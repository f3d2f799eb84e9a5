import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { findKept, markDamaged } from './recovery.ts';
import {
  CONFIRMED,
  chance,
  cleanUp,
  DROPPED,
  expectConsistent,
  held,
  lay,
  MADE,
  MESSAGES,
  me,
  NOW_MS,
  OWN,
  open,
  other,
  PAGE,
  PAGES,
  SOUND,
  WANTED,
} from './testing/damage.ts';
import { joined, nodeVerify, PEER, published, received, signedMessage } from './testing/messages.ts';

afterEach(cleanUp);

describe('a database whose messages and tables are all readable', () => {
  it('is made anew with everything in it, and its old files are kept as they were', () => {
    const file = lay(MADE.closed);
    markDamaged(file, 'The indexes do not know message number 7.');
    const { store, done } = open(file);
    expect(done).toMatchObject({ messages: 74, wanted: 1, lost: 0, ownLost: 0, joined: 2, partial: [] });
    expect(done?.why).toBe('The indexes do not know message number 7.');
    expect(held(store)).toEqual(SOUND.held);
    expect(store.channels()).toEqual(SOUND.channels);
    expect(store.restore()).toEqual(SOUND.restored);
    const use = store.read({ kind: 'usage' });
    const byTag = (rows: unknown) =>
      JSON.stringify([...(rows as { tag: string }[])].sort((a, b) => (a.tag < b.tag ? -1 : 1)));
    expect(byTag(use.kind === 'usage' && use.tags)).toBe(byTag(SOUND.usage));
    expect(store.read(SOUND.ask)).toEqual(SOUND.head);
    expect(store.inbox.contacts(me.id)).toMatchObject([{ other: other.id, name: 'other', sinceMs: 5 }]);
    expect(store.inbox.wakes(me.id)).toMatchObject([
      { channel: 'dev', mode: 'always', names: ['me'], after: 3 },
    ]);
    expect(store.readMessage(CONFIRMED[0] as string)?.delivery).toEqual({
      state: 'stored',
      storedBy: [PEER],
    });
    expect(store.outboxSize(99)).toBe(6);
    const alone = store.read({ kind: 'outbox', afterArrival: 0, limit: 99, alone: true });
    expect(alone.kind === 'outbox' && alone.rows.map(({ message }) => message.message.idText)).toEqual(
      CONFIRMED,
    );
    const [kept] = findKept(file);
    expect(fs.readFileSync(path.join(kept as string, 'store.db'))).toEqual(MADE.closed);
    expect(done?.folder).toBe(kept);
    expect(store.transact([[published(signedMessage(me, { nonce: 4 }), 'key 5')]])).toMatchObject([
      [{ kind: 'repeated', id: OWN[0]?.message.idText }],
    ]);
    expect(store.transact([[received(signedMessage(other, { nonce: 5 }))]])[0]).toMatchObject([
      { inserted: true, arrival: expect.any(Number) },
    ]);
    expect(store.lastArrival()).toBeGreaterThan(SOUND.last + 1000);
    store.close();
    expectConsistent(file);
    expect(open(file).done).toBeUndefined();
  });
});

/** Kinds of damage to the bytes of a file; each says which pages it touched. */
const DAMAGES: readonly ((bytes: Buffer, next: (below: number) => number) => Set<number>)[] = [
  // whole pages of zeros or of rubbish
  (bytes, next) => {
    const pages = new Set(Array.from({ length: 1 + next(4) }, () => next(bytes.length / PAGE)));
    const isZero = next(2) === 0;
    for (const page of pages)
      for (let at = page * PAGE; at < (page + 1) * PAGE; at++) bytes[at] = isZero ? 0 : next(256);
    return pages;
  },
  // single bytes anywhere
  (bytes, next) => {
    const places = Array.from({ length: 1 + next(12) }, () => next(bytes.length));
    for (const place of places) bytes[place] = (bytes[place] ?? 0) ^ (1 + next(255));
    return new Set(places.map((place) => Math.floor(place / PAGE)));
  },
  // a stretch across pages
  (bytes, next) => {
    const [from, length] = [next(bytes.length), 1 + next(3 * PAGE)];
    bytes.fill(0xa5, from, Math.min(from + length, bytes.length));
    const last = Math.min(from + length, bytes.length) - 1;
    const first = Math.floor(from / PAGE);
    return new Set(Array.from({ length: Math.floor(last / PAGE) - first + 1 }, (_, i) => first + i));
  },
  // a page in the place of another
  (bytes, next) => {
    const [from, to] = [next(bytes.length / PAGE), next(bytes.length / PAGE)];
    bytes.copy(bytes, to * PAGE, from * PAGE, (from + 1) * PAGE);
    return new Set([to]);
  },
];

/** More rows of messages than fit on a page. */
const ROWS_PER_PAGE = 16;

/**
 * Opens a damaged database as a start does: what is found is genuine, numbered as before and counted right, no more is
 * missing than can have been on the damaged pages, and it takes back what is missing.
 */
function expectRecovered(file: string, pages: number): void {
  const before = fs.readFileSync(file);
  const { store, done } = open(file);
  const found = held(store);
  const ids = new Set([...MESSAGES, WANTED, DROPPED].map(({ message }) => message.idText));
  const numbers = new Set<number>();
  for (const [id, arrival] of found) {
    expect(ids.has(id)).toBe(true);
    expect([SOUND.held.get(id), numbers.has(arrival)]).toEqual([arrival, false]);
    numbers.add(arrival);
  }
  if (done !== undefined) {
    expect(MESSAGES.length - found.size).toBeLessThanOrEqual(pages * ROWS_PER_PAGE);
    expect(fs.readFileSync(path.join(done.folder, 'store.db'))).toEqual(before);
    expect(store.lastArrival()).toBeGreaterThan(SOUND.last);
    // Nothing that was published can have the same place in a chain again.
    const head = store.read(SOUND.ask);
    const sound = SOUND.head;
    if (head.kind !== 'head' || sound.kind !== 'head') throw new Error('not a head');
    if (head.own !== undefined && head.own.id.length > 0) expect(head.own).toEqual(sound.own);
  }
  // Zeros in the midst of a long message are for a scrub: no structure is damaged.
  else store.scrub.page(nodeVerify, { messages: 999, bytes: 1e9, wallMs: NOW_MS });
  const missing = MESSAGES.filter(({ message }) => !found.has(message.idText));
  store.transact([[joined('dev'), joined('ops'), ...missing.map(received)]]);
  expect(new Set(held(store).keys())).toEqual(new Set(SOUND.held.keys()));
  store.close();
  expectConsistent(file);
}

describe('a damaged database', () => {
  it.each(Array.from({ length: 40 }, (_, seed) => seed))('gives what is readable of it: seed %i', (seed) => {
    const next = chance(seed);
    const bytes = Buffer.from(MADE.closed);
    const pages = (DAMAGES[seed % DAMAGES.length] as (typeof DAMAGES)[0])(bytes, next);
    const file = lay(bytes);
    // What nobody has noticed yet is found when the whole of it is read.
    markDamaged(file, 'seed');
    expectRecovered(file, pages.size);
  });

  it.each(Array.from({ length: Math.ceil(PAGES / 3) }, (_, i) => 3 * i))(
    'does so whichever page is lost: page %i',
    (page) => {
      const bytes = Buffer.from(MADE.closed);
      bytes.fill(0, page * PAGE, (page + 1) * PAGE);
      expectRecovered(lay(bytes), 1);
    },
  );

  it.each([1, 2, 3, 5, 8])('does so when its end is lost: %i eighths', (eighths) => {
    const bytes = MADE.closed.subarray(0, Math.floor((MADE.closed.length * eighths) / 9));
    expectRecovered(lay(bytes), PAGES);
  });

  it('is recovered without a mark where SQLite finds the damage, and works with a garbage header', () => {
    const bytes = Buffer.from(MADE.closed);
    bytes.fill(0x5a, 0, 100);
    const file = lay(bytes);
    const { store, done } = open(file);
    expect(done).toMatchObject({ messages: 74, lost: 0, joined: 2, partial: [] });
    expect(held(store)).toEqual(SOUND.held);
    expect(store.inbox.contacts(me.id)).toHaveLength(1);
  });
});

describe('a database whose log is damaged', () => {
  it.each(Array.from({ length: 12 }, (_, seed) => seed))(
    'gives what stands behind the damage too: seed %i',
    (seed) => {
      const next = chance(seed + 1000);
      const log = Buffer.from(MADE.log);
      for (let i = 0; i < 1 + next(3); i++) {
        const at = next(log.length);
        log[at] = (log[at] ?? 0) ^ (1 + next(255));
      }
      const file = lay(MADE.head, log);
      markDamaged(file, 'seed');
      expectRecovered(file, 3);
    },
  );

  it('gives everything where only the header of the log is damaged', () => {
    const log = Buffer.from(MADE.log);
    log.fill(0, 0, 32);
    const { store, done } = open(lay(MADE.head, log));
    expect(done?.why).toMatch(/damaged in its header/);
    expect(held(store)).toEqual(SOUND.held);
  });
});
