/** What heartbeats compare is what the store would say if it were asked for everything, over both stores. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex } from '../core/bytes.ts';
import type { Shared } from '../core/interest/link-interest.ts';
import type { Link } from '../core/link/link.ts';
import { MINUTE_END, type Query, type QueryAnswer, type Sum } from '../core/persistence.ts';
import { combine, fingerprint } from '../core/sync/fingerprint.ts';
import { Sums } from '../core/sync/sums.ts';
import { createMemoryStore } from './memory.ts';
import { openStore } from './sqlite.ts';
import type { Store } from './store.ts';
import { NETWORK, pruned, sha256, tagOf, WALL_MS } from './testing/messages.ts';
import { transactions } from './testing/random.ts';

type Answer = Extract<QueryAnswer, { kind: 'sums' }>;

const LINKS = 3;
const NOW = WALL_MS / 60_000;
const HOUR = NOW / 60;
const TAGS = ['dev', 'ops', 'ünï'].map(tagOf).sort((a, b) => (a < b ? -1 : 1));

/** Everything that one window of any channel may be asked for, at one moment. */
type Moment = (one: Shared, untilMinute: number) => string;

interface Read {
  readonly answer: Answer;
  readonly moment: Moment;
  readonly then: (answer: Answer) => void;
}

/** One peer's sums over a store whose answers come when the test says. */
class Bench {
  readonly store: Store;
  readonly sums: Sums;
  readonly #reads: Read[] = [];
  readonly links = Array.from({ length: LINKS }, (_, id) => ({ id }) as unknown as Link);
  readonly shared: Shared[][] = this.links.map(() => TAGS.map((tag) => ({ tag, floorHour: 0 })));
  /** of the answer that came last, and of the newest that came */
  #moments: Moment[] = [];
  #version = 0;

  constructor(store: Store) {
    this.store = store;
    const ctx = { config: { sha256 } } as ConstructorParameters<typeof Sums>[0];
    this.sums = new Sums(ctx, {
      interest: { sharedWith: (link) => this.shared[link.id as unknown as number] ?? [] },
      read: (_, query, _until, then) => this.#ask(query, then),
    });
    for (const link of this.links) this.sums.up(link);
  }

  /** Everything is looked up now: the store has one moment, and this one passes. */
  #moment(): Moment {
    const untils = [...UNTILS, MINUTE_END];
    const asked = TAGS.flatMap((tag) =>
      FLOORS.flatMap((floorHour) => untils.map((untilMinute) => ({ tag, floorHour, untilMinute }))),
    );
    const list = asked.map(({ floorHour, ...rest }) => ({ ...rest, fromMinute: floorHour * 60 }));
    const { sums } = this.store.read({ kind: 'sums', windows: list }) as Answer;
    const prints = new Map(
      asked.map((one, i) => [
        `${one.tag} ${one.floorHour} ${one.untilMinute}`,
        toHex(fingerprint(sha256, sums[i] as Sum)),
      ]),
    );
    return ({ tag, floorHour }, untilMinute) => prints.get(`${tag} ${floorHour} ${untilMinute}`) ?? '';
  }

  #ask(query: Extract<Query, { kind: 'sums' }>, then: (answer: Answer) => void): void {
    const answer = this.store.read(query) as Answer;
    this.#reads.push({ answer, moment: this.#moment(), then });
  }

  /** One answer comes. @param which of those that are under way */
  answer(which: number): void {
    const [read] = this.#reads.splice(which % Math.max(1, this.#reads.length), 1);
    if (!read) return;
    const isNewest = read.answer.version >= this.#version;
    this.#version = Math.max(this.#version, read.answer.version);
    this.#moments = isNewest ? [read.moment] : [read.moment, ...this.#moments.slice(-1)];
    read.then(read.answer);
  }

  answerAll(): void {
    while (this.#reads.length > 0) this.answer(0);
  }

  /** It is right at the moment of the newest answer, or of the last one. */
  beat(id: number, untilMinute: number): void {
    const link = this.links[id] as Link;
    this.sums.ofBeat(link, untilMinute, (compared) => {
      const shared = this.shared[id] ?? [];
      const found = compared.channels().map((one) => toHex(one.fingerprint));
      const expected = this.#moments.map((moment) => shared.map((one) => moment(one, untilMinute)));
      expect(expected).toContainEqual(found);
      expect(compared.size).toBe(shared.length);
      expect(compared.fingerprint).toEqual(combine(sha256, compared.channels()));
    });
  }

  /** Everything is remembered as it is now. */
  warm(untilMinute: number): void {
    this.answerAll();
    this.links.forEach((_, id) => {
      this.beat(id, untilMinute);
    });
    this.answerAll();
  }

  /** Of any windows, where nothing changes meanwhile. */
  ask(list: readonly Shared[], untilMinute: number): void {
    this.answerAll();
    const moment = this.#moment();
    this.sums.of(this.links[0] as Link, list, untilMinute, (found) => {
      expect(found.map((one) => toHex(one.fingerprint))).toEqual(list.map((one) => moment(one, untilMinute)));
    });
    this.answerAll();
  }
}

const UNTILS = [-121, -60, -5, -1, 0, 1, 8].map((minutes) => NOW + minutes);
const FLOORS = [HOUR - 4, HOUR - 2, HOUR - 1, 0];

const link = fc.nat(LINKS - 1);
const until = fc.constantFrom(...UNTILS);
const shared = fc
  .tuple(fc.subarray(TAGS), fc.array(fc.constantFrom(...FLOORS), { minLength: 3, maxLength: 3 }))
  .map(([tags, floors]) => tags.map((tag, i) => ({ tag, floorHour: floors[i] as number })));

type Step = (bench: Bench) => void;
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: transactions.map((calls) => (bench: Bench) => {
      bench.store.transact(calls.flat());
    }),
  },
  {
    weight: 8,
    arbitrary: fc.tuple(link, until).map(
      ([id, minute]) =>
        (bench: Bench) =>
          bench.beat(id, minute),
    ),
  },
  { weight: 6, arbitrary: until.map((minute) => (bench: Bench) => bench.warm(minute)) },
  {
    weight: 3,
    arbitrary: fc.constantFrom('dev', 'ops', 'ünï').map((channel) => (bench: Bench) => {
      bench.store.transact([[pruned(channel)]]);
    }),
  },
  { weight: 8, arbitrary: fc.nat(4).map((which) => (bench: Bench) => bench.answer(which)) },
  {
    weight: 3,
    arbitrary: fc.tuple(link, shared).map(([id, channels]) => (bench: Bench) => {
      bench.shared[id] = channels;
    }),
  },
  {
    weight: 1,
    arbitrary: link.map((id) => (bench: Bench) => {
      bench.sums.down(bench.links[id] as Link);
      bench.sums.up(bench.links[id] as Link);
    }),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(shared, fc.oneof(until, fc.constant(MINUTE_END))).map(
      ([channels, minute]) =>
        (bench: Bench) =>
          bench.ask(channels, minute),
    ),
  },
);

function play(store: Store, steps: readonly Step[]): Bench {
  const bench = new Bench(store);
  for (const one of steps) one(bench);
  for (const minute of UNTILS) bench.warm(minute);
  for (const one of bench.links) bench.sums.down(one);
  expect(bench.sums.footprint().rememberedSums?.size).toBe(0);
  return bench;
}

function inFolder<T>(work: (open: () => Store) => T): T {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-sums-'));
  let made = 0;
  try {
    return work(() => openStore({ path: path.join(folder, `${made++}.db`), network: NETWORK, sha256 }));
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

describe('remembered sums', () => {
  const steps = fc.array(step, { minLength: 20, maxLength: 60, size: 'max' });

  it('are what the memory store says, whatever changes, and whenever its answers come', () => {
    const property = fc.property(steps, (list) => {
      play(createMemoryStore({ network: NETWORK, sha256 }), list);
    });
    fc.assert(property, { numRuns: 50, endOnFailure: true });
  });

  it('are what the SQLite store says, whatever changes, and whenever its answers come', () => {
    inFolder((open) => {
      const property = fc.property(steps, (list) => {
        const store = open();
        try {
          play(store, list);
        } finally {
          store.close();
        }
      });
      fc.assert(property, { numRuns: 8, endOnFailure: true });
    });
  });
});
