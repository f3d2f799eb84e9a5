/**
 * The files of the log in a data folder: `logs/mesh-1.log`, `logs/mesh-2.log` and so on. The highest number is the one
 * that is written to. A file never changes its name, so each line has one address for good, its file and its place in it:
 * who reads while the log goes on neither loses nor doubles a line.
 */
import fs from 'node:fs';
import path from 'node:path';

/** In the data folder. */
export const LOG_FOLDER = 'logs';

export function logFileName(number: number): string {
  return `mesh-${number}.log`;
}

/** Twelve digits, which count exactly. No daemon ever writes so many files: who meets this has a file that somebody made. */
export const LOG_NUMBER_MAX = 999_999_999_999;

/** Whether a file of this number would be found again, and so be counted and deleted in its turn. */
export function isLogNumber(number: number): boolean {
  return number <= LOG_NUMBER_MAX;
}

/** The number of a file of the log, 1 to {@link LOG_NUMBER_MAX}, or undefined for any other name. */
export function logFileNumber(name: string): number | undefined {
  const digits = /^mesh-([1-9]\d{0,11})\.log$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Numbers of the files in a folder of logs, lowest first. Throws what the file system throws, such as `ENOENT`. */
export function listLogFiles(folder: string): number[] {
  return fs
    .readdirSync(folder)
    .map(logFileNumber)
    .filter((number) => number !== undefined)
    .sort((a, b) => a - b);
}

export function logFilePath(folder: string, number: number): string {
  return path.join(folder, logFileName(number));
}
