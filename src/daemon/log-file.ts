/**
 * The log on disk: lines are appended to the newest file of `folder/log-names.ts`; a file that is full is followed by a
 * new one, and the oldest is deleted.
 *
 * Invariants:
 * 1. Nothing that happens to the log reaches the daemon: no failure is thrown, and what was lost is counted, told once on
 *    standard error, and written down as soon as writing works again.
 * 2. A line is one write to the system, made at once: whoever ends the process loses no line, and at most cuts one off.
 * 3. The files together never have more than `filesMax` times `bytesMax` bytes.
 * 4. The next file is made only after the last line of the one before it.
 * 5. Before {@link LogFile.open} nothing is touched: the folder may belong to another daemon that runs.
 */
import fs from 'node:fs';
import { LIMITS } from '../core/limits.ts';
import { hasCode } from './files.ts';
import { isLogNumber, LOG_NUMBER_MAX, listLogFiles, logFileName, logFilePath } from './folder/log-names.ts';

/** After a failure lines are dropped for so long before the next try, ms (guess: a full disk costs nothing then). */
const RETRY_MS = 10_000;
/** How often it is looked whether somebody has deleted the file that is written to, ms (guess). */
const LOOK_MS = 5_000;
const NEWLINE = 0x0a;

export interface LogFileOptions {
  /** absolute path of the folder of the files; it and they are for their owner only (0700, 0600), whatever they were */
  readonly folder: string;
  /** of one file */
  readonly bytesMax: number;
  /** at least 2 */
  readonly filesMax: number;
  /** called once, with a sentence, if the log cannot be written */
  readonly onTrouble: (sentence: string) => void;
  /** a clock that only grows, ms */
  readonly monotonicMs?: () => number;
}

interface OpenLog {
  readonly fd: number;
  readonly number: number;
  bytes: number;
  lookedMs: number;
}

/** A line that is written in place of others. */
function noteLine(phrase: string, data: object): string {
  return `${JSON.stringify({ level: 'warn', time: new Date().toISOString(), ...data, phrase })}\n`;
}

/** Runs a change of modes, which only the owner may make; a log that somebody else lets us write is theirs to guard. */
function ifAllowed(change: () => void): void {
  try {
    change();
  } catch (error) {
    if (!hasCode(error, 'EPERM')) throw error;
  }
}

/** The folder, for its owner only. One that is a link was put elsewhere on purpose: it is used as it is. */
function prepareFolder(folder: string): void {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stats = fs.lstatSync(folder);
  if (stats.isDirectory() && (stats.mode & 0o077) !== 0) ifAllowed(() => fs.chmodSync(folder, 0o700));
}

/** Opens a file to append to, never through a symbolic link, a pipe or a device. A line that was cut off is ended. */
function openToAppend(file: string): { fd: number; bytes: number } {
  const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;
  const fd = fs.openSync(file, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  try {
    const stats = fs.fstatSync(fd);
    if (!stats.isFile()) throw new Error('it is not a file');
    if ((stats.mode & 0o077) !== 0) ifAllowed(() => fs.fchmodSync(fd, 0o600));
    const last = Buffer.alloc(1);
    const isCut = stats.size > 0 && fs.readSync(fd, last, 0, 1, stats.size - 1) === 1 && last[0] !== NEWLINE;
    return { fd, bytes: stats.size + (isCut ? fs.writeSync(fd, '\n') : 0) };
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

export class LogFile {
  readonly #options: LogFileOptions;
  readonly #clock: () => number;
  /** until it is opened */
  #held: string[] | undefined = [];
  #log: OpenLog | undefined;
  #isClosed = false;
  #retryMs = Number.NEGATIVE_INFINITY;
  #lost = 0;
  #hasTold = false;

  constructor(options: LogFileOptions) {
    this.#options = options;
    this.#clock = options.monotonicMs ?? performance.now.bind(performance);
  }

  /** The folder is ours now: what was held back is written. */
  open(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    const now = this.#clock();
    try {
      this.#openNewest(now); // at once, so that a log that cannot be written is told at the start
    } catch (error) {
      this.#failed(error, now);
    }
    for (const line of held) this.write(line);
  }

  /** @param line with its line end; it holds no other */
  write(line: string): void {
    if (this.#isClosed) return;
    if (this.#held !== undefined) {
      if (this.#held.length < LIMITS.logLinesHeldMax) this.#held.push(line);
      else this.#lost++;
      return;
    }
    const now = this.#clock();
    if (now < this.#retryMs) {
      this.#lost++;
      return;
    }
    try {
      this.#append(line, now);
    } catch (error) {
      this.#lost++;
      this.#failed(error, now);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#held = undefined;
    this.#letGo();
  }

  #append(line: string, now: number): void {
    let bytes = Buffer.from(line);
    if (bytes.length > LIMITS.logLineBytesMax)
      bytes = Buffer.from(noteLine('line left out of the log, too long', { bytes: bytes.length }));
    if (this.#lost > 0) {
      const lost = Buffer.from(noteLine('lines of the log were lost', { lines: this.#lost }));
      this.#put(lost, now);
      this.#lost = 0;
    }
    this.#put(bytes, now);
  }

  #put(bytes: Uint8Array, now: number): void {
    const log = this.#current(bytes.length, now);
    for (let done = 0; done < bytes.length; ) {
      const written = fs.writeSync(log.fd, bytes, done);
      if (written === 0) throw new Error('nothing could be written');
      log.bytes += written;
      done += written;
    }
  }

  /** The file for so many bytes more: the one that is open, or the next. */
  #current(more: number, now: number): OpenLog {
    const { bytesMax } = this.#options;
    let log = this.#log;
    if (log !== undefined && now - log.lookedMs >= LOOK_MS) {
      log.lookedMs = now;
      if (fs.fstatSync(log.fd).nlink === 0) {
        this.#letGo(); // somebody has deleted it, and nobody would ever read what is written there
        log = undefined;
      }
    }
    log ??= this.#openNewest(now);
    if (log.bytes === 0 || log.bytes + more <= bytesMax) return log;
    const next = log.number + 1;
    this.#letGo();
    return this.#openFile(next, now);
  }

  #openNewest(now: number): OpenLog {
    const { folder, bytesMax } = this.#options;
    prepareFolder(folder);
    const newest = listLogFiles(folder).at(-1) ?? 1;
    const log = this.#openFile(newest, now);
    if (log.bytes < bytesMax) return log;
    this.#letGo();
    return this.#openFile(newest + 1, now);
  }

  /** Makes room for it first, so that invariant 3 holds at each moment. */
  #openFile(number: number, now: number): OpenLog {
    const { folder, filesMax } = this.#options;
    if (!isLogNumber(number))
      throw new Error(`no number follows ${logFileName(LOG_NUMBER_MAX)}; remove that file`);
    const others = listLogFiles(folder).filter((other) => other !== number);
    for (const old of others.slice(0, Math.max(0, others.length - filesMax + 1)))
      fs.rmSync(logFilePath(folder, old), { force: true });
    this.#log = { ...openToAppend(logFilePath(folder, number)), number, lookedMs: now };
    return this.#log;
  }

  #letGo(): void {
    const log = this.#log;
    this.#log = undefined;
    if (log !== undefined) fs.closeSync(log.fd);
  }

  #failed(error: unknown, now: number): void {
    this.#retryMs = now + RETRY_MS;
    try {
      this.#letGo();
    } catch {
      // the file is given up either way, and the first failure is the one to tell
    }
    if (this.#hasTold) return;
    this.#hasTold = true;
    const why = error instanceof Error ? error.message : String(error);
    this.#options.onTrouble(
      `The log in ${this.#options.folder} cannot be written (${why}). The daemon goes on without it and tries again; MESH_LOG_FILES=0 switches it off.`,
    );
  }
}
