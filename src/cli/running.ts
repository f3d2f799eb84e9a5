import { isDaemon, MeshError, pidOf } from '../api/client/index.ts';

/** Process id of the daemon that runs on the folder now, 0 if none does. */
export function runningPid(dataFolder: string): number {
  try {
    const pid = pidOf(dataFolder);
    return isDaemon(dataFolder, pid) ? pid : 0;
  } catch (error) {
    if (error instanceof MeshError && error.code === 'no_daemon') return 0;
    throw error;
  }
}
