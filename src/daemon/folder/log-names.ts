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

/** The number of a file of the log, or undefined for any other name. At most twelve digits: they count exactly. */
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
