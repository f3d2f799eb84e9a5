/**
 * A simulated disk: group commit in front of a memory store, with a delay where the fsync would be.
 *
 * A commit starts when the previous one has ended and takes what has gathered, at most 256 messages, of bulks and of all
 * else in turn, as the daemon's does. What counts is the moment in the middle: before it a crash loses everything of the
 * commit, after it nothing, even though the core has not heard of it yet. A crash can be armed for either side of it.
 */
import { CommitQueue, type Waiting } from '../core/commit-queue.ts';
import type { Token } from '../core/contract.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { PersistOp, PersistResult } from '../core/persistence.ts';
import type { Store } from '../store/store.ts';

export type PersistRequest = Waiting;

/** How a host goes down, and on which side of a commit. */
export interface CommitCrash {
  readonly side: 'before-commit' | 'after-commit';
  readonly how: 'killed' | 'power';
}

/** What the disk tells its host. */
export interface DiskHost {
  readonly store: Store;
  /** runs later, unless the host has crashed by then */
  after(delayMs: number, run: () => void): void;
  commitDelayMs(): number;
  answerDelayMs(): number;
  committed(requests: readonly PersistRequest[], results: readonly (readonly PersistResult[])[]): void;
  persisted(token: Token, results: readonly PersistResult[]): void;
  failed(token: Token, code: ErrorCode): void;
  /** a commit is about to happen; @returns the crash that is planned for it */
  beforeCommit(): CommitCrash | undefined;
  /** the armed crash has come */
  crash(how: CommitCrash['how']): void;
}

function weightOf({ kind }: PersistOp): number {
  return kind === 'message' || kind === 'own-message' ? 1 : 0;
}

export class Disk {
  readonly #host: DiskHost;
  readonly #waiting = new CommitQueue(weightOf);
  /** answers on their way, oldest first: whichever delay ends first brings the oldest, so they keep their order */
  readonly #answers: (() => void)[] = [];
  #busy = false;
  #armed: CommitCrash | undefined;
  #failures = 0;

  constructor(host: DiskHost) {
    this.#host = host;
  }

  /** operations that wait for a commit */
  get waitingOps(): number {
    return this.#waiting.ops;
  }

  submit(request: PersistRequest): void {
    this.#waiting.add(request);
    if (!this.#busy) this.#begin();
  }

  /** The host crashes at the next commit, on this side of it. */
  armCrash(crash: CommitCrash): void {
    this.#armed = crash;
  }

  /** The next `commits` commits fail whole. */
  failNext(commits: number): void {
    this.#failures = commits;
  }

  #begin(): void {
    const batch = this.#waiting.take();
    this.#busy = true;
    this.#host.after(this.#host.commitDelayMs(), () => this.#end(batch));
  }

  #end(batch: readonly PersistRequest[]): void {
    const armed = this.#host.beforeCommit() ?? this.#armed;
    if (armed?.side === 'before-commit') {
      this.#host.crash(armed.how);
      return;
    }
    if (this.#failures > 0) {
      this.#failures--;
      this.#answer(batch, (request) => this.#host.failed(request.token, 'store_failed'));
    } else {
      const results = this.#host.store.transact(batch.map((request) => request.ops));
      this.#host.committed(batch, results);
      if (armed?.side === 'after-commit') {
        this.#host.crash(armed.how);
        return;
      }
      this.#answer(batch, (request, i) => this.#host.persisted(request.token, results[i] as PersistResult[]));
    }
    this.#busy = false;
    if (!this.#waiting.isEmpty) this.#begin();
  }

  #answer(batch: readonly PersistRequest[], answer: (request: PersistRequest, index: number) => void): void {
    this.#answers.push(() => {
      for (const [index, request] of batch.entries()) answer(request, index);
    });
    this.#host.after(this.#host.answerDelayMs(), () => this.#answers.shift()?.());
  }
}
