/**
 * Files as the checks look at them: by their modes and owners, never by trying, because the superuser may do everything.
 * Nothing is opened that could wait (a named pipe) and nothing is read that is large.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Mend } from './finding.ts';
import { shellQuoted } from './finding.ts';
import type { System } from './system.ts';

/** True for the codes by which the system says that this user may not. */
export function isForbidden(code: string): boolean {
  return code === 'EACCES' || code === 'EPERM';
}

export type Look =
  | { readonly kind: 'missing' }
  /** `why` is the system's code, such as `EACCES` */
  | { readonly kind: 'unreadable'; readonly why: string }
  | { readonly kind: 'there'; readonly stats: fs.Stats };

/** The system's code of an error, such as `EACCES`; its text if it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

/** Names that are tried (guess: nobody has so many). */
const UNUSED_TRIES = 100;

/** What lies at a path; symbolic links are followed. */
export function look(file: string): Look {
  try {
    const stats = fs.statSync(file, { throwIfNoEntry: false });
    return stats === undefined ? { kind: 'missing' } : { kind: 'there', stats };
  } catch (error) {
    return { kind: 'unreadable', why: codeOf(error) };
  }
}

export type Small =
  | Exclude<Look, { kind: 'there' }>
  | { readonly kind: 'there'; readonly text: string; readonly stats: fs.Stats };

/** The text of a regular file of at most so many bytes. */
export function readSmall(file: string, bytesMax: number): Small {
  let fd: number;
  try {
    fd = fs.openSync(file, fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0));
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? { kind: 'missing' } : { kind: 'unreadable', why: codeOf(error) };
  }
  try {
    const stats = fs.fstatSync(fd);
    if (!stats.isFile()) return { kind: 'unreadable', why: 'it is not a file' };
    if (stats.size > bytesMax) return { kind: 'unreadable', why: `it has ${stats.size} bytes` };
    return { kind: 'there', text: fs.readFileSync(fd, 'utf8'), stats };
  } catch (error) {
    return { kind: 'unreadable', why: codeOf(error) };
  } finally {
    fs.closeSync(fd);
  }
}

/** The path, or with a number behind it the first one that is free: `mv` would overwrite a file, or move into a folder. */
export function unusedName(file: string): string {
  for (let n = 1; ; n++) {
    const name = n === 1 ? file : `${file}${n}`;
    if (look(name).kind === 'missing') return name;
    if (n === UNUSED_TRIES) return `${file}-${Date.now()}`;
  }
}

/** The path itself or the closest folder above it that exists. */
export function nearestExisting(file: string): string {
  for (let at = file; ; at = path.dirname(at)) {
    if (look(at).kind === 'there' || path.dirname(at) === at) return at;
  }
}

/** `0600` */
export function modeText(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}

/** Name of a user, or its number where none is known. */
export function userName({ usersFile }: System, uid: number): string {
  const users = readSmall(usersFile, 1024 * 1024);
  if (users.kind !== 'there') return `user ${uid}`;
  for (const line of users.text.split('\n')) {
    const [name, , number] = line.split(':');
    if (name !== undefined && number === String(uid) && /^[\w.-]+$/.test(name)) return name;
  }
  return `user ${uid}`;
}

/** What a file or folder must be like. */
export interface Rule {
  readonly kind: 'file' | 'folder';
  /** what its owner must be allowed: 0o400, 0o600 or 0o700 */
  readonly need: number;
  /** whoever can read it has what it protects: reading by others is a failure and not a warning */
  readonly isSecret: boolean;
}

export interface Flaw {
  readonly state: 'warn' | 'fail';
  /** how the sentence goes on that begins with the name of the file */
  readonly what: string;
  readonly mend: Mend;
}

/** Who has these bits besides the owner. */
function othersWith(mode: number, bits: number): string {
  const group = (mode & bits & 0o070) !== 0;
  const all = (mode & bits & 0o007) !== 0;
  return all ? 'every user of this machine' : group ? 'its group' : 'nobody else';
}

function modeFlaw(file: string, { mode }: fs.Stats, { kind, need, isSecret }: Rule): Flaw | undefined {
  const target = kind === 'folder' ? '700' : '600';
  const command = `chmod ${target} ${shellQuoted(file)}`;
  const shown = `has mode ${modeText(mode)}`;
  if ((mode & need) !== need)
    return {
      state: 'fail',
      what: `${shown}, which forbids its owner what the daemon does with it`,
      mend: { text: 'Allow its owner to use it:', command },
    };
  if ((mode & 0o077) === 0) return undefined;
  const mayWrite = (mode & 0o022) !== 0;
  const doing = mayWrite
    ? kind === 'folder'
      ? 'replace what is in it'
      : 'write it'
    : kind === 'folder'
      ? 'look into it'
      : 'read it';
  const who = othersWith(mode, mayWrite ? 0o022 : 0o055);
  const state = mayWrite || isSecret ? 'fail' : 'warn';
  const what = `${shown}, so that ${who} can ${doing}`;
  // A folder like /tmp is for all, and must stay so.
  if (kind === 'folder' && (mode & 0o1000) !== 0)
    return { state, what, mend: 'It is a folder for all users: name another one with --data.' };
  return { state, what, mend: { text: 'Close it to others:', command } };
}

/**
 * What is wrong with owner and mode of a file, the owner first: whoever owns it can mend the mode.
 * @param owner the user that the daemon runs as
 */
export function flawsOf(
  system: System,
  { file, stats, rule, owner }: { file: string; stats: fs.Stats; rule: Rule; owner: number | undefined },
): Flaw[] {
  if (system.platform === 'win32') return []; // no such modes; the profile folder protects the files
  const flaws: Flaw[] = [];
  if (owner !== undefined && stats.uid !== owner) {
    const [is, should] = [userName(system, stats.uid), userName(system, owner)];
    const chown = system.uid === 0 ? 'chown' : 'sudo chown';
    flaws.push({
      state: owner === 0 && !rule.isSecret ? 'warn' : 'fail',
      what: `belongs to ${is}, and the daemon's user is ${should}`,
      mend: { text: `Give it to ${should}:`, command: `${chown} ${owner} ${shellQuoted(file)}` },
    });
  }
  const flaw = modeFlaw(file, stats, rule);
  if (flaw !== undefined) flaws.push(flaw);
  return flaws;
}

/** `mode 0600, owner root` */
export function accessText(system: System, { mode, uid }: fs.Stats): string {
  if (system.platform === 'win32') return 'protected by the profile folder';
  return `mode ${modeText(mode)}, owner ${userName(system, uid)}`;
}

/** Flaws of one or more files as one: the worst state, all sentences, all commands in a row. */
export function joinFlaws(
  flaws: readonly { readonly name: string; readonly flaw: Flaw }[],
): { state: 'warn' | 'fail'; what: string; mend: Mend } | undefined {
  if (flaws.length === 0) return undefined;
  const state = flaws.some(({ flaw }) => flaw.state === 'fail') ? 'fail' : 'warn';
  const what = flaws.map(({ name, flaw }) => `${name} ${flaw.what}.`).join(' ');
  const first = flaws[0] as { flaw: Flaw };
  if (flaws.length === 1) return { state, what, mend: first.flaw.mend };
  const commands = flaws.flatMap(({ flaw: { mend } }) => (typeof mend === 'string' ? [] : [mend.command]));
  const words = flaws.flatMap(({ flaw: { mend } }) => (typeof mend === 'string' ? [mend] : []));
  if (commands.length === 0) return { state, what, mend: [...new Set(words)].join(' ') };
  const text = [...new Set(words), 'Set the modes and owners right:'].join(' ');
  return { state, what, mend: { text, command: commands.join(' && ') } };
}
