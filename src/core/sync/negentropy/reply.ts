/**
 * The message that answers one: ranges are added until it is full. What is left then becomes one fingerprint up to
 * infinity, so that the next round goes on from there.
 */
import type { Bytes } from '../../bytes.ts';
import type { Position } from '../../persistence.ts';
import { FIRST, ID_BYTES, INFINITY } from './bounds.ts';
import { MessageWriter, type Range } from './codec.ts';

/** Bytes kept free for a skip, a last range that is begun below that, and the fingerprint of the rest. */
const RESERVE_BYTES = 200;

/** A range that we answer with; of an id list the positions, so that it can be cut. */
export type Answered =
  | Exclude<Range, { mode: 'idList' }>
  | { readonly upper: Position; readonly mode: 'idList'; readonly positions: readonly Position[] };

export class Reply {
  readonly #writer: MessageWriter;
  readonly #bytesMax: number;
  /** where the next range begins */
  #end: Position = FIRST;
  /** whether what lies before it is skipped, which is not written yet */
  #isSkipping = false;

  constructor(bytesMax: number) {
    this.#writer = new MessageWriter(bytesMax);
    this.#bytesMax = bytesMax - RESERVE_BYTES;
  }

  /** Whether there is nothing to say. */
  get isEmpty(): boolean {
    return this.#writer.size === 1;
  }

  /** Adds the next range. @returns where the rest begins, once the message is full */
  add(range: Answered): Position | undefined {
    if (range.mode === 'skip') {
      this.#isSkipping = true;
      this.#end = range.upper;
      return undefined;
    }
    if (this.#writer.size > this.#bytesMax) return this.#end;
    if (range.mode === 'fingerprint') {
      this.#write(range);
      return undefined;
    }
    const { positions } = range;
    const room = Math.floor((this.#bytesMax - this.#writer.size) / ID_BYTES) + 1;
    const cut = positions[room];
    const ids = positions.slice(0, room).map(({ id }) => id);
    this.#write({ upper: cut ?? range.upper, mode: 'idList', ids });
    return cut;
  }

  #write(range: Range): void {
    if (this.#isSkipping) this.#writer.write({ upper: this.#end, mode: 'skip' });
    this.#isSkipping = false;
    this.#writer.write(range);
    this.#end = range.upper;
  }

  /** Ends the message with a fingerprint of all from where it stands. */
  addRest(fingerprint: Bytes): void {
    this.#write({ upper: INFINITY, mode: 'fingerprint', fingerprint });
  }

  finish(): Bytes {
    return this.#writer.finish();
  }
}
