/**
 * Looks from time to time at what the machine gives the daemon, and says what a person should mend: a clock that was set
 * back, and a process that may open no more files.
 *
 * - The clock: the wall clock is compared with the monotonic one, which nobody sets, and at the start with the time that
 *   the last run wrote down. It counts as set back until it has caught up: so long what is sent stands above what was sent
 *   before.
 * - Files: one is opened. The system refuses connections by itself when there are none left, and tells nobody
 *   (libuv accepts and closes them), so asking is the only way to know.
 */
import fs from 'node:fs';
import os from 'node:os';
import type { Now } from '../core/contract.ts';
import { LIMITS } from '../core/limits.ts';
import type { Later } from './committer.ts';
import { hasCode } from './files.ts';
import type { Problems } from './problems.ts';
import { isoTime } from './views.ts';

/** How often it looks, ms (guess: a person at the screen waits no longer). */
const LOOK_MS = 5_000;
/** Less is what time servers correct; a message's time follows others by as much. */
const BACK_MS_MIN = LIMITS.clockFollowMs;

export interface MachineWatchParts {
  readonly problems: Problems;
  readonly clock: () => Now;
  readonly later: Later;
  /** throws the system's error if no file can be opened */
  readonly openFile?: () => void;
}

function openAny(): void {
  fs.closeSync(fs.openSync(os.devNull, 'r'));
}

/** True for the errors of a process, or a system, that has as many files and sockets open as it may. */
export function isOutOfFiles(error: unknown): boolean {
  return hasCode(error, 'EMFILE', 'ENFILE');
}

/** Whether this process can open so many more files right now. */
export function canOpenFiles(count: number): boolean {
  const open: number[] = [];
  try {
    while (open.length < count) open.push(fs.openSync(os.devNull, 'r'));
    return true;
  } catch (error) {
    if (isOutOfFiles(error)) return false;
    throw error;
  } finally {
    for (const fd of open) fs.closeSync(fd);
  }
}

export class MachineWatch {
  readonly #parts: MachineWatchParts;
  #last: Now;
  /** what the clock showed before it was set back; 0 if it was not */
  #beforeMs = 0;
  #cancel: () => void = () => undefined;
  #isStopped = false;

  constructor(parts: MachineWatchParts) {
    this.#parts = parts;
    this.#last = parts.clock();
  }

  /** Looks from now on until {@link stop}. @param lastRunMs wall time that an earlier run has seen, 0 for none */
  start(lastRunMs: number): void {
    if (this.#isStopped) return;
    // Without a look of its own, a run goes by its newest message, which others may have dated as far ahead as this.
    if (this.#last.wallMs < lastRunMs - LIMITS.futureMs) this.#beforeMs = lastRunMs;
    this.#look();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  #look(): void {
    this.#lookAtClock();
    this.#lookAtFiles();
    this.#cancel = this.#parts.later.after(LOOK_MS, () => this.#look());
  }

  #lookAtClock(): void {
    const { clock, problems } = this.#parts;
    const now = clock();
    const expectedMs = this.#last.wallMs + now.monotonicMs - this.#last.monotonicMs;
    if (now.wallMs < expectedMs - BACK_MS_MIN) {
      problems.solve('clock_back');
      this.#beforeMs = Math.max(this.#beforeMs, expectedMs);
    }
    this.#last = now;
    if (this.#beforeMs === 0) return;
    if (now.wallMs < this.#beforeMs - BACK_MS_MIN)
      problems.add('clock_back', `It showed ${isoTime(this.#beforeMs)} before.`);
    else {
      this.#beforeMs = 0;
      problems.solve('clock_back');
    }
  }

  #lookAtFiles(): void {
    const { problems, openFile = openAny } = this.#parts;
    try {
      openFile();
      problems.solve('out_of_files');
    } catch (error) {
      if (isOutOfFiles(error))
        problems.add('out_of_files', 'New connections are refused until some are closed.');
    }
  }
}
