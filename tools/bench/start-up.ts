/**
 * What a start costs: CPU of the process from its beginning until both ports answer, with an empty database and with a
 * full one.
 */
import fs from 'node:fs';
import path from 'node:path';
import { dataFolderOf, startDaemon } from './daemon.ts';
import { fillHistory, prepareFolder } from './history.ts';
import { cpuNs, freePort, makeFolder, memoryMiB, sleep, until } from './processes.ts';

/** Below what is kept of a joined channel, in messages and in bytes. */
const CHANNELS = Array.from({ length: 10 }, (_, i) => `dev-${i}`);
const DAYS = 60;
/** How long a daemon is watched after it is ready, ms. */
const AFTER_MS = 3000;

export type StartUpFigures = {
  /** milliseconds */
  readonly cpu: number;
  readonly wall: number;
  /** CPU of the first seconds after that: what a start leaves for later */
  readonly cpuAfter: number;
  readonly memory: number;
};

/** A data folder with so many stored messages. */
export async function createFolderWith(messages: number): Promise<string> {
  const folder = makeFolder('start');
  await prepareFolder(folder);
  fillHistory({ folder, messages, channels: CHANNELS, days: DAYS, isSigned: false });
  return folder;
}

/** Whether the API answers, too. */
async function isApiReady(folder: string): Promise<boolean> {
  try {
    const { url } = JSON.parse(fs.readFileSync(path.join(dataFolderOf(folder), 'api.json'), 'utf8')) as {
      url: string;
    };
    const { status } = await fetch(`${url}/v1/status`);
    return status === 401; // no token was sent: the door is there
  } catch {
    return false;
  }
}

/** One start and stop. */
export async function measureStartUp(folder: string): Promise<StartUpFigures> {
  const begin = performance.now();
  const daemon = await startDaemon({ folder, port: await freePort() });
  await until('the API answers', () => isApiReady(folder));
  const [cpu, wall] = [cpuNs(daemon.pid) / 1e6, performance.now() - begin];
  await sleep(AFTER_MS);
  const cpuAfter = cpuNs(daemon.pid) / 1e6 - cpu;
  const memory = memoryMiB(daemon.pid);
  await daemon.stop();
  return { cpu, wall, cpuAfter, memory };
}
