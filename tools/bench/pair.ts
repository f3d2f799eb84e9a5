/**
 * A relay with history and a newcomer that has fetched nothing yet, two real daemons. The relay is stopped (SIGSTOP) until it
 * shall serve, so that what the newcomer is charged with is the catch-up alone.
 */
import { startDaemon } from './daemon.ts';
import { freePort, makeFolder, type Process, removeFolder } from './processes.ts';

export interface PairOptions {
  /** a relay's folder, made by `createHistory` */
  readonly history: string;
  /** what lies between the newcomer and a port of the relay; nothing without it */
  readonly road?: (port: number) => Promise<{ readonly port: number; close(): void }>;
  /** of the newcomer */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Pair {
  readonly relay: Process;
  readonly relayPort: number;
  readonly newcomer: Process;
  /** of the newcomer */
  readonly folder: string;
  stop(): Promise<void>;
}

export async function startPair({ history, road, env = {} }: PairOptions): Promise<Pair> {
  const relayPort = await freePort();
  const relay = await startDaemon({ folder: history, port: relayPort });
  const way = await road?.(relayPort);
  const folder = makeFolder('newcomer');
  const stop = async (newcomer?: Process): Promise<void> => {
    relay.signal('SIGCONT');
    await newcomer?.stop();
    await relay.stop();
    way?.close();
    removeFolder(folder);
  };
  try {
    relay.signal('SIGSTOP');
    const peers = [`ws://127.0.0.1:${way?.port ?? relayPort}`];
    const newcomer = await startDaemon({ folder, port: await freePort(), peers, env });
    return { relay, relayPort, newcomer, folder, stop: () => stop(newcomer) };
  } catch (error) {
    await stop();
    throw error;
  }
}
