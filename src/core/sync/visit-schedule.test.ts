/** When channels are due to be compared with holders that are no neighbours. */
import { describe, expect, it } from 'vitest';
import { LIMITS, MINUTE, SECOND } from '../limits.ts';
import { Random } from '../random.ts';
import { VisitSchedule } from './visit-schedule.ts';

/** A schedule with one channel that is at rest. */
function atRest(seed = 1): VisitSchedule {
  const schedule = new VisitSchedule(new Random(new Uint8Array(32).fill(seed)));
  schedule.keep(new Set(['dev']), 0);
  schedule.compared('dev', 'somebody', LIMITS.visitSoonMs);
  return schedule;
}

/** The first moment from `fromMs` on at which the channel is due, looked at ten times a second. */
function dueFrom(schedule: VisitSchedule, fromMs: number): number {
  for (let ms = fromMs; ms < fromMs + 60 * MINUTE; ms += 100) if (schedule.due(ms).includes('dev')) return ms;
  throw new Error('never due');
}

const SEEDS = Array.from({ length: 50 }, (_, i) => i);

describe('a channel', () => {
  it('that is new here is due within three seconds', () => {
    for (const seed of SEEDS) {
      const schedule = new VisitSchedule(new Random(new Uint8Array(32).fill(seed)));
      schedule.keep(new Set(['dev']), 1000);
      expect(dueFrom(schedule, 0)).toBeGreaterThanOrEqual(1000);
      expect(dueFrom(schedule, 0)).toBeLessThanOrEqual(1000 + LIMITS.visitSoonMs + 100);
    }
  });

  it('is due 5 to 15 s after its last change, four times in five minutes, and then every ten minutes', () => {
    const first = SEEDS.map((seed) => {
      const schedule = atRest(seed);
      for (const ms of [0, 2, 4]) schedule.changed('dev', MINUTE + ms * SECOND);
      const changedMs = MINUTE + 4 * SECOND;
      const waits = Array.from({ length: 2 + LIMITS.visitTurnsMs.length }, () => {
        const ms = dueFrom(schedule, changedMs);
        schedule.compared('dev', 'somebody', ms);
        return ms - changedMs;
      });
      const [after, ...turns] = waits as [number, ...number[]];
      expect(after).toBeGreaterThanOrEqual(5 * SECOND);
      expect(after).toBeLessThanOrEqual(15.1 * SECOND);
      for (const [i, turn] of LIMITS.visitTurnsMs.entries()) {
        expect((turns[i] ?? 0) - turn).toBeGreaterThanOrEqual(0);
        expect((turns[i] ?? 0) - turn).toBeLessThanOrEqual(10.1 * SECOND);
      }
      const idle = (waits.at(-1) ?? 0) - (waits.at(-2) ?? 0);
      expect(idle).toBeGreaterThanOrEqual(8 * MINUTE);
      expect(idle).toBeLessThanOrEqual(12.1 * MINUTE);
      return after;
    });
    expect(new Set(first).size).toBeGreaterThan(20);
  });

  it('that never comes to rest is due once a minute', () => {
    const schedule = atRest();
    const due: number[] = [];
    for (let ms = MINUTE; ms < 11 * MINUTE; ms += SECOND) {
      schedule.changed('dev', ms);
      if (schedule.due(ms).length === 0) continue;
      due.push(ms);
      schedule.compared('dev', 'somebody', ms);
    }
    expect(due).toHaveLength(9);
  });

  it('that changes now and then is due half a minute after it was compared at the earliest', () => {
    const schedule = atRest();
    const due: number[] = [];
    for (let ms = MINUTE; ms < 11 * MINUTE; ms += SECOND) {
      if (ms % (18 * SECOND) === 0) schedule.changed('dev', ms);
      if (schedule.due(ms).length === 0) continue;
      due.push(ms);
      schedule.compared('dev', 'somebody', ms);
    }
    const gaps = due.slice(1).map((ms, i) => ms - (due[i] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(LIMITS.visitGapMs);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(LIMITS.visitGapMs + 35 * SECOND);
  });

  it('that few hold is due within seconds when somebody else does, one that many hold within minutes', () => {
    const dates = (holders: number): number[] =>
      SEEDS.map((seed) => {
        const schedule = atRest(seed);
        schedule.stirred('dev', holders, MINUTE);
        return dueFrom(schedule, MINUTE) - MINUTE;
      });
    expect(Math.max(...dates(2))).toBeLessThanOrEqual(LIMITS.visitSoonMs + 100);
    const many = dates(1000);
    expect(Math.max(...many)).toBeLessThanOrEqual(LIMITS.visitSoonMsMax + 100);
    expect(many.filter((ms) => ms < 10 * SECOND).length).toBeLessThan(10);
  });

  it('is not due the sooner the more often it is stirred', () => {
    const schedule = atRest();
    schedule.stirred('dev', 1000, MINUTE);
    const once = dueFrom(schedule, MINUTE);
    for (let i = 0; i < 1000; i++) schedule.stirred('dev', 1000, MINUTE);
    expect(dueFrom(schedule, MINUTE)).toBe(once);
  });

  it('that has just changed and is compared beside others keeps its date', () => {
    const schedule = atRest();
    schedule.changed('dev', MINUTE);
    const date = dueFrom(schedule, MINUTE);
    schedule.compared('dev', 'somebody', MINUTE + SECOND);
    expect(dueFrom(schedule, MINUTE)).toBe(date);
  });

  it('that could not be compared is due again in 5 to 15 s', () => {
    const schedule = atRest();
    schedule.changed('dev', MINUTE);
    const date = dueFrom(schedule, MINUTE);
    schedule.defer('dev', date);
    expect(dueFrom(schedule, date) - date).toBeGreaterThanOrEqual(5 * SECOND);
    expect(dueFrom(schedule, date) - date).toBeLessThanOrEqual(15.1 * SECOND);
  });

  it('remembers with whom it was compared last', () => {
    const schedule = atRest();
    for (const peer of ['a', 'b', 'c', 'a', 'd', 'e']) schedule.compared('dev', peer, MINUTE);
    expect(schedule.lately('dev')).toEqual(['e', 'd', 'a', 'c']);
    expect(schedule.lately('other')).toEqual([]);
  });

  it('that differed is due again in 5 to 15 s, and later and later while it goes on', () => {
    const schedule = atRest();
    const waits: number[] = [];
    let ms = MINUTE;
    for (let i = 0; i < 12; i++) {
      schedule.ended('dev', false, ms);
      const next = dueFrom(schedule, ms);
      waits.push(next - ms);
      schedule.compared('dev', 'somebody', next);
      ms = next;
    }
    expect(waits[0]).toBeGreaterThanOrEqual(5 * SECOND);
    expect(waits[0]).toBeLessThanOrEqual(15.1 * SECOND);
    expect(waits.slice(1, 7).every((wait, i) => wait > (waits[i] ?? 0) - 10 * SECOND)).toBe(true);
    expect(waits[11]).toBeGreaterThanOrEqual(8 * MINUTE);
    schedule.ended('dev', true, ms);
    schedule.ended('dev', false, ms);
    expect(dueFrom(schedule, ms) - ms).toBeLessThanOrEqual(15.1 * SECOND);
  });

  it('that is held no more is forgotten, and others are never remembered', () => {
    const schedule = atRest();
    schedule.changed('other', MINUTE);
    schedule.stirred('other', 2, MINUTE);
    schedule.defer('other', MINUTE);
    schedule.compared('other', 'somebody', MINUTE);
    expect([...schedule.tags()]).toEqual(['dev']);
    schedule.keep(new Set(), MINUTE);
    expect(schedule.size).toBe(0);
  });
});
