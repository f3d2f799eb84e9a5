/** Catch-up with a neighbour that answers wrongly, late, or without having been asked. */
import { describe, expect, it } from 'vitest';
import { HOUR, LIMITS, MINUTE } from '../../core/limits.ts';
import { tagOf } from '../../core/peer.fixture.ts';
import { MINUTE_END, type Position } from '../../core/persistence.ts';
import { Random } from '../../core/random.ts';
import type { Frame } from '../../core/wire/frame.ts';
import { bodies, createPair, fill, type Pair } from './holder.fixture.ts';

type ListFrame = Extract<Frame, { type: 'list' }>;

/** A pair in which the peer has just asked for a page. */
function asking(): Pair & { readonly list: ListFrame; readonly positions: Position[] } {
  const pair = createPair();
  const { bench, holder, remote, floorHour } = pair;
  const timeMs = bench.now.wallMs - 10 * MINUTE;
  const messages = Array.from({ length: 5 }, (_, i) =>
    bench.message(`${i}`, { time: { timeMs: timeMs + i, counter: 0 } }),
  );
  fill(holder.store, messages);
  holder.tell(floorHour, 'dev');
  const [sums] = remote.got('sums');
  if (sums) holder.buckets(sums);
  const [list] = remote.got('list');
  if (list === undefined) throw new Error('no page was asked for');
  remote.clear();
  return { ...pair, list, positions: messages.map(({ time, id }) => ({ time, id })) };
}

describe('a page', () => {
  const shift = (position: Position, ms: number): Position => {
    return { time: { timeMs: position.time.timeMs + ms, counter: 0 }, id: position.id };
  };
  const wrong: readonly (readonly [string, (positions: Position[], list: ListFrame) => Position[]])[] = [
    ['in descending order', (positions) => positions.reverse()],
    ['with a position twice', (positions) => [...positions, positions.at(-1) as Position]],
    [
      'with equal times and ids in descending order',
      ([one]) => [9, 8].map((n) => ({ ...(one as Position), id: new Uint8Array(32).fill(n) })),
    ],
    ['with what lies before it', (positions, { after }) => [{ ...after }, ...positions]],
    [
      'with what lies behind its end',
      (positions, { untilMinute }) => [
        ...positions,
        { time: { timeMs: untilMinute * MINUTE, counter: 0 }, id: new Uint8Array(32) },
      ],
    ],
    ['from the far future', (positions) => [...positions, shift(positions[0] as Position, 100 * HOUR)]],
  ];

  it.each(wrong)('%s is an offence, and nothing of it is asked for', (_, spoil) => {
    const { bench, remote, list, positions } = asking();
    remote.send({ type: 'listed', tag: list.tag, done: true, positions: spoil(positions, list) });
    bench.run(100);
    expect(bench.reports('offence')).toHaveLength(1);
    expect(remote.got('fetch')).toEqual([]);
  });

  it('that was not asked for is an offence: before, twice, or of another channel', () => {
    const { bench, remote, list, positions } = asking();
    const listed = { type: 'listed', tag: list.tag, done: true, positions } as const;
    remote.send({ ...listed, tag: tagOf('ops') });
    expect(bench.reports('offence')).toMatchObject([{ code: 'unsolicited' }]);
    remote.send(listed);
    remote.send(listed);
    expect(bench.reports('offence')).toHaveLength(2);
    bench.run(100);
    expect(remote.got('fetch')).toHaveLength(1);
    const other = createPair();
    other.remote.send(listed);
    expect(other.bench.reports('offence')).toHaveLength(1);
  });

  it('that comes late is no offence, and catch-up goes on with the next comparison', () => {
    const { bench, store, holder, remote, floorHour, list } = asking();
    bench.run(LIMITS.requestMs + 2000);
    holder.heartbeat(floorHour);
    holder.list(list);
    expect(bench.reports('offence')).toEqual([]);
    for (let i = 0; i < 20 && bodies(store).length < 5; i++) {
      holder.heartbeat(floorHour);
      holder.serve();
      bench.run(5000);
    }
    expect(bodies(store)).toHaveLength(5);
    expect(bench.reports('offence')).toEqual([]);
    expect(remote.closed).toBeUndefined();
  });

  it('that never ends and brings nothing is not asked for endlessly', () => {
    const { bench, remote, list } = asking();
    for (let i = 0; i < 50; i++) {
      remote.send({ type: 'listed', tag: list.tag, done: false, positions: [] });
      bench.run(10);
    }
    expect(remote.got('list').length).toBeLessThan(5);
  });
});

describe('sums and buckets of any shape', () => {
  it('make the peer neither throw nor send what is no frame', () => {
    const { bench, remote, holder, floorHour } = createPair({ config: { banThreshold: 0 } });
    fill(holder.store, [bench.message('one')]);
    holder.tell(floorHour, 'dev');
    const random = new Random(new Uint8Array(16).fill(7));
    const odd = [0, 1, 59, 60, 61, holder.settledMinute, 2 ** 31, 2 ** 32, 2 ** 41, 2 ** 42 - 1, MINUTE_END];
    const minute = () => odd[random.below(odd.length)] as number;
    const tag = tagOf('dev');
    const print = () => Uint8Array.from({ length: 16 }, () => random.below(256));
    for (let i = 0; i < 3000; i++) {
      const hour = Math.floor(minute() / 60);
      const buckets = Array.from({ length: random.below(5) }, () => {
        return { startMinute: minute(), minutes: random.below(2) === 0 ? 1 : 60, fingerprint: print() };
      });
      const timeMs = Math.min(minute() * MINUTE, 2 ** 47 - 1);
      const after = { time: { timeMs, counter: 0 }, id: new Uint8Array(32) };
      const frames: Frame[] = [
        { type: 'sums', untilMinute: minute(), sums: [{ tag, floorHour: hour, fingerprint: print() }] },
        { type: 'buckets', untilMinute: minute(), tag, floorHour: hour, minutesFrom: minute(), buckets },
        { type: 'heartbeat', untilMinute: minute(), channels: 3, fingerprint: print() },
        { type: 'list', tag, after, untilMinute: minute() },
        { type: 'listed', tag, done: random.below(2) === 0, positions: [after] },
        { type: 'holds', reset: random.below(9) === 0, set: [{ tag, floorHour: hour }], unset: [] },
      ];
      remote.send(frames[random.below(frames.length)] as Frame);
      if (i % 50 === 0) bench.run(1000);
    }
    bench.run(60_000);
    expect(remote.isUp).toBe(true);
  });

  it('cannot make it ask for times that no message has', () => {
    const { remote, holder, floorHour } = createPair();
    holder.tell(floorHour, 'dev');
    const fingerprint = new Uint8Array(16);
    const bucket = { startMinute: MINUTE_END - 60, minutes: 60, fingerprint };
    remote.send({
      type: 'buckets',
      untilMinute: MINUTE_END,
      tag: tagOf('dev'),
      floorHour: 0,
      minutesFrom: 0,
      buckets: [bucket],
    });
    for (const { after } of remote.got('list')) expect(after.time.timeMs).toBeLessThan(2 ** 47);
  });

  it('cannot fill the memory: ranges that wait are bounded', () => {
    const { bench, remote, holder, floorHour } = createPair();
    holder.tell(floorHour, 'dev');
    for (let n = 0; n < 15; n++) {
      const buckets = Array.from({ length: LIMITS.bucketsPerFrameMax }, (_, i) => {
        return {
          startMinute: floorHour * 60 + (n * LIMITS.bucketsPerFrameMax + i) * 2,
          minutes: 1,
          fingerprint: new Uint8Array(16),
        };
      });
      remote.send({
        type: 'buckets',
        untilMinute: MINUTE_END,
        tag: tagOf('dev'),
        floorHour: 0,
        minutesFrom: 0,
        buckets,
      });
    }
    for (let pages = 0; ; pages++) {
      const list = remote.got('list').at(-1);
      remote.clear();
      if (list === undefined) {
        expect(pages).toBeLessThanOrEqual(8193);
        expect(pages).toBeGreaterThan(4000);
        break;
      }
      remote.send({ type: 'listed', tag: list.tag, done: true, positions: [] });
    }
    expect(bench.reports('offence')).toEqual([]);
  });
});

describe('many channels', () => {
  it('are told in frames of 1024 sums', () => {
    const joined = Array.from({ length: 1100 }, (_, n) => `channel ${n}`);
    const { bench, remote, holder, floorHour } = createPair({ joined });
    holder.tell(floorHour, ...joined);
    bench.run(0);
    expect(remote.got('sums').map(({ sums }) => sums.length)).toEqual([1024, 76]);
    bench.run(7000);
    expect(remote.got('heartbeat')[0]).toMatchObject({ channels: 1100 });
  });
});
