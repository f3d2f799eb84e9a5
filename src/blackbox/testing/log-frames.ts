/** The write-ahead log of a database as bytes: where its frames end, which of them commit, and copies with other ends. */
import fs from 'node:fs';
import path from 'node:path';
import { makeFolder } from './mesh-process.ts';

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;

/** A database and its log, as they lay on the disk at one moment. */
export interface Moment {
  readonly database: Buffer;
  readonly log: Buffer;
}

/** Reads both; the log is read last, so that it is never older than the database. */
export function momentOf(dataFolder: string): Moment {
  const file = path.join(dataFolder, 'store.db');
  return { database: fs.readFileSync(file), log: fs.readFileSync(`${file}-wal`) };
}

/** Puts a moment into a folder, without shared memory, as after a loss of power. @returns the database file */
export function lay({ database, log }: Moment, folder = makeFolder()): string {
  const file = path.join(folder, 'store.db');
  fs.writeFileSync(file, database, { mode: 0o600 });
  fs.writeFileSync(`${file}-wal`, log, { mode: 0o600 });
  return file;
}

export interface LogFrame {
  /** first byte in the log */
  readonly begin: number;
  /** one past the last byte */
  readonly end: number;
  readonly isCommit: boolean;
}

/** The frames of a log, whole ones only, of the generation that its header names. */
export function framesOf(log: Buffer): LogFrame[] {
  const frameBytes = FRAME_HEADER_BYTES + log.readUInt32BE(8);
  const salt = log.subarray(16, 24);
  const frames: LogFrame[] = [];
  for (let begin = HEADER_BYTES; begin + frameBytes <= log.length; begin += frameBytes) {
    if (!log.subarray(begin + 8, begin + 16).equals(salt)) break;
    const isCommit = log.readUInt32BE(begin + 4) !== 0;
    frames.push({ begin, end: begin + frameBytes, isCommit });
  }
  return frames;
}

/** `bytes` with one bit turned. */
export function withBit(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] as number) ^ 1;
  return copy;
}
