/**
 * Order within a session: an item is handed over only when the one before it has begun its turn, was taken
 * into a running one, or has ended. Later ones then reach a busy agent at once, and a try that failed keeps
 * its place.
 */
export class Lanes {
  readonly #last = new Map<string, Promise<void>>();

  /**
   * Enters the lane of a session.
   * @returns `turn`, which resolves when it is this one's turn, and `leave`, to be called once it has begun
   * or ended
   */
  enter(session: string): { readonly turn: Promise<void>; readonly leave: () => void } {
    const turn = this.#last.get(session) ?? Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = turn.then(() => promise);
    this.#last.set(session, done);
    const forget = (): void => {
      if (this.#last.get(session) === done) this.#last.delete(session);
    };
    void done.then(forget);
    return { turn, leave: resolve };
  }

  /** Sessions with somebody in their lane. */
  get size(): number {
    return this.#last.size;
  }
}
