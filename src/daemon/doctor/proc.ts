/**
 * What Linux tells in `/proc`: who listens on a port, who holds a lock, what a process is. Elsewhere, and for processes
 * of other users, it tells nothing, and nothing is made up. Command lines are not read: they may hold secrets.
 *
 * Source: proc(5), sections on `/proc/locks`, `/proc/net/tcp`, `/proc/self/mountinfo`.
 */
import fs from 'node:fs';
import path from 'node:path';

/** A file below `/proc`, or '' where it is missing or closed to us. */
function read(proc: string, name: string): string {
  try {
    return fs.readFileSync(path.join(proc, name), 'utf8');
  } catch {
    return ''; // no such kernel, process or permission: all mean that there is nothing to tell
  }
}

function link(file: string): string {
  try {
    return fs.readlinkSync(file);
  } catch {
    return ''; // closed since the folder was read, or of another user
  }
}

function list(folder: string): string[] {
  try {
    return fs.readdirSync(folder);
  } catch {
    return []; // as above
  }
}

/** Inodes of the sockets that listen on a TCP port, whatever the address. */
function listeningInodes(proc: string, port: number): Set<string> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const found = new Set<string>();
  for (const name of ['net/tcp', 'net/tcp6']) {
    for (const line of read(proc, name).split('\n')) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
      if (state === '0A' && inode !== undefined && local?.endsWith(`:${hex}`)) found.add(inode);
    }
  }
  return found;
}

export interface Listeners {
  /** false: this system does not say */
  readonly isKnown: boolean;
  /** processes that we may see; empty although somebody listens: those of another user */
  readonly pids: readonly number[];
}

/** Who listens on a TCP port of this machine. */
export function listenersOf(proc: string, port: number): Listeners {
  if (read(proc, 'net/tcp') === '') return { isKnown: false, pids: [] };
  const inodes = listeningInodes(proc, port);
  if (inodes.size === 0) return { isKnown: true, pids: [] };
  const pids: number[] = [];
  for (const name of list(proc)) {
    if (!/^\d+$/.test(name)) continue;
    const folder = path.join(proc, name, 'fd');
    const holds = list(folder).some((fd) => {
      const inode = /^socket:\[(\d+)\]$/.exec(link(path.join(folder, fd)))?.[1];
      return inode !== undefined && inodes.has(inode);
    });
    if (holds) pids.push(Number(name));
  }
  return { isKnown: true, pids };
}

/** Processes that hold a lock for writing on the file with this inode number. */
export function lockHolders(proc: string, inode: number): number[] {
  const pids = new Set<number>();
  for (const line of read(proc, 'locks').split('\n')) {
    const found = /\bWRITE\s+(\d+)\s+[0-9a-f]+:[0-9a-f]+:(\d+)\s/.exec(line);
    if (found !== null && Number(found[2]) === inode) pids.add(Number(found[1]));
  }
  pids.delete(0); // a process outside our container has no number here
  return [...pids];
}

/** Name of the program that a process runs, such as `node`; '' if it is not told. */
export function programOf(proc: string, pid: number): string {
  const exe = path.basename(link(path.join(proc, String(pid), 'exe')));
  return exe !== '' ? exe : read(proc, `${pid}/comm`).trim();
}

/** The user that a process runs as. */
export function userOf(proc: string, pid: number): number | undefined {
  try {
    return fs.statSync(path.join(proc, String(pid))).uid;
  } catch {
    return undefined; // no `/proc`, or the process has ended
  }
}

/** True if a process with this number exists, whoever it belongs to. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** A process for people: `process 12 (node)`. */
export function processName(proc: string, pid: number): string {
  const program = programOf(proc, pid);
  return program === '' ? `process ${pid}` : `process ${pid} (${program})`;
}

/** Such blanks and backslashes stand as octal numbers in `mountinfo`. */
function unescapeMount(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

export interface Mount {
  readonly folder: string;
  readonly isReadOnly: boolean;
}

/** The mount that an absolute path without symbolic links lies on, or undefined if the system does not say. */
export function mountOf(proc: string, file: string): Mount | undefined {
  let best: Mount | undefined;
  for (const line of read(proc, 'self/mountinfo').split('\n')) {
    const fields = line.split(' ');
    const [, , , , point, options] = fields;
    if (point === undefined || options === undefined) continue;
    const folder = unescapeMount(point);
    const isIn = file === folder || file.startsWith(folder === '/' ? '/' : `${folder}/`);
    if (!isIn || (best !== undefined && best.folder.length > folder.length)) continue;
    const superOptions = fields[fields.indexOf('-') + 3] ?? '';
    // The mount, or the whole file system below it (a damaged disk is remounted so).
    const isReadOnly = [options, superOptions].some((text) => text.split(',').includes('ro'));
    best = { folder, isReadOnly };
  }
  return best;
}
