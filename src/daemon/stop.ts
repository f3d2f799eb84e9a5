/**
 * The orderly stop: nothing new is taken from clients, what was taken is committed and answered, then streams and links
 * are closed with a word, the database is checkpointed and `api.json` goes away. Each step has its limit, and a step that
 * fails is logged and does not keep the others from happening.
 *
 * Invariant: what a client sent is stored only if the answer goes out before its stream is closed. So the commits end
 * before the API does, and nothing is taken after them.
 */
import type { BootstrapWatcher, LocalDiscovery } from '../net/index.ts';
import type { Store } from '../store/index.ts';
import { removeApiFile } from './api-file.ts';
import type { Engine } from './engine.ts';
import { describeError } from './log.ts';
import type { Log } from './runner.ts';
import type { Door } from './start-options.ts';
import { withinMs } from './system.ts';

/** Limits of the steps, ms: together below the 5 s that a supervisor waits at least. */
const DRAIN_MS = 750;
const DOOR_MS = 1_750;
const WATCHER_MS = 500;
const SOCKETS_MS = 1_500;

export interface StopParts {
  readonly engine: Engine;
  readonly door: Door;
  readonly store: Store;
  readonly log: Log;
  readonly dataFolder: string;
  readonly watcher: () => BootstrapWatcher | undefined;
  readonly local: () => LocalDiscovery | undefined;
}

/** @returns whether every step was done in time */
export async function runStop({
  engine,
  door,
  store,
  log,
  dataFolder,
  watcher,
  local,
}: StopParts): Promise<boolean> {
  let isClean = true;
  const step = async (name: string, limitMs: number, run: () => unknown): Promise<void> => {
    try {
      const inTime = await withinMs(Promise.resolve(run()), limitMs);
      if (inTime) return;
      log.warn({ step: name, limitMs }, 'a step of the stop took too long');
    } catch (error) {
      log.error({ step: name, ...describeError(error) }, 'a step of the stop failed');
    }
    isClean = false;
  };
  engine.presenter.note('daemon stopping', 'Stopping.');
  engine.presenter.stop();
  engine.room.stop();
  engine.machine.stop();
  engine.scrubber.stop();
  engine.closeFollowers();
  await Promise.all([
    step('bootstrap lists', WATCHER_MS, () => watcher()?.stop()),
    step('local discovery', WATCHER_MS, () => local()?.stop()),
  ]);
  // Commits go on meanwhile and answer; what is left after that (a database that fails, a slow disk) is tried once more.
  await step('requests', 2 * DRAIN_MS, () => withinMs(door.drain(), DRAIN_MS));
  await step('commits', 0, () => engine.runner.finish());
  engine.closeCommands();
  await step('API', DOOR_MS, () => door.close());
  await step('links', SOCKETS_MS, () => engine.net.shutdown());
  await step('database', 0, () => store.close());
  await step('api.json', 0, () => removeApiFile(dataFolder));
  engine.presenter.note('daemon stopped', 'Stopped.');
  return isClean;
}
