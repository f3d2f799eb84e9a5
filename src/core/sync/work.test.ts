/** What reconciliations may cost the store: of one link, and of all together. */
import { describe, expect, it } from 'vitest';
import { LIMITS, SECOND } from '../limits.ts';
import type { Link } from '../link/link.ts';
import { type Query, type QueryAnswer, SCAN_STEP } from '../persistence.ts';
import { FIRST, INFINITY } from './negentropy/bounds.ts';
import type { ReconcileQuery, Steps } from './negentropy/store-steps.ts';
import { Work } from './work.ts';

const QUERY: ReconcileQuery = {
  kind: 'split',
  tag: 'AAAAAAAAAAA',
  ranges: [{ from: FIRST, until: INFINITY, size: 1 }],
};

function linkOf(id: number): Link {
  return { id, phase: 'up' } as unknown as Link;
}

/** Asks without end. @param asked told of each query that was answered */
function* endless(asked: () => void): Steps<never> {
  for (;;) {
    yield QUERY;
    asked();
  }
}

/** A store whose answers take one millisecond and walk over so many messages. */
class Desk {
  readonly ctx = { now: { monotonicMs: 0, wallMs: 0 } };
  readonly work: Work;
  readonly #answers: (() => void)[] = [];
  /** messages walked over */
  walked = 0;

  constructor(perQuery: number) {
    const read = (_: Link, query: Query, then: (answer: never) => void): void => {
      if (query.kind !== 'split') throw new Error('not asked for here');
      const pieces = query.ranges.map(({ until }) => [{ end: until, count: 0, sum: new Uint8Array(32) }]);
      const answer: QueryAnswer = { kind: 'split', pieces, walked: perQuery };
      this.walked += perQuery;
      this.#answers.push(() => then(answer as never));
    };
    this.work = new Work({ ctx: this.ctx, reads: { read } });
  }

  run(ms: number): void {
    for (let i = 0; i < ms; i++) {
      this.ctx.now = { ...this.ctx.now, monotonicMs: this.ctx.now.monotonicMs + 1 };
      for (const answer of this.#answers.splice(0)) answer();
      if (this.ctx.now.monotonicMs % SECOND === 0) this.work.tick();
    }
  }

  /** @returns for each link how many queries were answered */
  play(links: readonly Link[]): number[] {
    const counts = links.map(() => 0);
    for (const [i, link] of links.entries()) {
      this.work.up(link);
      const steps = endless(() => {
        counts[i] = (counts[i] as number) + 1;
      });
      this.work.play(link, steps, () => undefined);
    }
    return counts;
  }
}

const seconds = 120;

describe('the work that reconciliations cause', () => {
  it('is bounded for a link by what its queries cost, not by their number', () => {
    const desk = new Desk(SCAN_STEP);
    desk.play([linkOf(1)]);
    desk.run(seconds * SECOND);
    const most = LIMITS.reconcileWorkBurst + seconds * LIMITS.reconcileWorkPerSecond;
    expect(desk.walked).toBeLessThanOrEqual(most * LIMITS.reconcileWalkedPerWork + SCAN_STEP);
    expect(desk.walked).toBeGreaterThan(0.8 * most * LIMITS.reconcileWalkedPerWork);
  });

  it('is bounded for all links together, and they get the same', () => {
    const desk = new Desk(SCAN_STEP);
    const counts = desk.play(Array.from({ length: 40 }, (_, id) => linkOf(id)));
    desk.run(seconds * SECOND);
    const most = LIMITS.reconcileAllWorkBurst + seconds * LIMITS.reconcileAllWorkPerSecond;
    expect(desk.walked).toBeLessThanOrEqual(most * LIMITS.reconcileWalkedPerWork + SCAN_STEP);
    expect(desk.walked).toBeGreaterThan(0.8 * most * LIMITS.reconcileWalkedPerWork);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(2);
  });

  it('keeps a link with little to ask waiting for no others, however many ask without end', () => {
    const desk = new Desk(SCAN_STEP);
    desk.play(Array.from({ length: 250 }, (_, id) => linkOf(id)));
    desk.run(seconds * SECOND);
    const [light, ended] = [linkOf(999), [] as number[]];
    desk.work.up(light);
    desk.run(seconds * SECOND);
    function* few(): Steps<number> {
      for (let i = 0; i < 5; i++) yield QUERY;
      return 1;
    }
    desk.work.play(light, few(), (result) => ended.push(result));
    desk.run(5 * SECOND + 10); // one each second
    expect(ended).toEqual([1]);
  });

  it('ends with the link', () => {
    const desk = new Desk(SCAN_STEP);
    const links = Array.from({ length: 40 }, (_, id) => linkOf(id));
    desk.play(links);
    desk.run(seconds * SECOND);
    for (const link of links) desk.work.down(link);
    desk.run(SECOND);
    const { walked } = desk;
    desk.run(seconds * SECOND);
    expect(desk.walked).toBe(walked);
    expect(desk.work.mayCause(linkOf(1))).toBe(false);
  });
});
