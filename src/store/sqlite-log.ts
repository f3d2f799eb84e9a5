/**
 * Judges the write-ahead log of a database that nobody has open, before SQLite does.
 *
 * SQLite takes a log up to the first frame whose checksum is wrong and drops the rest without a word
 * (https://www.sqlite.org/walformat.html, section 4.2). That is right after a power loss, when the last transaction was
 * on its way to the disk. It is wrong when a byte of an older frame went bad: then everything that was confirmed behind
 * it would be gone, and the next commit would write over it.
 *
 * Both can be told apart, because every commit waits for the disk (`synchronous=FULL`): at a power loss only the last
 * transaction can be on its way, so behind the first wrong frame the log holds at most one commit. Frames are chained:
 * each checksum goes on from the one that stands in the frame before. So frames behind a wrong one can still be proven to
 * belong together, and two commits in one such run mean that the log is damaged. What a failed or rolled-back transaction
 * left behind is a run with one commit at most.
 *
 * Damage within the last transaction cannot be told from a power loss; it is reported as `torn`.
 */
import fs from 'node:fs';

export type LogState =
  /** SQLite reads all of it, or there is none */
  | { readonly kind: 'whole' }
  /** the last commit is not whole and is dropped: a power loss before it was confirmed, or damage just there */
  | { readonly kind: 'torn'; readonly frame: number }
  /** commits that were confirmed stand behind a frame that is wrong; `frame` counts from 1, 0 is the log's header */
  | { readonly kind: 'damaged'; readonly frame: number; readonly commits: number };

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
/** the last bit says that checksums are over big-endian words */
const MAGIC = 0x377f0682;
const WHOLE: LogState = { kind: 'whole' };

type Checksum = readonly [number, number];

/** SQLite's checksum over 8-byte pieces, going on from `from`. */
function checksum(bytes: Buffer, isBig: boolean, from: Checksum): Checksum {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let [s0, s1] = from;
  for (let at = 0; at < bytes.length; at += 8) {
    s0 = (s0 + view.getUint32(at, !isBig) + s1) >>> 0;
    s1 = (s1 + view.getUint32(at + 4, !isBig) + s0) >>> 0;
  }
  return [s0, s1];
}

function isSame(a: Checksum, b: Checksum): boolean {
  return a[0] === b[0] && a[1] === b[1];
}

interface Frame {
  /** of the database after this commit, in pages; 0 for a frame that commits nothing */
  readonly pagesAfter: number;
  /** number of the page in the database, from 1 */
  readonly page: number;
  readonly isCommit: boolean;
  readonly salt: Checksum;
  /** as it stands in the frame */
  readonly sum: Checksum;
  /** whether `sum` follows from the frame before, whose sum is given */
  readonly follows: (before: Checksum) => boolean;
  readonly content: Buffer;
}

class Log {
  readonly #fd: number;
  readonly #pageBytes: number;
  readonly #isBig: boolean;
  readonly frames: number;

  constructor(fd: number, bytes: number, header: { pageBytes: number; isBig: boolean }) {
    this.#fd = fd;
    this.#pageBytes = header.pageBytes;
    this.#isBig = header.isBig;
    this.frames = Math.floor((bytes - HEADER_BYTES) / (FRAME_HEADER_BYTES + header.pageBytes));
  }

  /** @param number from 1 */
  frame(number: number): Frame {
    const bytes = Buffer.alloc(FRAME_HEADER_BYTES + this.#pageBytes);
    fs.readSync(this.#fd, bytes, 0, bytes.length, HEADER_BYTES + (number - 1) * bytes.length);
    const content = bytes.subarray(FRAME_HEADER_BYTES);
    const sum: Checksum = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
    return {
      page: bytes.readUInt32BE(0),
      pagesAfter: bytes.readUInt32BE(4),
      isCommit: bytes.readUInt32BE(4) !== 0,
      salt: [bytes.readUInt32BE(8), bytes.readUInt32BE(12)],
      sum,
      follows: (before) => {
        const head = checksum(bytes.subarray(0, 8), this.#isBig, before);
        return isSame(sum, checksum(content, this.#isBig, head));
      },
      content,
    };
  }
}

function isPageSize(bytes: number): boolean {
  return bytes >= 512 && bytes <= 65_536 && Number.isInteger(Math.log2(bytes));
}

/** The page size in a database's header, or 0. */
function pageBytesOf(file: string): number {
  const fd = fs.openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(2);
    fs.readSync(fd, bytes, 0, 2, 16);
    const size = bytes.readUInt16BE(0);
    return size === 1 ? 65_536 : size;
  } finally {
    fs.closeSync(fd);
  }
}

interface Behind {
  /** the most commits in one run of frames that belong together */
  readonly commits: number;
  /** last version of each page in the frames */
  readonly pages: ReadonlyMap<number, number>;
}

/** Looks at the frames from `first` on, whatever is wrong with it, that belong to the same log. */
function lookBehind(log: Log, first: number, salt: Checksum): Behind {
  const pages = new Map<number, number>();
  let [commits, most] = [0, 0];
  let before: Checksum | undefined;
  for (let number = first; number <= log.frames; number++) {
    const frame = log.frame(number);
    const isOurs = isSame(frame.salt, salt);
    if (before === undefined || !isOurs || !frame.follows(before)) commits = 0;
    before = isOurs ? frame.sum : undefined;
    if (!isOurs) continue;
    if (frame.isCommit) commits += 1;
    most = Math.max(most, commits);
    pages.set(frame.page, number);
  }
  return { commits: most, pages };
}

/** Whether the database holds the last version of all these pages already. */
function isCopied(file: string, log: Log, pages: Behind['pages']): boolean {
  const fd = fs.openSync(file, 'r');
  try {
    for (const [page, number] of pages) {
      const { content } = log.frame(number);
      const there = Buffer.alloc(content.length);
      fs.readSync(fd, there, 0, there.length, (page - 1) * there.length);
      if (!there.equals(content)) return false;
    }
    return true;
  } finally {
    fs.closeSync(fd);
  }
}

/** A header that SQLite does not accept makes it ignore the whole log. */
function judgeHeadless(file: string, log: Log): LogState {
  if (log.frames === 0) return WHOLE;
  const { commits, pages } = lookBehind(log, 1, log.frame(1).salt);
  // A log that is begun anew gets a new header over frames that stand in the database already.
  if (commits === 0 || isCopied(file, log, pages)) return WHOLE;
  return commits > 1 ? { kind: 'damaged', frame: 0, commits } : { kind: 'torn', frame: 0 };
}

function judge(file: string, fd: number, bytes: number): LogState {
  const header = Buffer.alloc(HEADER_BYTES);
  fs.readSync(fd, header, 0, HEADER_BYTES, 0);
  const magic = header.readUInt32BE(0);
  const isMagic = magic >>> 1 === MAGIC >>> 1;
  const isBig = isMagic && (magic & 1) === 1;
  const stated = header.readUInt32BE(8);
  const pageBytes = isPageSize(stated) ? stated : pageBytesOf(file);
  if (!isPageSize(pageBytes)) return WHOLE; // the database itself is broken, and SQLite says so
  let sum: Checksum = [header.readUInt32BE(24), header.readUInt32BE(28)];
  const log = new Log(fd, bytes, { pageBytes, isBig });
  if (!isMagic || !isSame(sum, checksum(header.subarray(0, 24), isBig, [0, 0])))
    return judgeHeadless(file, log);
  const salt: Checksum = [header.readUInt32BE(16), header.readUInt32BE(20)];
  for (let number = 1; number <= log.frames; number++) {
    const frame = log.frame(number);
    if (isSame(frame.salt, salt) && frame.follows(sum)) {
      sum = frame.sum;
      continue;
    }
    const { commits } = lookBehind(log, number, salt);
    if (commits > 1) return { kind: 'damaged', frame: number, commits };
    return commits === 1 ? { kind: 'torn', frame: number } : WHOLE;
  }
  return WHOLE;
}

/**
 * Reads the log beside a database and changes nothing. Only for a database that nobody has open, under its lock: closing
 * a file descriptor on it would drop SQLite's locks of this process.
 * @param file the database; its log is `<file>-wal`. Throws the file system's errors
 */
export function judgeLog(file: string): LogState {
  const name = `${file}-wal`;
  const size = fs.statSync(name, { throwIfNoEntry: false })?.size ?? 0;
  if (size < HEADER_BYTES) return WHOLE;
  const fd = fs.openSync(name, 'r');
  try {
    return judge(file, fd, size);
  } finally {
    fs.closeSync(fd);
  }
}

/** What can be used of a log, whatever is wrong with it. */
export interface LogPages {
  /** last version of each page that belongs to a commit */
  readonly page: (number: number) => Buffer | undefined;
  /** size of the database after the last commit, in pages; 0 if there is none */
  readonly pages: number;
  /** frames that are not what was written */
  readonly damaged: number;
  close(): void;
}

const NO_PAGES: LogPages = { page: () => undefined, pages: 0, damaged: 0, close: () => undefined };

/** No database of ours has more pages: a number above it is damage. */
const PAGES_MAX = 2 ** 30;

/** The generation that is to be read: that of the header, or of the first frame where the header is damaged. */
function generationOf(
  log: Log,
  header: Buffer,
  isBig: boolean,
): { salt: Checksum; before: Checksum | undefined } {
  const sum: Checksum = [header.readUInt32BE(24), header.readUInt32BE(28)];
  const isMagic = header.readUInt32BE(0) >>> 1 === MAGIC >>> 1;
  if (isMagic && isSame(sum, checksum(header.subarray(0, 24), isBig, [0, 0])))
    return { salt: [header.readUInt32BE(16), header.readUInt32BE(20)], before: sum };
  return { salt: log.frame(1).salt, before: undefined };
}

/**
 * Goes through a log for what SQLite would not read of it: frames behind a wrong one, and the wrong one itself, for most of
 * a damaged page is right as a rule. Only for readers that let every row prove itself. Like {@link judgeLog} only for a
 * database that nobody has open.
 * @param pageBytes of the database
 */
export function salvageLog(file: string, pageBytes: number): LogPages {
  const name = `${file}-wal`;
  const size = fs.statSync(name, { throwIfNoEntry: false })?.size ?? 0;
  if (size < HEADER_BYTES + FRAME_HEADER_BYTES + pageBytes) return NO_PAGES;
  const fd = fs.openSync(name, 'r');
  const header = Buffer.alloc(HEADER_BYTES);
  fs.readSync(fd, header, 0, HEADER_BYTES, 0);
  const isBig = (header.readUInt32BE(0) & 1) === 1 && header.readUInt32BE(0) >>> 1 === MAGIC >>> 1;
  const log = new Log(fd, size, { pageBytes, isBig });
  const { salt, before: first } = generationOf(log, header, isBig);
  const committed = new Map<number, number>();
  const pending = new Map<number, number>();
  let [before, pages, damaged] = [first, 0, first === undefined ? 1 : 0];
  // Behind the last frame of a generation stand those of the one before it.
  const last = lastOf(log, salt);
  for (let number = 1; number <= last; number++) {
    const frame = log.frame(number);
    if (!isSame(frame.salt, salt)) {
      [before, damaged] = [undefined, damaged + 1];
      continue;
    }
    if (before !== undefined && !frame.follows(before)) damaged++;
    before = frame.sum;
    if (frame.page >= 1 && frame.page <= PAGES_MAX) pending.set(frame.page, number);
    if (!frame.isCommit) continue;
    for (const [page, at] of pending) committed.set(page, at);
    pending.clear();
    if (frame.pagesAfter <= PAGES_MAX) pages = frame.pagesAfter;
  }
  return {
    page: (number) => {
      const at = committed.get(number);
      return at === undefined ? undefined : log.frame(at).content;
    },
    ...{ pages, damaged },
    close: () => fs.closeSync(fd),
  };
}

function lastOf(log: Log, salt: Checksum): number {
  for (let number = log.frames; number > 0; number--) if (isSame(log.frame(number).salt, salt)) return number;
  return 0;
}

/** What a damaged log means, for people. */
export function damagedLogText(file: string, { frame, commits }: { frame: number; commits: number }): string {
  const where = frame === 0 ? 'in its header' : `at frame ${frame}`;
  return `${file}-wal is damaged ${where}, and at least ${commits} commits stand behind that. SQLite would drop them in silence, so nothing was opened or changed.`;
}
