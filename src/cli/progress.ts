/**
 * Says on a terminal how far long work is. Elsewhere it is silent: a log needs no moving line.
 */
import type { CliIo } from './io.ts';

/** Between two updates (guess: often enough to move, seldom enough to read). */
const UPDATE_MS = 250;

export class Progress {
  readonly #io: CliIo;
  readonly #now: () => number;
  #shownMs = 0;
  #width = 0;

  constructor(io: CliIo, now: () => number = Date.now) {
    this.#io = io;
    this.#now = now;
    this.#shownMs = now();
  }

  /** Shows the text in place of the former one, if it is time. */
  update(text: () => string): void {
    if (this.#io.stderr.isTTY !== true || this.#now() - this.#shownMs < UPDATE_MS) return;
    this.#shownMs = this.#now();
    this.#write(text());
  }

  #write(text: string): void {
    this.#io.stderr.write(`\r${text.padEnd(this.#width)}`);
    this.#width = text.length;
  }

  /** Takes the line away, so that something else can be written. */
  clear(): void {
    if (this.#width === 0) return;
    this.#write('');
    this.#io.stderr.write('\r');
    this.#width = 0;
  }
}
