/** What happened in a simulation and how often: a scenario in which a part of its story never happens shows nothing. */
export class Counts {
  readonly #times = new Map<string, number>();

  add(what: string, times = 1): void {
    this.#times.set(what, (this.#times.get(what) ?? 0) + times);
  }

  /** In the order in which it happened first, with 0 for what did not. */
  all(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#times);
  }
}
