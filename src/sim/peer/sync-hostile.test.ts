/** Catch-up with a neighbour that asks or answers wrongly, late, or without end. */
import { describe, expect, it } from 'vitest';
import { type Bytes, concat, utf8 } from '../../core/bytes.ts';
import { LIMITS, MINUTE } from '../../core/limits.ts';
import { sha256 } from '../../core/message/message.fixture.ts';
import { tagOf } from '../../core/peer.fixture.ts';
import { MINUTE_END, type Position } from '../../core/persistence.ts';
import { Random } from '../../core/random.ts';
import { INFINITY } from '../../core/sync/negentropy/bounds.ts';
import { MessageWriter, type Range } from '../../core/sync/negentropy/codec.ts';
import type { Frame } from '../../core/wire/frame.ts';
import { bodies, createPair, fill, type Pair, type PairOptions, WAYS } from './holder.fixture.ts';

type ReconcileFrame = Extract<Frame, { type: 'reconcile' }>;

const VERSION = 0x61;
const REFUSED = new Uint8Array(0);
const NOTHING_DIFFERS = Uint8Array.of(VERSION);

function messageOf(ranges: readonly Range[]): Bytes {
  const writer = new MessageWriter(LIMITS.reconcileBytesMax);
  for (const range of ranges) writer.write(range);
  return writer.finish();
}

let invented = 0;
const inventId = (): Bytes => sha256(utf8(`invented ${invented++}`));
const inventIds = (count: number): Bytes[] => Array.from({ length: count }, inventId);
const at = (timeMs: number): Position => ({ time: { timeMs, counter: 0 }, id: new Uint8Array(0) });

/** Fingerprints of nothing, one a minute. */
function prints(count: number, fromMs: number): Range[] {
  return Array.from({ length: count }, (_, i) => {
    return { upper: at(fromMs + i * MINUTE), mode: 'fingerprint', fingerprint: inventId().slice(0, 16) };
  });
}

/** A home relay that has five messages, and that the peer has just asked about them. */
function asking(options: PairOptions = {}): Pair & { readonly asked: ReconcileFrame; readonly ids: Bytes[] } {
  const pair = createPair(options);
  const { bench, holder, remote, floorHour } = pair;
  const timeMs = bench.now.wallMs - 10 * MINUTE;
  const messages = Array.from({ length: 5 }, (_, i) =>
    bench.message(`${i}`, { time: { timeMs: timeMs + i, counter: 0 } }),
  );
  fill(holder.store, messages);
  holder.tell(floorHour, 'dev');
  holder.sums(floorHour);
  const [asked] = remote.got('reconcile');
  if (asked === undefined) throw new Error('nothing was asked');
  remote.clear();
  return { ...pair, asked, ids: messages.map(({ id }) => id) };
}

/** A leaf that shares `dev` with the peer, and may ask. */
function asked(
  options: PairOptions = {},
): Pair & { readonly ask: (message: Bytes, number?: number) => void } {
  const pair = createPair({ isDialled: true, ...options });
  const { bench, holder, remote, floorHour } = pair;
  holder.tell(floorHour, 'dev');
  bench.run(0);
  remote.clear();
  const frame = { type: 'reconcile', untilMinute: MINUTE_END, tag: tagOf('dev'), floorHour } as const;
  return { ...pair, ask: (message, number = 1) => remote.send({ ...frame, number, message }) };
}

const bytes = (...numbers: number[]): Bytes => Uint8Array.from(numbers);
const HUNDRED = bytes(...new Array(100).fill(1));
/** time 5, no prefix, skip */
const SKIP_TO_5 = bytes(6, 0, 0);

const MALFORMED: readonly (readonly [string, Bytes])[] = [
  ['of another version', bytes(0x62)],
  ['that ends within a bound', bytes(VERSION, 0x81)],
  ['that ends within a fingerprint', bytes(VERSION, 0, 0, 1, 1, 2, 3)],
  ['that ends within a list', concat(bytes(VERSION, 0, 0, 2, 4), HUNDRED)],
  [
    'with a list that is said to be endless',
    concat(bytes(VERSION, 0, 0, 2, 0x8f, 0xff, 0xff, 0xff, 0x7f), HUNDRED),
  ],
  ['with a mode that is none', bytes(VERSION, 0, 0, 3)],
  ['with a number that has a leading zero', bytes(VERSION, 0x80, 0x01, 0, 0)],
  [
    'with a number above 64 bits',
    concat(bytes(VERSION), bytes(...new Array(10).fill(0xff)), bytes(0x7f, 0, 0)),
  ],
  ['with a time that no message has', bytes(VERSION, 0x81, ...new Array(8).fill(0x80), 2, 0, 0)],
  ['with a prefix longer than an id', concat(bytes(VERSION, 6, 33), new Uint8Array(33), bytes(0))],
  ['with the same bound twice', concat(bytes(VERSION), SKIP_TO_5, bytes(1, 0, 0))],
  ['with bounds in descending order', concat(bytes(VERSION, 6, 1, 9, 0), bytes(1, 1, 8, 0))],
  ['with a range behind the last one', concat(bytes(VERSION, 0, 0, 0), SKIP_TO_5)],
  [
    'with too many ranges',
    concat(bytes(VERSION), ...new Array(LIMITS.reconcileRangesMax + 1).fill(bytes(2, 0, 0))),
  ],
];

describe('a message of a reconciliation', () => {
  it.each(MALFORMED)('%s is an offence as an answer, and ends the comparison', (_, message) => {
    const { bench, remote, asked: frame } = asking();
    remote.send({ type: 'reconciled', number: frame.number, message });
    bench.run(100);
    expect(bench.reports('offence')).toMatchObject([{ data: { offence: 'malformed' } }]);
    expect([remote.got('fetch'), remote.got('reconcile')]).toEqual([[], []]);
  });

  it.each(MALFORMED)('%s is an offence as a question, and is not answered', (_, message) => {
    const { bench, remote, ask } = asked();
    ask(message);
    bench.run(100);
    expect(bench.reports('offence')).toMatchObject([{ data: { offence: 'malformed' } }]);
    expect([remote.got('fetch'), remote.got('reconciled')]).toEqual([[], []]);
    ask(NOTHING_DIFFERS);
    expect(remote.got('reconciled')).toHaveLength(1);
  });
});

describe('an answer', () => {
  it('that was not asked for is an offence: before, twice, or with another number', () => {
    const { bench, remote, asked: frame, ids } = asking();
    const message = messageOf([{ upper: INFINITY, mode: 'idList', ids }]);
    const answer = { type: 'reconciled', number: frame.number, message } as const;
    remote.send({ ...answer, number: frame.number + 1 });
    expect(bench.reports('offence')).toMatchObject([{ code: 'unsolicited' }]);
    remote.send(answer);
    remote.send(answer);
    expect(bench.reports('offence')).toHaveLength(2);
    bench.run(100);
    expect(remote.got('fetch')).toHaveLength(1);
    const other = createPair();
    other.remote.send(answer);
    expect(other.bench.reports('offence')).toMatchObject([{ code: 'unsolicited' }]);
  });

  it('that comes late is no offence, once, and catch-up goes on with the next comparison', () => {
    const { bench, store, holder, remote, floorHour, asked: frame } = asking();
    bench.run(LIMITS.reconcileAnswerMs + 2000);
    holder.respond(frame);
    expect(bench.reports('offence')).toEqual([]);
    for (let i = 0; i < 20 && bodies(store).length < 5; i++) {
      holder.compare(floorHour);
      holder.serve();
      bench.run(5000);
    }
    expect(bodies(store)).toHaveLength(5);
    expect(bench.reports('offence')).toEqual([]);
    holder.respond(frame);
    expect(bench.reports('offence')).toHaveLength(1);
    expect(remote.closed).toBeUndefined();
  });

  it('that refuses ends the comparison, and is no offence', () => {
    const { bench, remote, asked: frame } = asking();
    remote.send({ type: 'reconciled', number: frame.number, message: REFUSED });
    bench.run(100);
    expect(bench.reports('offence')).toEqual([]);
    expect([remote.got('reconcile'), remote.got('fetch')]).toEqual([[], []]);
  });

  it('after answer that brings nothing does not go on for ever', () => {
    const { bench, remote, asked: frame } = asking();
    let rounds = 0;
    for (let next: ReconcileFrame | undefined = frame; next && rounds < 500; rounds++) {
      remote.clear();
      const message = messageOf(prints(20, bench.now.wallMs - 30 * MINUTE));
      remote.send({ type: 'reconciled', number: next.number, message });
      bench.run(10);
      [next] = remote.got('reconcile');
    }
    // of the last day, and of all
    expect(rounds).toBeLessThanOrEqual(2 * (LIMITS.reconcileIdleRoundsMax + 2));
    expect(bench.reports('offence')).toEqual([]);
  });

  it('full of invented ids is followed by no other while those are asked for in vain', () => {
    const { bench, remote, asked: frame } = asking({ config: { banThreshold: 0 } });
    let answers = 0;
    let requested = 0;
    const wanted = (): number => bench.peer.footprint().wantedIds?.size ?? 0;
    let most = 0;
    let next: ReconcileFrame | undefined = frame;
    const seconds = 300;
    for (let i = 0; i < seconds; i++) {
      if (next) {
        answers++;
        const upper = at(bench.now.wallMs);
        const list: Range = { upper, mode: 'idList', ids: inventIds(1800) };
        const message = messageOf([list, ...prints(1, bench.now.wallMs + MINUTE)]);
        remote.send({ type: 'reconciled', number: next.number, message });
      }
      remote.clear();
      bench.run(1000);
      most = Math.max(most, wanted());
      for (const { ids } of remote.got('fetch')) requested += ids.length;
      [next] = remote.got('reconcile');
    }
    // 256 at a time, each for 15 s
    expect(requested).toBeLessThanOrEqual(
      (seconds * 1000 * LIMITS.fetchMax) / LIMITS.requestMs + LIMITS.fetchMax,
    );
    expect(answers).toBeLessThan(10);
    expect(most).toBeLessThan(LIMITS.missingMax / 2 + 1900);
  });
});

describe('a question', () => {
  it('is answered at the pace of comparisons, however many come at once, and only the last one waits', () => {
    const { bench, remote, ask } = asked();
    const most = LIMITS.reconcileWorkBurst + 1000;
    for (let number = 1; number <= most; number++) ask(NOTHING_DIFFERS, number);
    const atOnce = remote.got('reconciled').length;
    expect(atOnce).toBe(LIMITS.reconcileWorkBurst);
    bench.run(10_000);
    const answered = remote.got('reconciled').map(({ number }) => number);
    expect(answered).toHaveLength(atOnce + 1);
    expect(answered.at(-1)).toBe(most);
    expect(bench.reports('offence')).toEqual([]);
  });

  it('with as many ranges as fit costs a bounded number of reads', () => {
    const { bench, store, remote, ask } = asked();
    const timeMs = bench.now.wallMs - 2600 * MINUTE;
    const messages = Array.from({ length: 2600 }, (_, i) =>
      bench.message(`${i}`, { time: { timeMs: timeMs + i * MINUTE + 1, counter: 0 } }),
    );
    fill(store, messages);
    const mark = bench.mark;
    ask(messageOf(prints(2600, timeMs)));
    expect(remote.got('reconciled')).toHaveLength(1);
    expect(bench.of('read', mark).length).toBeLessThan(4 * (2600 / LIMITS.reconcileBatch + 1));
  });

  it('about what was never told, of an odd time or from below the floor is refused', () => {
    const { bench, remote, floorHour } = asked();
    const frame = { type: 'reconcile', number: 3, message: NOTHING_DIFFERS } as const;
    const dev = tagOf('dev');
    remote.send({ ...frame, tag: tagOf('ops'), floorHour, untilMinute: MINUTE_END });
    remote.send({ ...frame, tag: dev, floorHour: floorHour - 1, untilMinute: MINUTE_END });
    remote.send({ ...frame, tag: dev, floorHour, untilMinute: floorHour * 60 + 7 });
    remote.send({ ...frame, tag: dev, floorHour: 10 ** 10, untilMinute: 60 });
    const lengths = remote.got('reconciled').map(({ message }) => message.length);
    expect(lengths).toEqual([0, 0, 0, 1]);
    expect(bench.reports('offence')).toEqual([]);
  });
});

describe('an offer', () => {
  it('before anything was compared is an offence, and so is more than a comparison can find', () => {
    const { bench, remote, ask } = asked();
    const offer = (count: number) => remote.send({ type: 'offer', tag: tagOf('dev'), ids: inventIds(count) });
    offer(1);
    expect(bench.reports('offence')).toMatchObject([{ code: 'unsolicited' }]);
    bench.run(100);
    expect(remote.got('fetch')).toEqual([]);
    ask(NOTHING_DIFFERS);
    for (let sent = 0; sent < LIMITS.reconcileIdsMax; sent += 1000)
      offer(Math.min(1000, LIMITS.reconcileIdsMax - sent));
    expect(bench.reports('offence')).toHaveLength(1);
    offer(1);
    expect(bench.reports('offence')).toHaveLength(2);
  });

  it('of invented ids makes its sender wait: no other question is answered before few are missing', () => {
    const { bench, remote, ask } = asked({ config: { banThreshold: 0 } });
    let most = 0;
    for (let number = 1; number <= 120; number++) {
      ask(NOTHING_DIFFERS, number);
      for (let i = 0; i < 4; i++) remote.send({ type: 'offer', tag: tagOf('dev'), ids: inventIds(1000) });
      bench.run(1000);
      most = Math.max(most, bench.peer.footprint().wantedIds?.size ?? 0);
    }
    expect(most).toBeLessThanOrEqual(LIMITS.missingMax / 2 + LIMITS.reconcileIdsMax);
    expect(remote.got('reconciled').length).toBeLessThan(5);
  });

  it('of a channel that is not shared, or of what is known, is not asked for', () => {
    const { bench, store, remote, ask } = asked();
    const known = bench.message('known');
    fill(store, [known]);
    ask(NOTHING_DIFFERS);
    remote.send({ type: 'offer', tag: tagOf('ops'), ids: inventIds(5) });
    remote.send({ type: 'offer', tag: tagOf('dev'), ids: [known.id] });
    bench.run(1000);
    expect(remote.got('fetch')).toEqual([]);
    expect(bench.reports('offence')).toEqual([]);
  });
});

describe('what is for the other side of a link to say', () => {
  const reconcile = { number: 1, untilMinute: MINUTE_END, floorHour: 0, message: NOTHING_DIFFERS };
  const tag = tagOf('dev');
  const wrong: readonly (readonly [Frame['type'], boolean, Frame])[] = [
    ['sums', true, { type: 'sums', untilMinute: MINUTE_END, sums: [] }],
    ['reconciled', true, { type: 'reconciled', number: 1, message: NOTHING_DIFFERS }],
    ['reconcile', false, { type: 'reconcile', tag, ...reconcile }],
    ['offer', false, { type: 'offer', tag, ids: [] }],
  ];

  it.each(wrong)('is an offence: %s (by the dialler: %s)', (_, isDialled, frame) => {
    const { bench, holder, remote, floorHour } = createPair({ isDialled });
    holder.tell(floorHour, 'dev');
    bench.run(0);
    remote.clear();
    remote.send(frame);
    expect(bench.reports('offence')).toMatchObject([{ data: { offence: 'unasked' } }]);
    expect([remote.got('reconcile'), remote.got('reconciled')]).toEqual([[], []]);
  });
});

describe.each(WAYS)('frames of any shape from %s', (_, way) => {
  it('make the peer neither throw nor send what is no frame', () => {
    const { bench, remote, holder, floorHour } = createPair({ config: { banThreshold: 0 }, ...way });
    fill(holder.store, [bench.message('one')]);
    holder.tell(floorHour, 'dev');
    const random = new Random(new Uint8Array(16).fill(7));
    const odd = [0, 1, 59, 60, 61, holder.settledMinute, 2 ** 31, 2 ** 32, 2 ** 41, 2 ** 42 - 1, MINUTE_END];
    const minute = () => odd[random.below(odd.length)] as number;
    const tag = tagOf('dev');
    const some = (length: number) => Uint8Array.from({ length }, () => random.below(256));
    const upper = () => (random.below(2) === 0 ? INFINITY : at(Math.min(minute() * MINUTE, 2 ** 47 - 1)));
    const shapes: readonly (() => Bytes)[] = [
      () => REFUSED,
      () => concat(bytes(VERSION), some(random.below(60))),
      () => messageOf([{ upper: upper(), mode: 'fingerprint', fingerprint: some(16) }]),
      () => messageOf([{ upper: upper(), mode: 'idList', ids: [some(32)] }]),
    ];
    const message = () => (shapes[random.below(shapes.length)] as () => Bytes)();
    for (let i = 0; i < 3000; i++) {
      const hour = Math.floor(minute() / 60);
      const number = remote.got('reconcile').at(-1)?.number ?? i;
      const frames: Frame[] = [
        { type: 'sums', untilMinute: minute(), sums: [{ tag, floorHour: hour, fingerprint: some(16) }] },
        { type: 'reconcile', number, untilMinute: minute(), tag, floorHour: hour, message: message() },
        { type: 'heartbeat', untilMinute: minute(), channels: 3, fingerprint: some(16) },
        { type: 'reconciled', number, message: message() },
        { type: 'offer', tag, ids: [some(32)] },
        { type: 'holds', reset: random.below(9) === 0, set: [{ tag, floorHour: hour }], unset: [] },
      ];
      remote.send(frames[random.below(frames.length)] as Frame);
      if (i % 50 === 0) bench.run(1000);
    }
    bench.run(60_000);
    expect(remote.isUp).toBe(true);
  });
});

describe('many channels', () => {
  it('are told in frames of 1024 sums', () => {
    const joined = Array.from({ length: 1100 }, (_, n) => `channel ${n}`);
    const { bench, remote, holder, floorHour } = createPair({ joined, isDialled: true });
    holder.tell(floorHour, ...joined);
    bench.run(0);
    expect(remote.got('sums').map(({ sums }) => sums.length)).toEqual([1024, 76]);
    bench.run(7000);
    expect(remote.got('heartbeat')[0]).toMatchObject({ channels: 1100 });
  });

  it('that differ are compared one after the other, and as many as are shared wait at most', () => {
    const joined = Array.from({ length: 40 }, (_, n) => `channel ${n}`);
    const { bench, remote, holder, floorHour } = createPair({ joined });
    holder.tell(floorHour, ...joined);
    for (let round = 0; round < 3; round++) {
      const sums = joined.map((channel) => {
        return { tag: tagOf(channel), floorHour, fingerprint: inventId().slice(0, 16) };
      });
      remote.send({ type: 'sums', untilMinute: MINUTE_END, sums });
      bench.run(2000);
      expect(remote.got('reconcile')).toHaveLength(1);
      const { size } = bench.peer.footprint().channelsToCompareOfOneLink ?? {};
      expect(size).toBe(joined.length - 1);
    }
    const compared: string[] = [];
    for (let i = 0; i < 200; i++) {
      for (const { tag, number } of remote.got('reconcile')) {
        compared.push(tag);
        remote.clear();
        remote.send({ type: 'reconciled', number, message: NOTHING_DIFFERS });
      }
    }
    expect(new Set(compared).size).toBe(joined.length);
    // The last day of each may be compared by itself.
    expect(compared.length).toBeLessThanOrEqual(2 * joined.length);
  });
});
