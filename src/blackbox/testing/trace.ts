/**
 * What a process asks of the system, in order, as `strace` tells it: which file was written or flushed, and which bytes left
 * over which socket. Needs Linux with `strace`, and the right to trace one's own children.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';

const WRITES = ['write', 'writev', 'pwrite64', 'pwritev', 'pwritev2', 'sendto', 'sendmsg', 'sendmmsg'];
const SYNCS = ['fsync', 'fdatasync', 'sync_file_range', 'msync'];
const NAMES = ['link', 'linkat', 'rename', 'renameat', 'renameat2', 'mkdir', 'mkdirat'];

export interface Call {
  readonly name: string;
  /** of the first file or socket, as the system names it: a path, or `socket:[4711]` */
  readonly on: string;
  /** all arguments; what was written in hexadecimal digits */
  readonly args: string;
  readonly isOk: boolean;
}

/** Whether `strace` is here and may trace. */
export const CAN_TRACE =
  process.platform === 'linux' &&
  spawnSync('strace', ['-o', '/dev/null', '-e', 'trace=none', 'true'], { stdio: 'ignore' }).status === 0;

/** Runs a program that stays the child, with a tracer beside it. @param file what is to be written */
export function traced(file: string): string[] {
  const kinds = [...WRITES, ...SYNCS, ...NAMES].map((name) => `?${name}`).join();
  return [
    'strace',
    '-D',
    '-f',
    '-y',
    '-xx',
    '-s',
    '200000',
    '-o',
    file,
    '-e',
    `trace=${kinds}`,
    '-e',
    'signal=none',
  ];
}

/** Runs a program that is killed as it makes this call for the `when`th time; the system may or may not have done it. */
export function killedAt(call: string, when: number): string[] {
  const inject = `inject=${call}:signal=SIGKILL:when=${when}`;
  return ['strace', '-D', '-f', '-o', '/dev/null', '-e', `trace=${call}`, '-e', inject];
}

const text = (hex: string): string => Buffer.from(hex.replaceAll('\\x', ''), 'hex').toString();

/** `fdatasync(20<\x2f…>)`: the file behind the first descriptor, or the last path named. */
function subjectOf(args: string): string {
  const descriptor = /^\d+<([^>]*)>/.exec(args)?.[1];
  if (descriptor !== undefined) return descriptor.includes('\\x') ? text(descriptor) : descriptor;
  const paths = [...args.matchAll(/"((?:\\x[0-9a-f]{2})+)"/g)].map(([, hex = '']) => text(hex));
  return paths.at(-1) ?? '';
}

/** Reads what {@link traced} wrote. A call stands where it ended, a write to a socket where it began. */
export function readTrace(file: string): Call[] {
  const calls: Call[] = [];
  const open = new Map<string, string>();
  for (const line of fs.readFileSync(file, 'latin1').split('\n')) {
    const found = /^(\d+) +(.*)$/.exec(line);
    if (found === null) continue;
    const [, thread = '', rest = ''] = found;
    if (rest.endsWith('<unfinished ...>')) {
      open.set(thread, rest.slice(0, -'<unfinished ...>'.length));
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    const whole = resumed === null ? rest : `${open.get(thread) ?? ''}${resumed[1]}`;
    const call = /^(\w+)\((.*)\) += (-?\d+|\?)/.exec(whole);
    if (call === null) continue;
    const [, name = '', args = '', result = ''] = call;
    calls.push({ name, on: subjectOf(args), args: args.replaceAll('\\x', ''), isOk: Number(result) >= 0 });
  }
  return calls;
}

export const isSync = ({ name, isOk }: Call): boolean => isOk && (name === 'fsync' || name === 'fdatasync');
export const isWrite = ({ name }: Call): boolean => WRITES.includes(name);
/** Whether these bytes are in what was written. */
export const carries = ({ args }: Call, bytes: Uint8Array): boolean =>
  args.includes(Buffer.from(bytes).toString('hex'));
