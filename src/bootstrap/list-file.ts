/**
 * The list that a bootstrap server hands out: a file that is read again when it changes. The last good content stays
 * in use while the file is broken or missing, so that an editor's half-saved file cuts nobody off.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { LIMITS } from '../core/limits.ts';
import { parseBootstrap } from '../net/index.ts';

export interface ListState {
  /** the document as text, or undefined if the file was never good */
  readonly body: string | undefined;
  /** what is wrong with the file now, '' if nothing */
  readonly problem: string;
  readonly peers: number;
  /** entries that readers of the list will not use */
  readonly dropped: number;
}

export interface ListFile {
  /** The state now; looks at the file, and reads it if it changed. Never throws. */
  current(): ListState;
}

interface Reading {
  readonly stamp: string;
  /** undefined if the stamp did not change */
  readonly bytes: Uint8Array | undefined;
}

function readIfChanged(file: string, stamp: string): Reading {
  // O_NONBLOCK: opening a named pipe that nobody writes to must not wait.
  const fd = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stat = fstatSync(fd, { bigint: true });
    if (!stat.isFile()) throw new Error('it is not a file');
    const newStamp = `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}`;
    if (newStamp === stamp) return { stamp, bytes: undefined };
    const buffer = new Uint8Array(LIMITS.bootstrapBytesMax + 1);
    let length = 0;
    while (length < buffer.length) {
      const count = readSync(fd, buffer, length, buffer.length - length, null);
      if (count === 0) break;
      length += count;
    }
    if (length > LIMITS.bootstrapBytesMax)
      throw new Error(`it is larger than ${LIMITS.bootstrapBytesMax} bytes`);
    return { stamp: newStamp, bytes: buffer.subarray(0, length) };
  } finally {
    closeSync(fd);
  }
}

/** Strangers read this too: a system error's message would tell them the path. */
function problemOf(error: unknown): string {
  if (!(error instanceof Error)) return 'it cannot be read';
  return 'code' in error ? `it cannot be read (${String(error.code)})` : error.message;
}

/**
 * Watches a list by looking when asked.
 * @param onChange called when what is wrong changed, or a new good content was read
 */
export function createListFile(file: string, onChange: (state: ListState) => void): ListFile {
  let state: ListState = { body: undefined, problem: 'it was not read yet', peers: 0, dropped: 0 };
  let stamp = '';

  const update = (next: ListState): void => {
    const isNews = next.body !== state.body || next.problem !== state.problem;
    state = next;
    if (isNews) onChange(next);
  };

  const look = (): void => {
    const reading = readIfChanged(file, stamp);
    if (reading.bytes === undefined) return;
    stamp = reading.stamp;
    // The operator's own file may name any address; who reads it decides what it may do with them.
    const parsed = parseBootstrap(reading.bytes, 'loopback');
    if (!parsed.ok) {
      update({ ...state, problem: parsed.detail });
      return;
    }
    const body = Buffer.from(reading.bytes)
      .toString()
      .replace(/^\ufeff/, '');
    update({ body, problem: '', peers: parsed.addresses.length, dropped: parsed.dropped });
  };

  return {
    current: () => {
      try {
        look();
      } catch (error) {
        stamp = '';
        update({ ...state, problem: problemOf(error) });
      }
      return state;
    },
  };
}
