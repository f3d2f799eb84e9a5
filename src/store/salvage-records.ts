/**
 * Rows out of single pages of a database, each page and each row for itself: what does not fit is left out and counted.
 *
 * Source: sqlite.org/fileformat2.html, sections 1.6 (b-tree pages), 2.1 (records), 1.7 (overflow pages).
 */
import type { SalvagedFile } from './salvage-pages.ts';

/** A value of a record; text that is no UTF-8 and what is no integer below 2^53 are undefined. */
export type Value = null | number | string | Uint8Array | undefined;

export interface Row {
  /** 0 in a table without row numbers */
  readonly rowid: number;
  readonly values: readonly Value[];
}

export interface PageRows {
  readonly kind: 'table' | 'index';
  readonly rows: readonly Row[];
  /** pages below this one */
  readonly children: readonly number[];
  /** rows that do not decode */
  readonly broken: number;
}

/** No row of ours is longer: a message of 64 KiB and what belongs to it. */
const PAYLOAD_MAX = 4 * 1024 * 1024;
/** More columns than any table of ours has. */
const COLUMNS_MAX = 64;

/** The bytes are not what SQLite writes. */
class Broken extends Error {}

/** A number of 1 to 9 bytes, and where it ends. */
function varint(bytes: Buffer, start: number): [value: number, next: number] {
  let value = 0;
  for (let i = 0; i < 9; i++) {
    const byte = bytes[start + i];
    if (byte === undefined) throw new Broken();
    const isLast = i === 8;
    value = isLast ? value * 256 + byte : value * 128 + (byte & 0x7f);
    if (isLast || byte < 0x80) {
      if (!Number.isSafeInteger(value)) throw new Broken();
      return [value, start + i + 1];
    }
  }
  throw new Broken();
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function textOf(bytes: Buffer): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined; // whoever wants the row sees that its text is missing
  }
}

/** Bytes of integers by serial type. */
const INT_BYTES = [0, 1, 2, 3, 4, 6, 8] as const;

function intOf(bytes: Buffer): number | undefined {
  if (bytes.length <= 6) return bytes.readIntBE(0, bytes.length);
  const value = Number(bytes.readBigInt64BE(0));
  return Number.isSafeInteger(value) ? value : undefined;
}

function cellOf(record: Buffer, type: number, at: number): [value: Value, next: number] {
  const take = (length: number): Buffer => {
    if (at + length > record.length) throw new Broken();
    return record.subarray(at, at + length);
  };
  if (type === 0) return [null, at];
  if (type === 8 || type === 9) return [type - 8, at];
  const intBytes = INT_BYTES[type];
  if (intBytes !== undefined) return [intOf(take(intBytes)), at + intBytes];
  if (type === 7) {
    // In a column of any type the driver stores whole numbers so.
    const value = take(8).readDoubleBE(0);
    return [Number.isSafeInteger(value) ? value : undefined, at + 8];
  }
  if (type < 12) throw new Broken();
  const length = Math.floor((type - 12) / 2);
  const bytes = take(length);
  return [type % 2 === 0 ? new Uint8Array(bytes) : textOf(bytes), at + length];
}

/** The values of a record. Throws {@link Broken}. */
function valuesOf(record: Buffer): Value[] {
  const [headerBytes, first] = varint(record, 0);
  if (headerBytes > record.length) throw new Broken();
  const types: number[] = [];
  let at = first;
  while (at < headerBytes) {
    const [type, next] = varint(record, at);
    types.push(type);
    at = next;
  }
  if (at !== headerBytes || types.length > COLUMNS_MAX) throw new Broken();
  const values: Value[] = [];
  for (const type of types) {
    const [value, next] = cellOf(record, type, at);
    values.push(value);
    at = next;
  }
  return values;
}

/** How much of a payload stands in the page itself. */
function localBytes(usable: number, payload: number, kind: PageRows['kind']): number {
  const most = kind === 'table' ? usable - 35 : Math.floor(((usable - 12) * 64) / 255) - 23;
  if (payload <= most) return payload;
  const least = Math.floor(((usable - 12) * 32) / 255) - 23;
  const fit = least + ((payload - least) % (usable - 4));
  return fit <= most ? fit : least;
}

/** The record of a payload that begins at `at`, with what of it stands in other pages. Throws {@link Broken}. */
function recordAt(
  file: SalvagedFile,
  page: Buffer,
  at: number,
  bytes: number,
  kind: PageRows['kind'],
): Buffer {
  if (bytes > PAYLOAD_MAX) throw new Broken();
  const local = localBytes(file.usableBytes, bytes, kind);
  if (at + local + (local < bytes ? 4 : 0) > file.usableBytes) throw new Broken();
  if (local === bytes) return page.subarray(at, at + bytes);
  const parts = [page.subarray(at, at + local)];
  let [left, next] = [bytes - local, page.readUInt32BE(at + local)];
  while (left > 0) {
    const more = file.page(next);
    if (more === undefined) throw new Broken();
    const length = Math.min(left, file.usableBytes - 4);
    parts.push(more.subarray(4, 4 + length));
    [left, next] = [left - length, more.readUInt32BE(0)];
  }
  return Buffer.concat(parts, bytes);
}

const KINDS = new Map<number, { kind: PageRows['kind']; isLeaf: boolean }>([
  [0x0d, { kind: 'table', isLeaf: true }],
  [0x05, { kind: 'table', isLeaf: false }],
  [0x0a, { kind: 'index', isLeaf: true }],
  [0x02, { kind: 'index', isLeaf: false }],
]);

/** What a page holds, or `undefined` if it is no page of a tree. @param number from 1 */
export function readRows(file: SalvagedFile, number: number): PageRows | undefined {
  const page = file.page(number);
  const start = number === 1 ? 100 : 0;
  const about = page && KINDS.get(page[start] ?? 0);
  if (page === undefined || about === undefined) return undefined;
  const { kind, isLeaf } = about;
  const cells = page.readUInt16BE(start + 3);
  const pointers = start + (isLeaf ? 8 : 12);
  if (pointers + 2 * cells > file.usableBytes) return undefined;
  const rows: Row[] = [];
  const children: number[] = [];
  let broken = 0;
  for (let i = 0; i < cells; i++) {
    try {
      let at = page.readUInt16BE(pointers + 2 * i);
      if (at < pointers + 2 * cells || at >= file.usableBytes) throw new Broken();
      if (!isLeaf) {
        if (at + 4 > file.usableBytes) throw new Broken();
        children.push(page.readUInt32BE(at));
        at += 4;
      }
      if (kind === 'table' && !isLeaf) continue;
      const [bytes, behindLength] = varint(page, at);
      const [rowid, begin] = kind === 'table' ? varint(page, behindLength) : [0, behindLength];
      rows.push({ rowid, values: valuesOf(recordAt(file, page, begin, bytes, kind)) });
    } catch (error) {
      if (!(error instanceof Broken)) throw error;
      broken++;
    }
  }
  if (!isLeaf) children.push(page.readUInt32BE(start + 8));
  return { kind, rows, children, broken };
}
