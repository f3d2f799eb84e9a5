/**
 * Work of our store that reconciliations cause. What a query costs is known when it is answered; before, it is charged with
 * what it may walk over, to its link and to all links together. None is begun while either is in debt: it waits, and its
 * reconciliation with it.
 *
 * Invariants:
 * 1. Nobody is ahead of its allowance by more than one query, and each query is bounded (`SCAN_STEP`).
 * 2. All links together get a part of the processor, however many they are. Where that is too little, whoever caused least
 *    comes first: a link that compares now and then does not wait for those that never stop.
 */
import type { Context } from '../context.ts';
import type { LinkId } from '../contract.ts';
import { LIMITS } from '../limits.ts';
import type { Link } from '../link/link.ts';
import { type QueryAnswer, SCAN_STEP } from '../persistence.ts';
import { Credit } from '../token-buckets.ts';
import { play, type ReconcileQuery, type Steps } from './negentropy/store-steps.ts';
import type { Reads } from './reads.ts';

const OF_ONE = { perSecond: LIMITS.reconcileWorkPerSecond, burst: LIMITS.reconcileWorkBurst };
const OF_ALL = { perSecond: LIMITS.reconcileAllWorkPerSecond, burst: LIMITS.reconcileAllWorkBurst };

/** Refills that slowly that it tells who has caused more lately. */
const SHARE = { perSecond: LIMITS.reconcileSharePerSecond, burst: LIMITS.reconcileWorkBurst };

/** What a query may walk over or list. */
function mostOf(query: ReconcileQuery): number {
  return (query.kind === 'split' ? SCAN_STEP : query.limit) / LIMITS.reconcileWalkedPerWork;
}

function costOf(query: ReconcileQuery, answer: QueryAnswer): number {
  const lists = answer.kind === 'split' ? answer.pieces : answer.kind === 'ids' ? answer.positions : [];
  const items = lists.reduce((count, list) => count + list.length, 0);
  const [pieces, walked] = answer.kind === 'split' ? [items, answer.walked] : [0, items];
  const places = query.ranges.length + pieces;
  return 1 + places / LIMITS.reconcilePlacesPerWork + walked / LIMITS.reconcileWalkedPerWork;
}

/** What a link may cause, and has caused. */
interface Account {
  readonly credit: Credit;
  readonly share: Credit;
  /** the query that waits */
  waiting: (() => void) | undefined;
}

export interface WorkParts {
  readonly ctx: Pick<Context, 'now'>;
  readonly reads: Pick<Reads, 'read'>;
}

export class Work {
  readonly #ctx: Pick<Context, 'now'>;
  readonly #reads: Pick<Reads, 'read'>;
  readonly #all: Credit;
  readonly #accounts = new Map<LinkId, Account>();

  constructor({ ctx, reads }: WorkParts) {
    this.#ctx = ctx;
    this.#reads = reads;
    this.#all = new Credit(OF_ALL, ctx.now.monotonicMs);
  }

  up({ id }: Link): void {
    const now = this.#ctx.now.monotonicMs;
    const [credit, share] = [new Credit(OF_ONE, now), new Credit(SHARE, now)];
    this.#accounts.set(id, { credit, share, waiting: undefined });
  }

  down({ id }: Link): void {
    this.#accounts.delete(id);
  }

  /** Whether a link may cause more of it. */
  mayCause({ id }: Link): boolean {
    const account = this.#accounts.get(id);
    return account !== undefined && this.#isSolvent(account);
  }

  #isSolvent({ credit }: Account): boolean {
    return credit.left(OF_ONE, this.#ctx.now.monotonicMs) > 0;
  }

  get #mayAll(): boolean {
    return this.#all.left(OF_ALL, this.#ctx.now.monotonicMs) > 0;
  }

  charge({ id }: Link, cost: number): void {
    const now = this.#ctx.now.monotonicMs;
    const account = this.#accounts.get(id);
    account?.credit.charge(OF_ONE, now, cost);
    account?.share.charge(SHARE, now, cost);
    this.#all.charge(OF_ALL, now, cost);
  }

  /** Goes through `steps` for the sake of a link; where it went through others before and has not ended, those are
   *  forgotten if they wait. @param done not called if the link is gone by then */
  play<T>(link: Link, steps: Steps<T>, done: (result: T) => void): void {
    const read = (query: ReconcileQuery, then: (answer: QueryAnswer) => void): void => {
      const most = mostOf(query);
      const ask = (): void => {
        this.charge(link, most);
        this.#reads.read(link, query, (answer) => {
          this.charge(link, costOf(query, answer) - most);
          then(answer);
        });
      };
      const account = this.#accounts.get(link.id);
      if (account === undefined) return;
      account.waiting = ask;
      this.#goOn(account);
    };
    play(steps, read, (result) => {
      if (link.phase === 'up') done(result);
    });
  }

  /** Asks the query of a link that waits, if it may be and is its turn. */
  #goOn(account: Account): void {
    if (!this.#isSolvent(account) || !this.#mayAll) return;
    for (const other of this.#accounts.values())
      if (other.waiting && this.#left(other) > this.#left(account) && this.#isSolvent(other)) return;
    const { waiting } = account;
    account.waiting = undefined;
    waiting?.();
  }

  #left({ share }: Account): number {
    return share.left(SHARE, this.#ctx.now.monotonicMs);
  }

  /** Once a second. */
  tick(): void {
    if (!this.#mayAll) return;
    const waiting = [...this.#accounts.values()].filter((one) => one.waiting !== undefined);
    waiting.sort((a, b) => this.#left(b) - this.#left(a));
    for (const account of waiting) this.#goOn(account);
  }
}
