/** Checks of the disk: room for messages and for files, and a file system that can be written. */
import fs from 'node:fs';
import path from 'node:path';
import { LIMITS } from '../../core/limits.ts';
import { look, nearestExisting } from './files.ts';
import { type Finding, fail, ok, shellQuoted, skipped, warn } from './finding.ts';
import { mountOf } from './proc.ts';
import { type Subject, storeLimit } from './subject.ts';
import { bytesText } from './words.ts';

/** The daemon makes a handful of files, SQLite as many (guess). */
const INODES_FAIL = 16;
const INODES_WARN = 1000;

interface Place {
  /** what lies there, in words */
  readonly name: string;
  /** existing path on the file system */
  readonly at: string;
}

/** The data folder, and the database's if it lies on another file system. */
function places({ dataFolder, storePath }: Subject): Place[] {
  const [data, store] = [dataFolder, path.dirname(storePath)].map(nearestExisting) as [string, string];
  const device = (at: string): number | undefined => {
    const found = look(at);
    return found.kind === 'there' ? found.stats.dev : undefined;
  };
  const all = [{ name: 'the data folder', at: data }];
  if (device(store) !== device(data)) all.push({ name: 'the database', at: store });
  return all;
}

/** Bytes by which the database may still grow. */
function growth(subject: Subject): number {
  const found = look(subject.storePath);
  return Math.max(0, storeLimit(subject).bytes - (found.kind === 'there' ? found.stats.size : 0));
}

function checkPlace(subject: Subject, { name, at }: Place, holdsStore: boolean): Finding {
  const { system } = subject;
  const mount = mountOf(system.proc, fs.realpathSync(at));
  if (mount?.isReadOnly)
    return fail('disk', `The file system of ${name} is mounted read-only, at ${mount.folder}.`, {
      text: 'Look into the log of the system for why, then mount it for writing:',
      command: `sudo mount -o remount,rw ${shellQuoted(mount.folder)}`,
    });
  const { bytes, inodes } = system.freeSpace(at);
  const room = `On the file system of ${name}, ${bytesText(bytes)} are free`;
  const free = `Free space on the file system of ${at}, or name a data folder on another one with --data.`;
  const reserve = LIMITS.diskReserveBytes;
  if (bytes < reserve)
    return fail('disk', `${room}; below ${bytesText(reserve)} the daemon stores nothing more.`, free);
  if (inodes !== undefined && inodes < INODES_FAIL)
    return fail(
      'disk',
      `On the file system of ${name} only ${inodes} more files can be made.`,
      `Delete files there that nobody needs: it is short of inodes, not of bytes.`,
    );
  if (holdsStore) {
    const more = growth(subject);
    if (bytes - reserve < more) {
      const what = `${room}, and MESH_STORE_BYTES lets the database grow by ${bytesText(more)}: the disk is full before.`;
      return warn('disk', what, 'Free space there, or set MESH_STORE_BYTES lower.');
    }
  }
  if (inodes !== undefined && inodes < INODES_WARN)
    return warn(
      'disk',
      `${room}, and only ${inodes} more files can be made.`,
      'Delete files there that nobody needs: it is short of inodes.',
    );
  return ok('disk', `${room}.`);
}

/** Free bytes and files, and whether it can be written at all. */
export function checkDisk(subject: Subject): Finding[] {
  const all = places(subject);
  return all.map((place) => {
    try {
      return checkPlace(subject, place, place === all.at(-1));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return skipped('disk', `The file system of ${place.name} does not say how much is free: ${why}.`);
    }
  });
}
