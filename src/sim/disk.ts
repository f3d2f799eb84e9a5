/**
 * A simulated disk: group commit in front of a memory store, with a delay where the fsync would be.
 *
 * A commit starts when the previous one has ended and takes what has gathered, at most 256 messages. What counts is
 * the moment in the middle: before it a crash loses everything of the commit, after it nothing, even though the core
 * has not heard of it yet. A crash can be armed for either side of it.
 */
import type { Token } from '../core/contract.ts';
import type { ErrorCode } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import type { PersistOp, PersistResult } from '../core/persistence.ts';
import type { Store } from '../store/store.ts';

export interface PersistRequest {
  readonly token: Token;
  readonly ops: readonly PersistOp[];
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
  /** the armed crash has come */
  crash(): void;
}

function messagesOf(request: PersistRequest): number {
  return request.ops.filter((op) => op.kind === 'message' || op.kind === 'own-message').length;
}

export class Disk {
  readonly #host: DiskHost;
  readonly #waiting: PersistRequest[] = [];
  /** answers on their way, oldest first: whichever delay ends first brings the oldest, so they keep their order */
  readonly #answers: (() => void)[] = [];
  #busy = false;
  #armed: 'before-commit' | 'after-commit' | undefined;
  #failures = 0;

  constructor(host: DiskHost) {
    this.#host = host;
  }

  submit(request: PersistRequest): void {
    this.#waiting.push(request);
    if (!this.#busy) this.#begin();
  }

  /** The host crashes at the next commit, on this side of it. */
  armCrash(side: 'before-commit' | 'after-commit'): void {
    this.#armed = side;
  }

  /** The next `commits` commits fail whole. */
  failNext(commits: number): void {
    this.#failures = commits;
  }

  #begin(): void {
    let messages = 0;
    let count = 0;
    for (const request of this.#waiting) {
      messages += messagesOf(request);
      if (count > 0 && messages > LIMITS.commitMessagesMax) break;
      count++;
    }
    const batch = this.#waiting.splice(0, count);
    this.#busy = true;
    this.#host.after(this.#host.commitDelayMs(), () => this.#end(batch));
  }

  #end(batch: readonly PersistRequest[]): void {
    const armed = this.#armed;
    if (armed === 'before-commit') {
      this.#host.crash();
      return;
    }
    if (this.#failures > 0) {
      this.#failures--;
      this.#answer(batch, (request) => this.#host.failed(request.token, 'store_failed'));
    } else {
      const results = this.#host.store.transact(batch.map((request) => request.ops));
      this.#host.committed(batch, results);
      if (armed === 'after-commit') {
        this.#host.crash();
        return;
      }
      this.#answer(batch, (request, i) => this.#host.persisted(request.token, results[i] as PersistResult[]));
    }
    this.#busy = false;
    if (this.#waiting.length > 0) this.#begin();
  }

  #answer(batch: readonly PersistRequest[], answer: (request: PersistRequest, index: number) => void): void {
    this.#answers.push(() => {
      for (const [index, request] of batch.entries()) answer(request, index);
    });
    this.#host.after(this.#host.answerDelayMs(), () => this.#answers.shift()?.());
  }
}
