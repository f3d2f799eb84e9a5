/**
 * Catch-up: a newcomer, a real daemon, fetches the stored history of a channel from a relay, another real daemon. The
 * relay is stopped (SIGSTOP) while the newcomer starts, so that what the newcomer is charged with is the catch-up alone.
 */

import { FIRST_CHANNEL, newestArrival, startDaemon } from './daemon.ts';
import { fillHistory, prepareFolder } from './history.ts';
import {
  cpuNs,
  freePort,
  makeFolder,
  memoryMiB,
  type Process,
  removeFolder,
  sleep,
  until,
} from './processes.ts';

const DAYS = 7;
const TIMEOUT_MS = 600_000;

export type CatchUpFigures = {
  readonly perSecond: number;
  /** microseconds of CPU for each message */
  readonly receiverCpu: number;
  readonly serverCpu: number;
  readonly receiverMemory: number;
};

/** A relay's folder with history in it, for many rounds. */
export async function createHistory(messages: number): Promise<string> {
  const folder = makeFolder('history');
  await prepareFolder(folder);
  fillHistory({ folder, messages, channels: [FIRST_CHANNEL], days: DAYS, isSigned: true });
  return folder;
}

async function measure(relay: Process, newcomer: Process, folder: string, messages: number) {
  await sleep(1000); // what follows a start is over
  const before = [cpuNs(newcomer.pid), cpuNs(relay.pid)] as const;
  const begin = performance.now();
  relay.signal('SIGCONT');
  await until('the newcomer has everything', () => newestArrival(folder) >= messages, {
    timeoutMs: TIMEOUT_MS,
    everyMs: 20,
  });
  const ms = performance.now() - begin;
  return {
    perSecond: (messages * 1000) / ms,
    receiverCpu: (cpuNs(newcomer.pid) - before[0]) / 1000 / messages,
    serverCpu: (cpuNs(relay.pid) - before[1]) / 1000 / messages,
    receiverMemory: memoryMiB(newcomer.pid),
  };
}

/** One round with a fresh newcomer. @param history made by {@link createHistory} */
export async function measureCatchUp(history: string, messages: number): Promise<CatchUpFigures> {
  const port = await freePort();
  const relay = await startDaemon({ folder: history, port });
  const folder = makeFolder('newcomer');
  let newcomer: Process | undefined;
  try {
    relay.signal('SIGSTOP');
    newcomer = await startDaemon({ folder, port: await freePort(), peers: [`ws://127.0.0.1:${port}`] });
    return await measure(relay, newcomer, folder, messages);
  } finally {
    relay.signal('SIGCONT');
    await newcomer?.stop();
    await relay.stop();
    removeFolder(folder);
  }
}
