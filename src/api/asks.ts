/**
 * What clients asked for and the daemon has begun: each is answered before the daemon ends, and nothing is begun once
 * the stop has. So whoever gets no answer, or `stopping`, from an orderly stop knows that nothing was done.
 */
import { MeshError } from '../core/errors.ts';

export class Asks {
  readonly #stopping: AbortSignal;
  #open = 0;
  #waiting: (() => void)[] = [];

  constructor(stopping: AbortSignal) {
    this.#stopping = stopping;
  }

  /** Begins `work` in this very turn. Rejects with `stopping` instead if the daemon stops. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#stopping.aborted) throw new MeshError('stopping');
    this.#open += 1;
    try {
      return await work();
    } finally {
      this.#open -= 1;
      if (this.#open === 0) for (const tell of this.#waiting.splice(0)) tell();
    }
  }

  /** Resolves when nothing is in progress. */
  none(): Promise<void> {
    if (this.#open === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
