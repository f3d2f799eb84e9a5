/**
 * What the checks take from this machine, as parameters: tests bring their own clock, free bytes and `/proc`.
 *
 * Invariant: nothing in this folder writes. Files are opened for reading only, the lock file by nothing but SQLite.
 */
import fs from 'node:fs';
import { LIMITS } from '../../core/limits.ts';

export interface FreeSpace {
  /** what users who are not root may still write */
  readonly bytes: number;
  /** files that can still be made; undefined where the file system has no such number */
  readonly inodes: number | undefined;
}

export interface System {
  readonly platform: NodeJS.Platform;
  /** user that runs this command; undefined on Windows */
  readonly uid: number | undefined;
  /** ms since 1970 */
  readonly wallMs: () => number;
  /** of the file system that holds an existing path */
  readonly freeSpace: (path: string) => FreeSpace;
  /** such as `24.16.0` */
  readonly nodeVersion: string;
  /** where the kernel tells of processes, sockets and locks; files missing in it are fine */
  readonly proc: string;
  /** names of users; may be missing */
  readonly usersFile: string;
  /** for each answer over a socket, ms */
  readonly timeoutMs: number;
}

function freeSpace(path: string): FreeSpace {
  const { bavail, bsize, files, ffree } = fs.statfsSync(path);
  return { bytes: bavail * bsize, inodes: files === 0 ? undefined : ffree };
}

export function thisSystem(): System {
  return {
    platform: process.platform,
    uid: process.getuid?.(),
    wallMs: Date.now,
    freeSpace,
    nodeVersion: process.versions.node,
    proc: '/proc',
    usersFile: '/etc/passwd',
    timeoutMs: LIMITS.bootstrapMs,
  };
}
