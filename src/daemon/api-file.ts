/**
 * `api.json` in the data folder: how a command finds the daemon of that folder. Written once the API listens, removed
 * at the stop. After a kill -9 it is stale and harmless: a command finds that nobody answers there.
 */
import fs from 'node:fs';
import path from 'node:path';
import { replaceFileDurably } from './files.ts';

export interface ApiAddress {
  /** such as `http://127.0.0.1:5001` */
  readonly url: string;
  readonly pid: number;
  readonly version: string;
  /** ISO 8601 */
  readonly started: string;
}

const NAME = 'api.json';

export function writeApiFile(dataFolder: string, address: ApiAddress): void {
  replaceFileDurably(path.join(dataFolder, NAME), `${JSON.stringify(address, null, 2)}\n`);
}

export function removeApiFile(dataFolder: string): void {
  fs.rmSync(path.join(dataFolder, NAME), { force: true });
}
