/**
 * What happened, as lines: the last ones for a failure message, and a hash over all of them. Equal hashes mean equal
 * runs, which is how the tests know that a seed decides everything.
 */
import { createHash } from 'node:crypto';
import type { Bytes } from '../core/bytes.ts';

/** Lines that a failure shows (a guess: a screen and a half). */
const TRACE_LINES_KEPT = 60;

/** Characters that are hashed at once: a call costs as much as a kilobyte (guess). */
const HASH_CHUNK = 65_536;

/** A checker's verdict, with all that is needed to see it again. */
export class SimFailure extends Error {
  override readonly name = 'SimFailure';
  readonly checker: string;

  constructor(checker: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.checker = checker;
  }
}

export class Trace {
  readonly scenario: string;
  readonly seed: number;
  readonly #kept: string[] = [];
  readonly #hash = createHash('sha256');
  readonly #nowMs: () => number;
  /** what the hash has not been given yet */
  #rest = '';
  #stamp = { ms: Number.NaN, text: '' };

  constructor(options: { scenario: string; seed: number; nowMs: () => number }) {
    this.scenario = options.scenario;
    this.seed = options.seed;
    this.#nowMs = options.nowMs;
  }

  /** @param bytes part of the hash, not of the line */
  add(line: string, bytes?: Bytes): void {
    const ms = this.#nowMs();
    if (ms !== this.#stamp.ms) this.#stamp = { ms, text: ms.toFixed(3) };
    const full = `${this.#stamp.text} ${line}`;
    this.#rest += `${full}\n`;
    if (bytes !== undefined || this.#rest.length > HASH_CHUNK) this.#flush();
    if (bytes !== undefined) this.#hash.update(bytes);
    this.#kept.push(full);
    if (this.#kept.length > 2 * TRACE_LINES_KEPT) this.#kept.splice(0, TRACE_LINES_KEPT);
  }

  #flush(): void {
    this.#hash.update(this.#rest);
    this.#rest = '';
  }

  /** Hash of everything so far, 64 hexadecimal digits. */
  digest(): string {
    this.#flush();
    return this.#hash.copy().digest('hex');
  }

  /** @param about names that the last lines should speak of; all lines without it */
  failure(checker: string, detail: string, about: readonly string[] = [], cause?: unknown): SimFailure {
    const fitting = this.#kept.filter(
      (line) => about.length === 0 || about.some((name) => line.split(/[ ,]+/).includes(name)),
    );
    const head = `${checker}: ${detail}`;
    const where = `scenario ${this.scenario}, seed ${this.seed}, virtual time ${this.#nowMs().toFixed(3)} ms`;
    const again = `again: npm run sim -- --scenario ${this.scenario} --seed ${this.seed}`;
    const lines = fitting.slice(-20).map((line) => `  ${line}`);
    return new SimFailure(checker, [head, where, again, 'last events:', ...lines].join('\n'), cause);
  }
}
