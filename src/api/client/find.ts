/**
 * Finds the daemon of a data folder by two files: `api.json` says where its API listens, `token` lets us in.
 *
 * A daemon that was killed leaves `api.json` behind, and somebody else may listen on that port by now. So the token
 * goes out only while the process that wrote the file lives, and only to a loopback address.
 */
import fs from 'node:fs';
import path from 'node:path';
import { MeshError } from '../../core/errors.ts';
import { API_FILE, type ApiFile, TOKEN_FILE } from './types.ts';

export interface FoundDaemon {
  /** without a slash at the end */
  readonly url: string;
  readonly token: string;
  readonly dataFolder: string;
}

/** True for `http://` with a loopback name or address and nothing but a port behind it. */
export function isLoopbackUrl(text: string): boolean {
  return /^http:\/\/(?:127\.0\.0\.1|localhost|\[::1\]):\d{1,5}$/.test(text);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: a process of another user has that number; the token is not for it. ESRCH: nobody has.
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
}

function noDaemon(dataFolder: string, why: string, cause?: unknown): MeshError {
  return new MeshError('no_daemon', `Data folder ${dataFolder}: ${why}`, { cause });
}

function readFile(dataFolder: string, name: string): string {
  try {
    return fs.readFileSync(path.join(dataFolder, name), 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'ENOENT') throw noDaemon(dataFolder, `there is no file "${name}".`, error);
    throw noDaemon(dataFolder, `the file "${name}" cannot be read (${String(code)}).`, error);
  }
}

function parseApiFile(dataFolder: string): ApiFile {
  const text = readFile(dataFolder, API_FILE);
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && 'url' in value && 'pid' in value) {
      const { url, pid } = value;
      const started = 'started' in value ? String(value.started) : '';
      const version = 'version' in value ? String(value.version) : '';
      if (typeof url === 'string' && isLoopbackUrl(url) && typeof pid === 'number' && pid > 0) {
        return { url, pid, version, started };
      }
    }
  } catch (error) {
    throw noDaemon(dataFolder, `the file "${API_FILE}" is not JSON.`, error);
  }
  throw noDaemon(dataFolder, `the file "${API_FILE}" names no loopback address and process.`);
}

/**
 * Where the daemon of `dataFolder` answers. Throws `no_daemon` with the folder in its detail; sends nothing.
 * @param tokenFile whose token: the owner's, or {@link AGENT_TOKEN_FILE}
 */
export function findDaemon(dataFolder: string, tokenFile: string = TOKEN_FILE): FoundDaemon {
  const { url, pid } = parseApiFile(dataFolder);
  if (!isAlive(pid)) throw noDaemon(dataFolder, `its daemon (process ${pid}) is not running.`);
  return { url, token: readFile(dataFolder, tokenFile).trim(), dataFolder };
}

/** The process that has written the folder's `api.json`, whether it still runs or not. Throws `no_daemon`. */
export function pidOf(dataFolder: string): number {
  return parseApiFile(dataFolder).pid;
}

/** Whether process `pid` is still the daemon of `dataFolder`: it has not given the folder back, nor died. */
export function isDaemon(dataFolder: string, pid: number): boolean {
  try {
    return parseApiFile(dataFolder).pid === pid && isAlive(pid);
  } catch (error) {
    if (error instanceof MeshError) return false; // the file is gone, or somebody else's
    throw error;
  }
}

/** The same error for a daemon that was found in the files and does not answer. */
export function unreachable(daemon: FoundDaemon, cause: unknown): MeshError {
  return noDaemon(daemon.dataFolder, `nothing answers at ${daemon.url}.`, cause);
}

/** And for one that has ended a connection: it stopped or was killed. */
export function disconnected(daemon: FoundDaemon, cause: unknown): MeshError {
  return noDaemon(daemon.dataFolder, `the daemon at ${daemon.url} has ended the connection.`, cause);
}
