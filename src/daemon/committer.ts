/**
 * Group commit without a timer: a commit starts when the previous one has ended and takes what has gathered meanwhile,
 * at most {@link LIMITS.commitMessagesMax} messages (design, section 8). One message alone waits for nothing; under
 * load a commit's fsync is shared by all that came during the one before. What removes many rows gets a commit of its
 * own, so that nobody waits for more than one such step.
 *
 * Invariants:
 * 1. Effects are committed in the order in which they were added, each whole.
 * 2. `onPersisted` is called only after the store's transaction returned, thus after the disk has it.
 * 3. If a transaction fails, every effect in it fails: its message may be fetched or sent again, and none is half done.
 *    The next commit waits, doubling from 100 ms to 5 s, so that a full disk does not become a busy loop.
 * 4. What waits is bounded: at {@link LIMITS.commitQueueMax} operations a commit happens at once, and the caller, who is
 *    the one that reads sockets, waits for the disk.
 */
import type { Token } from '../core/contract.ts';
import { type ErrorCode, MeshError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { type PersistOp, type PersistResult, PRUNE_STEP } from '../core/persistence.ts';
import type { Store } from '../store/store.ts';

/** First and last wait after a failed commit, ms (guess). */
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 5_000;

/** Deferred calls, as a parameter so that tests decide when they happen. */
export interface Later {
  /** after the I/O that is ready now */
  soon(run: () => void): () => void;
  /** @param delayMs at least 1. @returns what cancels it */
  after(delayMs: number, run: () => void): () => void;
}

export interface CommitterOptions {
  readonly store: Pick<Store, 'transact'>;
  readonly later: Later;
  readonly onPersisted: (token: Token, results: readonly PersistResult[]) => void;
  readonly onFailed: (token: Token, code: ErrorCode) => void;
  /** after a commit, before its effects are told */
  readonly onCommit: () => void;
  /** the store failed, or `undefined`: it works again */
  readonly onTrouble: (error: MeshError | undefined) => void;
  /** the store refused an operation as one that the core must never make: a mistake in the program */
  readonly onBroken: (error: unknown) => void;
}

interface Waiting {
  readonly token: Token;
  readonly ops: readonly PersistOp[];
}

/** What an operation takes of a commit, in messages: those that remove look at {@link PRUNE_STEP} rows each. */
function weightOf({ kind }: PersistOp): number {
  switch (kind) {
    case 'message':
    case 'own-message':
    case 'put-off':
      return 1;
    case 'prune':
    case 'drop':
    case 'expire':
      return PRUNE_STEP;
    default:
      return 0;
  }
}

function weightIn(ops: readonly PersistOp[]): number {
  return ops.reduce((sum, op) => sum + weightOf(op), 0);
}

export class Committer {
  readonly #options: CommitterOptions;
  #waiting: Waiting[] = [];
  #waitingOps = 0;
  #cancel: (() => void) | undefined;
  #retryMs = 0;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  /** operations that wait for a commit */
  get waitingOps(): number {
    return this.#waitingOps;
  }

  add(token: Token, ops: readonly PersistOp[]): void {
    this.#waiting.push({ token, ops });
    this.#waitingOps += ops.length;
    if (this.#waitingOps >= LIMITS.commitQueueMax) this.#commit();
    this.#schedule();
  }

  /** Commits everything that waits, now, until the store fails. */
  flush(): void {
    do this.#commit();
    while (this.#waiting.length > 0 && this.#retryMs === 0);
  }

  /** Forgets what waits; nothing of it was acknowledged. */
  discard(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#waiting = [];
    this.#waitingOps = 0;
  }

  #schedule(): void {
    if (this.#cancel !== undefined || this.#waiting.length === 0) return;
    const run = () => {
      this.#cancel = undefined;
      this.#commit();
      this.#schedule();
    };
    const { later } = this.#options;
    this.#cancel = this.#retryMs === 0 ? later.soon(run) : later.after(this.#retryMs, run);
  }

  #takeBatch(): Waiting[] {
    let weight = 0;
    let count = 0;
    for (const { ops } of this.#waiting) {
      weight += weightIn(ops);
      if (count > 0 && weight > LIMITS.commitMessagesMax) break;
      count += 1;
    }
    const batch = this.#waiting.splice(0, count);
    for (const { ops } of batch) this.#waitingOps -= ops.length;
    return batch;
  }

  #commit(): void {
    const batch = this.#takeBatch();
    if (batch.length === 0) return;
    const { store, onPersisted, onFailed, onCommit, onTrouble, onBroken } = this.#options;
    let results: PersistResult[][];
    try {
      results = store.transact(batch.map(({ ops }) => ops));
    } catch (error) {
      if (!(error instanceof MeshError)) return onBroken(error);
      this.#retryMs = Math.min(Math.max(2 * this.#retryMs, RETRY_MIN_MS), RETRY_MAX_MS);
      onTrouble(error);
      for (const { token } of batch) onFailed(token, error.code);
      return;
    }
    if (this.#retryMs > 0) onTrouble(undefined);
    this.#retryMs = 0;
    onCommit();
    for (const [i, { token }] of batch.entries()) onPersisted(token, results[i] ?? []);
  }
}
