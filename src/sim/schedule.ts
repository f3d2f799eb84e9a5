/**
 * Virtual time: a queue of things to do, taken in order of time and, at equal times, in the order in which they were
 * asked for. The whole simulator has one; nothing in it waits for real time.
 *
 * A binary heap over (time, sequence number). Times are milliseconds since the start of the simulation, rounded to
 * thousandths so that sums of delays print the same everywhere.
 */
interface Item {
  readonly atMs: number;
  readonly sequence: number;
  readonly run: () => void;
}

/** A time as the schedule counts it, thousandths of a millisecond. */
export function roundedMs(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

function isBefore(a: Item, b: Item): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);
}

export class Schedule {
  readonly #heap: Item[] = [];
  #sequence = 0;
  #nowMs = 0;
  #steps = 0;

  /** virtual milliseconds since the start */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** things done so far */
  get steps(): number {
    return this.#steps;
  }

  after(delayMs: number, run: () => void): void {
    this.at(this.#nowMs + Math.max(0, delayMs), run);
  }

  /** A time that is over means now. */
  at(atMs: number, run: () => void): void {
    this.#push({ atMs: Math.max(roundedMs(atMs), this.#nowMs), sequence: this.#sequence++, run });
  }

  /** Does everything that is due up to and with `untilMs`, and stands there afterwards. */
  runUntil(untilMs: number): void {
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= untilMs; next = this.#heap[0]) {
      this.#pop();
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      this.#steps++;
      next.run();
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  /** Time passes and nothing happens in it: what was due meanwhile is late, and comes in its order. */
  leap(durationMs: number): void {
    this.#nowMs += durationMs;
  }

  #push(item: Item): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(item, heap[parent] as Item)) break;
      heap[at] = heap[parent] as Item;
      at = parent;
    }
    heap[at] = item;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Item;
    const length = heap.length;
    if (length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && isBefore(heap[child + 1] as Item, heap[child] as Item)) child++;
      if (!isBefore(heap[child] as Item, last)) break;
      heap[at] = heap[child] as Item;
      at = child;
    }
    heap[at] = last;
  }
}
