/**
 * Frames that came with a read that went further than we wanted to. One read of a socket is 64 KiB and may hold
 * thousands of small frames, so they are kept as their bytes and not as an object each: a link costs no more than that
 * read and the one frame that it completed.
 */
const FIRST_BYTES = 1024;

export interface HeldFrame {
  /** belongs to the receiver */
  readonly bytes: Uint8Array;
  readonly isText: boolean;
}

/** First in, first out. */
export class HeldFrames {
  #bytes = Buffer.alloc(0);
  /** bytes before this one were taken */
  #begin = 0;
  #end = 0;
  /** twice the length, and one more for text */
  #marks: number[] = [];
  #taken = 0;

  get size(): number {
    return this.#marks.length - this.#taken;
  }

  /** bytes that it occupies */
  get capacity(): number {
    return this.#bytes.length;
  }

  push({ bytes, isText }: HeldFrame): void {
    const needed = this.#end + bytes.length;
    if (needed > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(needed, 2 * this.#bytes.length, FIRST_BYTES));
      this.#bytes.copy(larger, 0, 0, this.#end);
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.#end);
    this.#end = needed;
    this.#marks.push(2 * bytes.length + (isText ? 1 : 0));
  }

  /** The oldest frame, or undefined. When the last one is taken, nothing is kept. */
  take(): HeldFrame | undefined {
    const mark = this.#marks[this.#taken];
    if (mark === undefined) return undefined;
    this.#taken += 1;
    const begin = this.#begin;
    this.#begin += mark >> 1;
    const frame = { bytes: new Uint8Array(this.#bytes.subarray(begin, this.#begin)), isText: mark % 2 === 1 };
    if (this.size === 0) this.clear();
    return frame;
  }

  clear(): void {
    this.#bytes = Buffer.alloc(0);
    this.#begin = 0;
    this.#end = 0;
    this.#marks = [];
    this.#taken = 0;
  }
}
