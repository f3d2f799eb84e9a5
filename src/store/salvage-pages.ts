/**
 * The pages of a database that SQLite may refuse to read: those of the file with the newest versions from its log over
 * them. Nothing is changed, and nothing that the pages say of each other is believed.
 *
 * Source: sqlite.org/fileformat2.html, sections 1.3 (the header), 1.5 (the free list).
 */
import fs from 'node:fs';
import { type LogPages, salvageLog } from './sqlite-log.ts';

/** What our databases have: SQLite's default. */
const PAGE_BYTES = 4096;
const MAGIC = 'SQLite format 3\0';
const HEADER_BYTES = 100;

export interface SalvagedFile {
  /** bytes of a page that hold something */
  readonly usableBytes: number;
  /** pages that are there, in the file or its log */
  readonly pages: number;
  /** pages or frames that were found missing or damaged before any was read */
  readonly missing: number;
  /** schema number and application of the header, undefined where the header is not readable */
  readonly schema: number | undefined;
  readonly application: number | undefined;
  /** @param number from 1. @returns undefined for a page that is not there */
  page(number: number): Buffer | undefined;
  /** pages that hold nothing any more, as far as the list of them is readable */
  free(): ReadonlySet<number>;
  close(): void;
}

function pageBytesOf(header: Buffer): number {
  const stated = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16);
  const isPower = stated >= 512 && Number.isInteger(Math.log2(stated));
  return isPower && header.toString('latin1', 0, MAGIC.length) === MAGIC ? stated : PAGE_BYTES;
}

class PagesOfFile implements SalvagedFile {
  readonly #fd: number;
  readonly #log: LogPages;
  readonly #inFile: number;
  readonly #pageBytes: number;
  readonly usableBytes: number;
  readonly pages: number;
  readonly missing: number;
  readonly schema: number | undefined;
  readonly application: number | undefined;

  constructor(file: string) {
    this.#fd = fs.openSync(file, 'r');
    const raw = Buffer.alloc(HEADER_BYTES);
    fs.readSync(this.#fd, raw, 0, HEADER_BYTES, 0);
    this.#pageBytes = pageBytesOf(raw);
    this.#log = salvageLog(file, this.#pageBytes);
    this.#inFile = Math.floor(fs.fstatSync(this.#fd).size / this.#pageBytes);
    const header = this.page(1)?.subarray(0, HEADER_BYTES) ?? raw;
    const isReadable = header.toString('latin1', 0, MAGIC.length) === MAGIC;
    this.schema = isReadable ? header.readUInt32BE(60) : undefined;
    this.application = isReadable ? header.readUInt32BE(68) : undefined;
    this.usableBytes = this.#pageBytes; // our databases reserve nothing
    const stated = isReadable ? header.readUInt32BE(28) : 0;
    this.pages = Math.max(this.#inFile, this.#log.pages);
    this.missing = this.#log.damaged + Math.max(0, Math.min(stated, 2 ** 30) - this.pages);
  }

  page(number: number): Buffer | undefined {
    const fromLog = this.#log.page(number);
    if (fromLog !== undefined) return fromLog;
    if (!Number.isInteger(number) || number < 1 || number > this.#inFile) return undefined;
    const bytes = Buffer.alloc(this.#pageBytes);
    const read = fs.readSync(this.#fd, bytes, 0, bytes.length, (number - 1) * bytes.length);
    return read === bytes.length ? bytes : undefined;
  }

  free(): ReadonlySet<number> {
    const found = new Set<number>();
    let trunk = this.schema === undefined ? 0 : (this.page(1)?.readUInt32BE(32) ?? 0);
    while (trunk !== 0 && !found.has(trunk)) {
      const page = this.page(trunk);
      if (page === undefined) break;
      found.add(trunk);
      const count = Math.min(page.readUInt32BE(4), this.usableBytes / 4 - 2);
      for (let i = 0; i < count; i++) found.add(page.readUInt32BE(8 + 4 * i));
      trunk = page.readUInt32BE(0);
    }
    return found;
  }

  close(): void {
    this.#log.close();
    fs.closeSync(this.#fd);
  }
}

/** Only for a database that nobody has open, under its lock: see {@link salvageLog}. */
export function openSalvage(file: string): SalvagedFile {
  return new PagesOfFile(file);
}
