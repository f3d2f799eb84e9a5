/** What links cost that do nothing but stand: memory, and processor time of pings. */
import { cpuNs, sleep } from './processes.ts';
import type { Running, Subscriber, System } from './system.ts';

/** The first links compile what all of them run, and what all share is made: they are there before anything is counted. */
const FIRST = 10;
/** Links between two collections: else the garbage of handshakes makes V8 reserve room, which stays and is no link's. */
const PIECE = 10;
/** What follows a start, and what follows a link, is over after so long. */
const SETTLE_MS = 3000;
const WATCH_MS = 3000;

export type IdleFigures = {
  /** kB for each link after forced collections: of the resident set, and of the heap and what its objects hold outside it */
  readonly resident: number;
  readonly heap: number;
  /** CPU of a second for each link, microseconds */
  readonly cpu: number;
};

async function measure(running: Running, links: number): Promise<IdleFigures> {
  const [pid] = running.pids as [number];
  const ask = async () => {
    if (running.ask === undefined) throw new Error('the system cannot be asked for its memory');
    return running.ask('memory');
  };
  const open: Subscriber[] = [];
  const openTo = async (count: number) => {
    while (open.length < count) {
      for (let i = 0; i < PIECE; i++) open.push(await running.idle(0));
      await ask();
    }
    await sleep(SETTLE_MS);
    return ask();
  };
  await sleep(SETTLE_MS);
  const before = await openTo(FIRST);
  await openTo(FIRST + links);
  const cpuBefore = cpuNs(pid);
  await sleep(WATCH_MS);
  const cpu = cpuNs(pid) - cpuBefore;
  const after = await ask();
  for (const one of open) one.close();
  return {
    resident: (after.resident - before.resident) / 1000 / links,
    heap: (after.heap - before.heap) / 1000 / links,
    cpu: cpu / WATCH_MS / open.length,
  };
}

/** One round with a fresh system. */
export async function measureIdle(system: System, links: number): Promise<IdleFigures> {
  const running = await system.start();
  try {
    return await measure(running, links);
  } finally {
    await running.stop();
  }
}
