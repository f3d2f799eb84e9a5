/** What a person should act on: a short list for status and screen. The same problem is listed once, with its last time. */
import type { ErrorCode } from '../core/errors.ts';
import { isoTime } from './views.ts';

/** As many as a person reads (design of the status page). */
const PROBLEMS_MAX = 20;

export interface Problem {
  readonly code: ErrorCode;
  readonly detail: string;
  /** ISO 8601 of the last time */
  readonly at: string;
}

export class Problems {
  readonly #wallMs: () => number;
  readonly #onNew: (problem: Problem) => void;
  #list: Problem[] = [];

  /** @param onNew told once for each problem that was not on the list */
  constructor(wallMs: () => number, onNew: (problem: Problem) => void) {
    this.#wallMs = wallMs;
    this.#onNew = onNew;
  }

  /** Newest last. */
  get list(): readonly Problem[] {
    return this.#list;
  }

  add(code: ErrorCode, detail: string): void {
    const problem = { code, detail, at: isoTime(this.#wallMs()) };
    const others = this.#list.filter((known) => known.code !== code || known.detail !== detail);
    const isNew = others.length === this.#list.length;
    this.#list = [...others, problem].slice(-PROBLEMS_MAX);
    if (isNew) this.#onNew(problem);
  }

  /** Takes solved problems off the list. @returns whether there were any */
  solve(code: ErrorCode): boolean {
    const before = this.#list.length;
    this.#list = this.#list.filter((known) => known.code !== code);
    return this.#list.length < before;
  }
}
