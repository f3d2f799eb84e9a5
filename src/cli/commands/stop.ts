import { setTimeout as sleep } from 'node:timers/promises';
import { isDaemon, MeshError } from '../../api/client/index.ts';
import { defineCommand } from '../command.ts';
import { withClient } from '../connect.ts';
import { print } from '../print.ts';
import { jsonLine } from '../text.ts';

/** The stop has limits of its own that add up to 5 s; a machine under load gets four times that. */
const PATIENCE_MS = 20_000;
const LOOK_MS = 25;

/** Looks until `isThere` is false. @returns whether that came in time */
export async function untilGone(isThere: () => boolean, patienceMs: number): Promise<boolean> {
  const deadline = performance.now() + patienceMs;
  while (isThere()) {
    if (performance.now() > deadline) return false;
    await sleep(LOOK_MS);
  }
  return true;
}

/** `mesh stop`: ends the daemon in order, and returns when its folder is free. */
export const stopCommand = defineCommand({
  usage: 'stop',
  summary: 'Stop the daemon in order; returns once its data folder is free',
  examples: [['$0 stop && $0 start', 'start it anew']],
  build: (parser) => parser,
  run: async (_args, context) => {
    const { io, global, dataFolder } = context;
    const { pid } = await withClient(context, (client) => client.stop());
    const isGone = await untilGone(() => isDaemon(dataFolder, pid), PATIENCE_MS);
    if (!isGone) throw new MeshError('stop_timeout', `Process ${pid} still runs.`);
    await print(io, global.json ? jsonLine({ pid }) : `Stopped (process ${pid}).`);
    return undefined;
  },
});
