/**
 * Splits a byte stream into lines without ever keeping more than one: a line that is too long is counted and dropped.
 */
import { LIMITS, MeshError } from '../api/client/index.ts';

export type Line =
  | { readonly number: number; readonly text: string }
  | { readonly number: number; readonly error: MeshError };

const NEWLINE = 0x0a;
const RETURN = 0x0d;

class LineReader {
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  readonly #bytesMax: number;
  #parts: Uint8Array[] = [];
  #size = 0;
  #number = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  add(part: Uint8Array): void {
    this.#size += part.length;
    if (this.#size > this.#bytesMax) this.#parts = [];
    else this.#parts.push(part);
  }

  /** The line so far; the next one begins. */
  take(): Line {
    this.#number += 1;
    const number = this.#number;
    const bytes = Buffer.concat(this.#parts);
    const isTooLong = this.#size > this.#bytesMax;
    const detail = `The line has ${this.#size} bytes.`;
    this.#parts = [];
    this.#size = 0;
    if (isTooLong) return { number, error: new MeshError('message_too_large', detail) };
    const end = bytes.at(-1) === RETURN ? bytes.length - 1 : bytes.length;
    try {
      return { number, text: this.#decoder.decode(bytes.subarray(0, end)) };
    } catch (error) {
      return { number, error: new MeshError('bad_text', 'The line is not UTF-8.', { cause: error }) };
    }
  }
}

/** The lines of a stream, without their ends. What stands behind the last line end is a line if it is not empty. */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  bytesMax: number = LIMITS.messageBytesMax,
): AsyncGenerator<Line> {
  const reader = new LineReader(bytesMax);
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      reader.add(chunk.subarray(start, end));
      yield reader.take();
      start = end + 1;
    }
    reader.add(chunk.subarray(start));
  }
  if (!reader.isEmpty) yield reader.take();
}
