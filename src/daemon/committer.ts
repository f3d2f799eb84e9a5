/**
 * Group commit without a timer: a commit starts when the previous one has ended and takes what has gathered meanwhile,
 * at most {@link LIMITS.commitMessagesMax} messages (design, section 8). One message alone waits for nothing; under
 * load a commit's fsync is shared by all that came during the one before. What removes many rows gets a commit of its
 * own, so that nobody waits for more than one such step. Bulks, which a newcomer fetches, and all else are committed in
 * turn; as long as both come, bulks in small pieces.
 *
 * Invariants:
 * 1. Effects are committed whole, bulks in the order in which they were added, and all else in theirs. What removes messages
 *    comes after all that was added before it.
 * 2. `onPersisted` is called only after the store's transaction returned, thus after the disk has it.
 * 3. If a transaction fails, every effect in it fails: its message may be fetched or sent again, and none is half done.
 *    The next commit waits, doubling from 100 ms to 5 s, so that a full disk does not become a busy loop.
 * 4. What waits is bounded: at {@link LIMITS.commitQueueMax} operations a commit happens at once, and the caller, who is
 *    the one that reads sockets, waits for the disk.
 */
import { CommitQueue, type Waiting } from '../core/commit-queue.ts';
import type { Token } from '../core/contract.ts';
import { type ErrorCode, MeshError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { type PersistOp, type PersistResult, PRUNE_STEP } from '../core/persistence.ts';
import type { Store } from '../store/store.ts';

/** First and last wait after a failed commit, ms (guess). */
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 5_000;

/** Messages of a bulk in one commit where others came lately: those wait as long as it runs, 50 us a message. */
const BESIDE_MAX = 64;
/** After so many commits without others a bulk has the daemon to itself (guess). */
const ALONE_COMMITS = 100;

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

export class Committer {
  readonly #options: CommitterOptions;
  readonly #queue = new CommitQueue(weightOf);
  /** commits since others than bulks were waiting */
  #sinceOthers = ALONE_COMMITS;
  #cancel: (() => void) | undefined;
  #retryMs = 0;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  /** operations that wait for a commit */
  get waitingOps(): number {
    return this.#queue.ops;
  }

  add(effect: Waiting): void {
    this.#queue.add(effect);
    if (this.#queue.ops >= LIMITS.commitQueueMax) this.#commit();
    this.#schedule();
  }

  /** Commits everything that waits, now, until the store fails. */
  flush(): void {
    do this.#commit();
    while (!this.#queue.isEmpty && this.#retryMs === 0);
  }

  /** Forgets what waits; nothing of it was acknowledged. */
  discard(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#queue.clear();
  }

  #schedule(): void {
    if (this.#cancel !== undefined || this.#queue.isEmpty) return;
    const run = () => {
      this.#cancel = undefined;
      this.#commit();
      this.#schedule();
    };
    const { later } = this.#options;
    this.#cancel = this.#retryMs === 0 ? later.soon(run) : later.after(this.#retryMs, run);
  }

  #takeBatch(): Waiting[] {
    this.#sinceOthers = this.#queue.hasOthers ? 0 : this.#sinceOthers + 1;
    return this.#queue.take(this.#sinceOthers > ALONE_COMMITS ? LIMITS.commitMessagesMax : BESIDE_MAX);
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
