/**
 * A bounded number of things in progress, shared by many: each takes a slot and gives it back.
 */
export class Slots {
  readonly max: number;
  #taken = 0;
  #waiting = new Set<() => void>();

  constructor(max: number) {
    this.max = max;
  }

  get isFull(): boolean {
    return this.#taken >= this.max;
  }

  /** Takes a slot if one is free. */
  take(): boolean {
    if (this.isFull) return false;
    this.#taken += 1;
    return true;
  }

  /** Gives a slot back and tells everybody who waits; the first of them that takes it has it. */
  give(): void {
    this.#taken -= 1;
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const tell of waiting) tell();
  }

  /** Calls `tell` once, when a slot has become free. Asking twice with the same function is asking once. */
  whenFree(tell: () => void): void {
    this.#waiting.add(tell);
  }

  forget(tell: () => void): void {
    this.#waiting.delete(tell);
  }
}
