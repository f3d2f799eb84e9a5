/**
 * A small disk of its own: a file system in memory, which a test fills, frees, and makes read-only. Only the superuser of a
 * whole machine may mount one, so {@link CAN_MOUNT} says whether it can be had.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll } from 'vitest';
import { LIMITS, MiB } from '../../core/limits.ts';
import { makeFolder } from './mesh-process.ts';

/** More than the daemon leaves free for others, so that it stores at all. */
const BYTES = LIMITS.diskReserveBytes + 64 * MiB;

function mount(folder: string): boolean {
  const args = ['-t', 'tmpfs', '-o', `size=${BYTES},mode=700`, 'mesh-test', folder];
  return spawnSync('mount', args, { stdio: 'ignore' }).status === 0;
}

function canMount(): boolean {
  if (process.platform !== 'linux') return false;
  const folder = makeFolder();
  if (!mount(folder)) return false;
  execFileSync('umount', [folder]);
  return true;
}

export const CAN_MOUNT = canMount();

const mounted: string[] = [];
// Hooks run in the reverse order of their making: before the folders are removed.
afterAll(() => {
  for (const folder of mounted) spawnSync('umount', ['-l', folder], { stdio: 'ignore' });
});

export class SmallDisk {
  readonly folder = makeFolder();

  constructor() {
    if (!mount(this.folder)) throw new Error('no file system could be mounted');
    mounted.push(this.folder);
  }

  get #filler(): string {
    return path.join(this.folder, 'filler');
  }

  /** Takes all room that is left. */
  fill(): void {
    const fd = fs.openSync(this.#filler, 'a');
    const piece = Buffer.alloc(MiB);
    try {
      for (;;) fs.writeSync(fd, piece);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
    } finally {
      fs.closeSync(fd);
    }
  }

  free(): void {
    fs.rmSync(this.#filler, { force: true });
  }

  /** Only while nobody has a file open for writing. */
  setReadOnly(isReadOnly: boolean): void {
    execFileSync('mount', ['-o', `remount,${isReadOnly ? 'ro' : 'rw'}`, this.folder]);
  }
}
