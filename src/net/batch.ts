/**
 * Frames on their way into one sealed record: those that are sent in one turn of the event loop go together, so that a
 * message does not pay for a cipher and a tag of its own.
 */
import type { Bytes } from '../core/bytes.ts';
import { LIMITS } from '../core/limits.ts';
import { RECORD_OVERHEAD } from '../crypto/index.ts';

/** Bytes of frames and their lengths that still make one record. */
const BATCH_BYTES_MAX = LIMITS.recordBytesMax - RECORD_OVERHEAD.record;

export interface BatchPort {
  /** seals what it is given into one record and sends it; `onSent` when the kernel has it */
  readonly send: (frames: readonly Bytes[], onSent: () => void) => void;
  /** calls back after this turn of the loop; returns what cancels it */
  readonly soon: (run: () => void) => () => void;
}

export class Batch {
  readonly #port: BatchPort;
  #frames: Bytes[] = [];
  #flushed: (() => void)[] = [];
  #cancel: (() => void) | undefined;
  /** of the frames that wait, as they count in a record */
  bytes = 0;

  constructor(port: BatchPort) {
    this.#port = port;
  }

  /** @param frame is not changed and may be shared. @param onFlushed when the kernel has taken it */
  add(frame: Bytes, onFlushed: (() => void) | undefined): void {
    const size = frame.length + RECORD_OVERHEAD.frame;
    if (this.bytes + size > BATCH_BYTES_MAX) this.flush();
    this.#frames.push(frame);
    this.bytes += size;
    if (onFlushed !== undefined) this.#flushed.push(onFlushed);
    this.#cancel ??= this.#port.soon(() => this.flush());
  }

  /** Sends what waits. */
  flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#frames.length === 0) return;
    const flushed = this.#flushed;
    const frames = this.#frames;
    this.#frames = [];
    this.#flushed = [];
    this.bytes = 0;
    this.#port.send(frames, () => {
      for (const tell of flushed) tell();
    });
  }
}
