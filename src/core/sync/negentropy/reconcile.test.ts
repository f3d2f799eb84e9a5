import { describe, expect, it } from 'vitest';
import { type Bytes, toHex, utf8 } from '../../bytes.ts';
import { LIMITS, MINUTE } from '../../limits.ts';
import { sha256 } from '../../message/message.fixture.ts';
import type { Position, QueryAnswer } from '../../persistence.ts';
import { Random } from '../../random.ts';
import { compareBounds, FIRST, INFINITY, startOfMinute } from './bounds.ts';
import { decodeMessage, MessageWriter, type Range } from './codec.ts';
import { initiate, proceed, respond, type Scope, STYLE } from './reconcile.ts';
import { EVERYTHING, run, TAG, VectorStore } from './vector-store.fixture.ts';

const START_MS = 1_780_000_000_000;
const SCOPE: Scope = { sha256, window: EVERYTHING, style: STYLE };

function idOf(label: string): Bytes {
  return sha256(utf8(label));
}

/** Messages at random times, some at the same one. */
function messages(random: Random, count: number): Position[] {
  return Array.from({ length: count }, (_, i) => ({
    time: { timeMs: START_MS + 500 * random.below(1 + 4 * count), counter: random.below(3) },
    id: idOf(`${count} ${i}`),
  }));
}

function ranges(bytes: Bytes): readonly Range[] {
  expect(bytes.length).toBeLessThanOrEqual(LIMITS.reconcileBytesMax);
  const decoded = decodeMessage(bytes);
  if (!decoded.ok) throw new Error(decoded.reason);
  return decoded.ranges;
}

/** An id can be found twice: invariant 3. */
const textsOf = (ids: readonly Bytes[]): string[] => [...new Set(ids.map(toHex))].sort();
const idsOf = (positions: readonly Position[]): string[] => textsOf(positions.map(({ id }) => id));

interface Outcome {
  readonly have: string[];
  readonly need: string[];
  readonly rounds: number;
}

/** Reconciles to the end. */
function reconcile(initiator: VectorStore, responder: VectorStore, scope: Scope = SCOPE): Outcome {
  const found = { have: [] as Bytes[], need: [] as Bytes[] };
  let message: Bytes | undefined = run(initiate(scope), initiator);
  let rounds = 0;
  for (; message; rounds++) {
    if (rounds === 200) throw new Error('it does not end');
    expect(message.length).toBeLessThanOrEqual(scope.style.bytesMax);
    const answer: Bytes = run(respond(scope, ranges(message)), responder);
    expect(answer.length).toBeLessThanOrEqual(scope.style.bytesMax);
    const { have, need, message: next } = run(proceed(scope, ranges(answer)), initiator);
    found.have.push(...have);
    found.need.push(...need);
    message = next;
  }
  return { have: textsOf(found.have), need: textsOf(found.need), rounds };
}

interface Case {
  readonly all: number;
  readonly initiatorLacks: number;
  readonly responderLacks: number;
}

/** Two sets that lack something of each other. */
function makeSets(seed: string, { all, initiatorLacks, responderLacks }: Case) {
  const random = new Random(idOf(seed));
  const sets = {
    mine: [] as Position[],
    theirs: [] as Position[],
    have: [] as Position[],
    need: [] as Position[],
  };
  for (const message of messages(random, all)) {
    const chance = random.unit();
    if (chance < initiatorLacks) sets.need.push(message);
    else if (chance < initiatorLacks + responderLacks) sets.have.push(message);
    if (chance >= initiatorLacks) sets.mine.push(message);
    if (chance < initiatorLacks || chance >= initiatorLacks + responderLacks) sets.theirs.push(message);
  }
  return sets;
}

const CASES: readonly Case[] = [
  { all: 0, initiatorLacks: 0, responderLacks: 0 },
  { all: 1, initiatorLacks: 1, responderLacks: 0 },
  { all: 1, initiatorLacks: 0, responderLacks: 1 },
  { all: 40, initiatorLacks: 0, responderLacks: 0 },
  { all: 700, initiatorLacks: 1, responderLacks: 0 },
  { all: 700, initiatorLacks: 0, responderLacks: 1 },
  { all: 300, initiatorLacks: 0.5, responderLacks: 0.5 },
  { all: 1000, initiatorLacks: 0.01, responderLacks: 0.01 },
  { all: 1000, initiatorLacks: 0.2, responderLacks: 0.3 },
];

const styles = [
  ['ours', STYLE],
  ['that of the reference implementation', { ...STYLE, listBelow: { initiator: 32, responder: 32 } }],
  ['small messages', { ...STYLE, bytesMax: 4096 }],
  ['two pieces, no lists but empty ones', { ...STYLE, pieces: 2, listBelow: { initiator: 1, responder: 2 } }],
] as const;

describe.each(styles)('a reconciliation in the style: %s', (_, style) => {
  it.each(CASES)('finds exactly what differs: %o', (one) => {
    const scope = { ...SCOPE, style };
    const { mine, theirs, have, need } = makeSets('style', one);
    const stores = [mine, theirs].map((items) => new VectorStore(items, { pieces: style.pieces }));
    const outcome = reconcile(stores[0] as VectorStore, stores[1] as VectorStore, scope);
    expect(outcome).toMatchObject({ have: idsOf(have), need: idsOf(need) });
  });

  it.each(CASES)('finds it with a store that gets tired: %o', (one) => {
    const scope = { ...SCOPE, style };
    const { mine, theirs, have, need } = makeSets('tired', one);
    const tiring = new Random(idOf('tired'));
    const stores = [mine, theirs].map((items) => new VectorStore(items, { pieces: style.pieces, tiring }));
    const outcome = reconcile(stores[0] as VectorStore, stores[1] as VectorStore, scope);
    expect(outcome).toMatchObject({ have: idsOf(have), need: idsOf(need) });
  });
});

describe('a reconciliation', () => {
  const store = (items: readonly Position[]) => new VectorStore(items, { pieces: STYLE.pieces });
  const writeAll = (all: readonly Range[]): Bytes => {
    const writer = new MessageWriter(LIMITS.reconcileBytesMax);
    for (const range of all) writer.write(range);
    return writer.finish();
  };

  it('costs one answer of a byte where nothing differs', () => {
    const all = messages(new Random(idOf('same')), 1000);
    const first = run(initiate(SCOPE), store(all));
    expect(first.length).toBeLessThan(400);
    expect(toHex(run(respond(SCOPE, ranges(first)), store(all)))).toBe('61');
    expect(run(proceed(SCOPE, []), store(all))).toEqual({ message: undefined, have: [], need: [] });
  });

  it('sees nothing outside its window, and says the same of it on both sides', () => {
    const minute = START_MS / MINUTE;
    const at = (timeMs: number) => ({ time: { timeMs, counter: 0 }, id: idOf(`at ${timeMs}`) });
    const window = { tag: TAG, fromMinute: Math.floor(minute / 60) * 60, untilMinute: Math.floor(minute) };
    const [from, until] = [window.fromMinute * MINUTE, window.untilMinute * MINUTE];
    const inside = [at(from), at(until - 1)];
    const outside = [at(0), at(from - 1), at(until), at(until + MINUTE)];
    const scope = { ...SCOPE, window };
    expect(reconcile(store([]), store([...inside, ...outside]), scope)).toMatchObject({
      have: [],
      need: idsOf(inside),
    });
    expect(reconcile(store(outside), store(inside), scope)).toMatchObject({ have: [], need: idsOf(inside) });
    expect(reconcile(store(outside), store([]), scope)).toEqual({ have: [], need: [], rounds: 1 });
  });

  it('goes on in the next message where a list does not fit', () => {
    const all = messages(new Random(idOf('list')), 5000);
    const first = run(initiate(SCOPE), store([]));
    // the reply is a list that was cut, and a fingerprint of the rest
    const [list, rest, ...none] = ranges(run(respond(SCOPE, ranges(first)), store(all)));
    expect(none).toEqual([]);
    expect(rest).toMatchObject({ mode: 'fingerprint', upper: INFINITY });
    const sorted = [...all].sort(compareBounds);
    const count = list?.mode === 'idList' ? list.ids.length : 0;
    expect(count).toBeGreaterThan(1860);
    expect(list).toMatchObject({ upper: sorted[count] });
    expect(reconcile(store([]), store(all))).toMatchObject({ have: [], need: idsOf(all) });
  });

  it('looks at a bounded number of own ids for one message', () => {
    const all = messages(new Random(idOf('have')), 6000);
    const empty = writeAll([{ upper: INFINITY, mode: 'idList', ids: [] }]);
    const { have, message } = run(proceed(SCOPE, ranges(empty)), store(all));
    expect(have.length).toBe(LIMITS.reconcileIdsMax);
    const next = ranges(message as Bytes);
    expect(next.map(({ mode }) => mode)).toEqual(['skip', 'fingerprint']);
    expect(reconcile(store(all), store([]))).toMatchObject({ have: idsOf(all), need: [] });
  });

  it('reads little for a message that cuts every hour, and answers the rest with one fingerprint', () => {
    const all = messages(new Random(idOf('hostile')), 3000);
    const bounds = [...all]
      .sort(compareBounds)
      .filter((_, i, list) => i === 0 || compareBounds(list[i - 1] as Position, list[i] as Position) < 0);
    const hostile = bounds
      .slice(1, 2500)
      .map((upper): Range => ({ upper, mode: 'fingerprint', fingerprint: new Uint8Array(16) }));
    const tired = new VectorStore(all, { pieces: 16, tiring: new Random(idOf('tired')) });
    const answer = ranges(run(respond(SCOPE, hostile), tired));
    expect(answer.at(-1)).toMatchObject({ mode: 'fingerprint', upper: INFINITY });
    expect(answer.length).toBeLessThan(700);
  });

  it('can be left at any point and begun anew', () => {
    const { mine, theirs, need, have } = makeSets('left', {
      all: 800,
      initiatorLacks: 0.1,
      responderLacks: 0.1,
    });
    const first = run(initiate(SCOPE), store(mine));
    const answer = run(respond(SCOPE, ranges(first)), store(theirs));
    const halfway = run(proceed(SCOPE, ranges(answer)), store(mine));
    // The link ends here. What was needed has come by the next time.
    const found = new Set(textsOf(halfway.need));
    const grown = [...mine, ...need.filter(({ id }) => found.has(toHex(id)))];
    expect(reconcile(store(grown), store(theirs))).toMatchObject({
      have: idsOf(have),
      need: idsOf(need.filter(({ id }) => !found.has(toHex(id)))),
    });
  });

  it('answers skips and what follows them with nothing', () => {
    const all = messages(new Random(idOf('skip')), 100);
    const middle = startOfMinute(Math.floor(START_MS / MINUTE) + 1);
    const asked: Range[] = [{ upper: middle, mode: 'skip' }];
    expect(toHex(run(respond(SCOPE, asked), store(all)))).toBe('61');
  });

  it('takes an answer of another kind for a mistake of the program', () => {
    const wrong = { read: (): QueryAnswer => ({ kind: 'ids', positions: [], next: undefined }) };
    expect(() => run(initiate(SCOPE), wrong as unknown as VectorStore)).toThrow(TypeError);
    const none = { read: (): QueryAnswer => ({ kind: 'split', pieces: [], walked: 0 }) };
    expect(() => run(initiate(SCOPE), none as unknown as VectorStore)).toThrow(RangeError);
  });

  it('begins before every message', () => {
    expect(compareBounds(FIRST, { time: { timeMs: 0, counter: 0 }, id: new Uint8Array(32) })).toBe(0);
  });
});
