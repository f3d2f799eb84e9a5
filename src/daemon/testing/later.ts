/** Deferred calls that happen when a test says so. */
import type { Later } from '../committer.ts';

interface Call {
  readonly dueMs: number;
  readonly run: () => void;
}

export class ManualLater implements Later {
  #calls: Call[] = [];
  nowMs = 0;

  soon(run: () => void): () => void {
    return this.after(0, run);
  }

  after(delayMs: number, run: () => void): () => void {
    const call = { dueMs: this.nowMs + delayMs, run };
    this.#calls.push(call);
    return () => {
      this.#calls = this.#calls.filter((other) => other !== call);
    };
  }

  /** delays of what waits, in the order of calls */
  get waiting(): number[] {
    return this.#calls.map(({ dueMs }) => dueMs - this.nowMs);
  }

  /** Lets time pass and runs what is due, once. */
  pass(ms = 0): void {
    this.nowMs += ms;
    const due = this.#calls.filter(({ dueMs }) => dueMs <= this.nowMs);
    this.#calls = this.#calls.filter(({ dueMs }) => dueMs > this.nowMs);
    for (const { run } of due.sort((a, b) => a.dueMs - b.dueMs)) run();
  }
}
