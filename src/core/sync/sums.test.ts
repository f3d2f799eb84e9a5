/** What a heartbeat asks the store for. That its answers are right is shown over real stores: `remembered-sums.test.ts`. */
import { describe, expect, it } from 'vitest';
import { toBase64url } from '../bytes.ts';
import type { Shared } from '../interest/link-interest.ts';
import { LIMITS } from '../limits.ts';
import type { Link } from '../link/link.ts';
import { sha256 } from '../message/message.fixture.ts';
import { MINUTE_END, type QueryAnswer, type Window } from '../persistence.ts';
import { type Compared, Sums } from './sums.ts';

type Answer = Extract<QueryAnswer, { kind: 'sums' }>;

const tagOf = (n: number): string => toBase64url(Uint8Array.of(0, 0, 0, 0, 0, 0, n >> 8, n & 255));
const channels = (count: number, floorHour = 1): Shared[] =>
  Array.from({ length: count }, (_, i) => ({ tag: tagOf(i), floorHour }));
const link = (id: number): Link => ({ id }) as unknown as Link;

/** A store that says what it is told to, and what it was asked for. */
class Bench {
  readonly sums: Sums;
  readonly shared = new Map<number, readonly Shared[]>();
  /** windows of each query */
  asked: Window[][] = [];
  version = 0;
  changed: (Window | undefined)[] = [];
  /** happens before each query of a beat is answered */
  meanwhile: (query: number) => void = () => undefined;

  constructor() {
    const ctx = { config: { sha256 } } as ConstructorParameters<typeof Sums>[0];
    this.sums = new Sums(ctx, {
      interest: { sharedWith: (one) => this.shared.get(one.id as unknown as number) ?? [] },
      read: (_, query, _until, then) => {
        this.meanwhile(this.asked.push([...query.windows]));
        then(this.#answer(query.windows));
      },
    });
  }

  #answer(windows: readonly Window[]): Answer {
    const sum = new Uint8Array(32).fill(this.version);
    const found = windows.map(() => ({ count: 1, sum, sameUntil: MINUTE_END }));
    const changed = this.changed.splice(0);
    const all = changed.includes(undefined) ? undefined : (changed as Window[]);
    return { kind: 'sums', sums: found, version: this.version, changed: all };
  }

  up(id: number, shared: readonly Shared[]): void {
    this.shared.set(id, shared);
    this.sums.up(link(id));
  }

  change(...windows: (Window | undefined)[]): void {
    this.version++;
    this.changed.push(...windows);
  }

  /** Windows that each query of a beat asks for, and what is compared then. */
  beat(id: number, untilMinute: number): { counts: number[]; compared: Compared | undefined } {
    this.asked = [];
    let compared: Compared | undefined;
    this.sums.ofBeat(link(id), untilMinute, (result) => {
      compared = result;
    });
    return { counts: this.asked.map((windows) => windows.length), compared };
  }

  counts(id: number, untilMinute: number): number[] {
    return this.beat(id, untilMinute).counts;
  }
}

describe('a heartbeat', () => {
  it('asks for all sums once, and then for none as long as nothing changes', () => {
    const bench = new Bench();
    bench.up(1, channels(100));
    expect(bench.counts(1, 1000)).toEqual([100]);
    expect(bench.counts(1, 1000)).toEqual([0]);
    expect(bench.counts(1, 1005)).toEqual([0]);
    expect(bench.counts(1, 999)).toEqual([100]);
  });

  it('asks again for what has changed in its window, once for all links', () => {
    const bench = new Bench();
    for (const id of [1, 2]) bench.up(id, channels(100));
    expect(bench.counts(1, 1000)).toEqual([100]);
    expect(bench.counts(2, 1000)).toEqual([0]);
    bench.change({ tag: tagOf(7), fromMinute: 500, untilMinute: 501 });
    const { counts, compared } = bench.beat(1, 1000);
    expect(counts).toEqual([0, 1]);
    expect(bench.counts(2, 1000)).toEqual([0]);
    expect(compared?.channels()[7]?.fingerprint).not.toEqual(compared?.channels()[8]?.fingerprint);
  });

  it('asks for a message of now when its window comes to it, and not for one before its floor', () => {
    const bench = new Bench();
    bench.up(1, channels(10));
    bench.beat(1, 1000);
    bench.change({ tag: tagOf(7), fromMinute: 1001, untilMinute: 1002 });
    bench.change({ tag: tagOf(8), fromMinute: 3, untilMinute: 60 });
    expect([1000, 1001].map((until) => bench.counts(1, until))).toEqual([[0], [0]]);
    expect([1002, 1003].map((until) => bench.counts(1, until))).toEqual([[1], [0]]);
  });

  it('asks for everything where the store does not know what has changed', () => {
    const bench = new Bench();
    bench.up(1, channels(10));
    bench.beat(1, 1000);
    bench.change(undefined);
    expect(bench.counts(1, 1000)).toEqual([0, 10]);
    expect(bench.counts(1, 1000)).toEqual([0]);
  });

  it('asks for what is new when floors or channels change', () => {
    const bench = new Bench();
    bench.up(1, channels(10));
    bench.beat(1, 1000);
    bench.shared.set(1, [...channels(9), { tag: tagOf(9), floorHour: 2 }, { tag: tagOf(11), floorHour: 1 }]);
    expect(bench.counts(1, 1000)).toEqual([2]);
    bench.shared.set(1, channels(11, 2));
    expect(bench.counts(1, 1000)).toEqual([10]);
  });

  it('asks for everything at once where it changes again and again, and is right at that moment', () => {
    const bench = new Bench();
    bench.up(1, channels(10));
    bench.beat(1, 1000);
    bench.meanwhile = (n) => bench.change({ tag: tagOf(n), fromMinute: 500, untilMinute: 501 });
    const { counts, compared } = bench.beat(1, 1000);
    expect(counts).toEqual([0, 1, 1, 10]);
    expect(new Set(compared?.channels().map((one) => toBase64url(one.fingerprint))).size).toBe(1);
  });

  it('remembers no more than it may, and as much of it again as links go', () => {
    const bench = new Bench();
    const links = LIMITS.rememberedSumsMax / 4096;
    for (let id = 0; id <= links; id++) {
      bench.up(id, channels(4096));
      bench.beat(id, 1000);
    }
    expect(bench.sums.footprint().rememberedSums?.size).toBe(LIMITS.rememberedSumsMax);
    bench.shared.set(links, channels(4096, 2));
    expect([1000, 1000].map((until) => bench.counts(links, until))).toEqual([[4096], [4096]]);
    bench.sums.down(link(0));
    expect([1000, 1000].map((until) => bench.counts(links, until))).toEqual([[4096], [0]]);
    for (let id = 1; id <= links; id++) bench.sums.down(link(id));
    expect(bench.sums.footprint().rememberedSums?.size).toBe(0);
  });
});
