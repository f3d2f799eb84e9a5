/** Catch-up: a newcomer fetches the stored history of a channel from a relay. */

import { FIRST_CHANNEL, newestArrival } from './daemon.ts';
import { fillHistory, prepareFolder } from './history.ts';
import { type Pair, startPair } from './pair.ts';
import { cpuNs, makeFolder, memoryMiB, sleep, until } from './processes.ts';

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

async function measure({ relay, newcomer, folder }: Pair, messages: number) {
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
  const pair = await startPair({ history });
  try {
    return await measure(pair, messages);
  } finally {
    await pair.stop();
  }
}
