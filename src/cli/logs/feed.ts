/**
 * Reads the log of a data folder from a place on, file by file, while a daemon may be writing it. Each line comes once:
 * a line is whole when its line end is there, and a file is over when a newer one exists (its writer makes that after the
 * last line). Files that were deleted before they were read are passed over, which {@link LogFeed.takeGap} says.
 */
import fs from 'node:fs';
import { MeshError } from '../../api/client/index.ts';
import { listLogFiles, logFilePath } from '../../daemon/folder/index.ts';

/** A place in the log. */
export interface LogPlace {
  readonly number: number;
  /** bytes from the beginning of the file */
  readonly offset: number;
}

const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 0x0a;
/** Several times what a daemon writes in one; more is a damaged file and is cut (guess). */
const LINE_BYTES_MAX = 1024 * 1024;

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** Never waits for a writer, as a named pipe would, and follows no symbolic link. Throws `ENOENT` of the file system, else MeshError `no_log`. */
function openToRead(file: string): number {
  const { O_RDONLY, O_NONBLOCK = 0, O_NOFOLLOW = 0 } = fs.constants;
  let fd: number;
  try {
    fd = fs.openSync(file, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  } catch (error) {
    if (isMissing(error)) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new MeshError('no_log', `${file} cannot be read: ${why}.`, { cause: error });
  }
  if (fs.fstatSync(fd).isFile()) return fd;
  fs.closeSync(fd);
  throw new MeshError('no_log', `${file} is not a file.`);
}

export class LogFeed {
  readonly #folder: string;
  #number: number;
  #offset: number;
  #fd: number | undefined;
  #pending: Buffer = Buffer.alloc(0);
  #isGapped = false;

  constructor(folder: string, { number, offset }: LogPlace) {
    this.#folder = folder;
    this.#number = number;
    this.#offset = offset;
  }

  /** Whether lines went before they were read; asking takes the answer back. */
  takeGap(): boolean {
    const isGapped = this.#isGapped;
    this.#isGapped = false;
    return isGapped;
  }

  /** What is there now and was not given yet. May be called again for what has come. */
  *lines(): Generator<string> {
    while (this.#open()) {
      yield* this.#restOfFile();
      const next = listLogFiles(this.#folder).find((number) => number > this.#number);
      if (next === undefined) return;
      yield* this.#restOfFile(); // what came between the last read and the look
      yield* this.rest();
      this.#leave(next);
    }
  }

  /** A line without its end: the writer was ended in its middle. */
  *rest(): Generator<string> {
    if (this.#pending.length > 0) yield this.#pending.toString();
    this.#pending = Buffer.alloc(0);
  }

  close(): void {
    if (this.#fd !== undefined) fs.closeSync(this.#fd);
    this.#fd = undefined;
  }

  #leave(next: number): void {
    this.close();
    if (next > this.#number + 1) this.#isGapped = true;
    this.#number = next;
    this.#offset = 0;
  }

  /** False if there is nothing at this place or behind it yet. */
  #open(): boolean {
    while (this.#fd === undefined) {
      try {
        this.#fd = openToRead(logFilePath(this.#folder, this.#number));
      } catch (error) {
        if (!isMissing(error)) throw error;
        const next = listLogFiles(this.#folder).find((number) => number > this.#number);
        if (next === undefined) return false;
        this.#leave(next);
        this.#isGapped = true;
      }
    }
    return true;
  }

  *#restOfFile(): Generator<string> {
    for (;;) {
      const chunk = Buffer.alloc(CHUNK_BYTES);
      const bytes = fs.readSync(this.#fd as number, chunk, 0, CHUNK_BYTES, this.#offset);
      if (bytes === 0) return;
      this.#offset += bytes;
      yield* this.#split(chunk.subarray(0, bytes));
    }
  }

  *#split(chunk: Buffer): Generator<string> {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const line = Buffer.concat([this.#pending, chunk.subarray(start, end)]).toString();
      this.#pending = Buffer.alloc(0);
      start = end + 1;
      if (line !== '') yield line;
    }
    this.#pending = Buffer.concat([this.#pending, chunk.subarray(start)]);
    if (this.#pending.length > LINE_BYTES_MAX) yield* this.rest();
  }
}

/** How many line ends a file has at its end before `count` of them are found, and where the last `count` lines begin. */
function lookBack(file: string, count: number): { readonly found: number; readonly offset: number } {
  const fd = openToRead(file);
  try {
    const { size } = fs.fstatSync(fd);
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let found = 0;
    for (let end = size; end > 0; ) {
      const start = Math.max(0, end - CHUNK_BYTES);
      const bytes = fs.readSync(fd, chunk, 0, end - start, start);
      for (let at = bytes - 1; at >= 0; at--) {
        // The line end at the very end of the file ends the last line and separates it from none.
        if (chunk[at] !== NEWLINE || start + at === size - 1) continue;
        found++;
        if (found === count) return { found, offset: start + at + 1 };
      }
      end = start;
    }
    return { found: size === 0 ? 0 : found + 1, offset: 0 };
  } finally {
    fs.closeSync(fd);
  }
}

/** Where the last `count` lines begin; where there are fewer, the first line. Throws as {@link listLogFiles} does. */
export function placeOfLast(folder: string, count: number): LogPlace {
  const numbers = listLogFiles(folder);
  const newest = numbers.at(-1) ?? 1;
  if (count === 0)
    return {
      number: newest,
      offset: fs.statSync(logFilePath(folder, newest), { throwIfNoEntry: false })?.size ?? 0,
    };
  let left = count;
  let place: LogPlace = { number: newest, offset: 0 };
  for (const number of numbers.reverse()) {
    let back: { found: number; offset: number };
    try {
      back = lookBack(logFilePath(folder, number), left);
    } catch (error) {
      if (isMissing(error)) break; // deleted since the folder was read, and with it everything before
      throw error;
    }
    place = { number, offset: back.offset };
    left -= back.found;
    if (left <= 0) break;
  }
  return place;
}

/** Where the log begins; files that were last written before `sinceMs` (ms since 1970) are passed over. */
export function placeOfFirst(folder: string, sinceMs = 0): LogPlace {
  const numbers = listLogFiles(folder);
  const number = numbers.find((one) => {
    const stats = fs.statSync(logFilePath(folder, one), { throwIfNoEntry: false });
    return stats !== undefined && stats.mtimeMs >= sinceMs;
  });
  return { number: number ?? numbers.at(-1) ?? 1, offset: 0 };
}
