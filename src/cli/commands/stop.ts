import { setTimeout as sleep } from 'node:timers/promises';
import { isDaemon, MeshError, pidOf } from '../../api/client/index.ts';
import { type CommandContext, defineCommand } from '../command.ts';
import { withClient } from '../connect.ts';
import { print } from '../print.ts';
import { jsonLine } from '../text.ts';

/** The stop has limits of its own that add up to 5 s; a machine under load gets four times that. */
const PATIENCE_MS = 20_000;
const LOOK_MS = 25;

/** The daemon is on its way out already: somebody else has stopped it, before or in this very moment. */
function isGoing(error: unknown, dataFolder: string, pid: number): boolean {
  if (!(error instanceof MeshError)) return false;
  return error.code === 'stopping' || (error.code === 'no_daemon' && !isDaemon(dataFolder, pid));
}

/**
 * Ends the daemon of a data folder in order and waits until the folder is free.
 * @returns its process. Throws `no_daemon` if none runs, `stop_timeout` if it still runs after `patienceMs`
 */
export async function stopDaemon(context: CommandContext, patienceMs: number): Promise<number> {
  const { dataFolder } = context;
  const pid = pidOf(dataFolder);
  const wasThere = isDaemon(dataFolder, pid);
  try {
    await withClient(context, (client) => client.stop());
  } catch (error) {
    if (!wasThere || !isGoing(error, dataFolder, pid)) throw error;
  }
  for (const deadline = performance.now() + patienceMs; isDaemon(dataFolder, pid); await sleep(LOOK_MS))
    if (performance.now() > deadline) throw new MeshError('stop_timeout', `Process ${pid} still runs.`);
  return pid;
}

/** `mesh stop`: ends the daemon in order, and returns when its folder is free. */
export const stopCommand = defineCommand({
  usage: 'stop',
  summary: 'Stop the daemon in order; returns once its data folder is free',
  examples: [['$0 stop && $0 start', 'start it anew']],
  build: (parser) => parser,
  run: async (_args, context) => {
    const pid = await stopDaemon(context, PATIENCE_MS);
    await print(context.io, context.global.json ? jsonLine({ pid }) : `Stopped (process ${pid}).`);
    return undefined;
  },
});
