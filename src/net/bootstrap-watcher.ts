/**
 * Keeps asking the bootstrap sources: all at once at the start, again with growing waits while one fails (the network
 * may not be there yet), and now and then when it works. Every wait is jittered, so that daemons that lost the same
 * host do not come back in step.
 */
import type { ErrorCode } from '../core/errors.ts';
import { type BootstrapResult, type FetchBootstrapOptions, fetchBootstrap } from './bootstrap.ts';
import { describeError } from './guard.ts';
import { NET_LIMITS } from './net-limits.ts';

/** What became of a source, for status pages. */
export interface BootstrapSourceState {
  readonly source: string;
  readonly state: 'waiting' | 'ok' | 'failed';
  /** addresses that the last good answer gave */
  readonly peers: number;
  readonly code: ErrorCode | null;
  /** '' when there is nothing to say */
  readonly detail: string;
  /** ISO 8601 of the last attempt's end, or null */
  readonly at: string | null;
}

export interface BootstrapWatcherOptions extends Omit<FetchBootstrapOptions, 'signal'> {
  /** URLs and files; doubles are asked once */
  readonly sources: readonly string[];
  /** every attempt's result, also of those that changed nothing */
  readonly onResult: (source: string, result: BootstrapResult) => void;
  /** uniform from 0 up to and without 1 */
  readonly random: () => number;
  /** calls `run` once after `delayMs`, returns what calls it off; default: `setTimeout` that does not keep the process */
  readonly schedule?: (run: () => void, delayMs: number) => () => void;
  /** ms since 1970; default `Date.now` */
  readonly wallMs?: () => number;
  /** default {@link fetchBootstrap} */
  readonly fetch?: (source: string, options: FetchBootstrapOptions) => Promise<BootstrapResult>;
}

export interface BootstrapWatcher {
  states(): readonly BootstrapSourceState[];
  /** No more results; resolves when nothing is in progress any more. */
  stop(): Promise<void>;
}

function scheduleTimeout(run: () => void, delayMs: number): () => void {
  const timer = setTimeout(run, delayMs).unref();
  return () => clearTimeout(timer);
}

/**
 * The wait before the next attempt, ms.
 * @param failures attempts that failed in a row; 0 after a good one
 * @param random uniform from 0 up to and without 1
 */
export function bootstrapDelayMs(failures: number, random: number): number {
  const { bootstrapRetryMinMs, bootstrapRetryMaxMs, bootstrapRefreshMs, bootstrapJitter } = NET_LIMITS;
  const base =
    failures === 0
      ? bootstrapRefreshMs
      : Math.min(bootstrapRetryMinMs * 2 ** Math.min(failures - 1, 30), bootstrapRetryMaxMs);
  return Math.round(base * (1 + (random * 2 - 1) * bootstrapJitter));
}

/** Begins to fetch at once; `onResult` is never called before this returns. */
export function createBootstrapWatcher(options: BootstrapWatcherOptions): BootstrapWatcher {
  const { schedule = scheduleTimeout, wallMs = Date.now, fetch = fetchBootstrap } = options;
  const abort = new AbortController();
  const states = new Map<string, BootstrapSourceState>();
  const waits = new Map<string, () => void>();
  const running = new Set<Promise<void>>();

  const attempt = async (source: string, failuresBefore: number): Promise<void> => {
    const result = await fetch(source, { ...options, signal: abort.signal }).catch(
      (error): BootstrapResult => ({
        ok: false,
        code: 'bootstrap_unreachable',
        detail: describeError(error),
      }),
    );
    if (abort.signal.aborted) return;
    const failures = result.ok ? 0 : failuresBefore + 1;
    const peers = result.ok ? result.addresses.length : (states.get(source)?.peers ?? 0);
    const at = new Date(wallMs()).toISOString();
    const dropped = result.ok && result.dropped > 0 ? `${result.dropped} entries were not used` : '';
    states.set(
      source,
      result.ok
        ? { source, state: 'ok', peers, code: null, detail: dropped, at }
        : { source, state: 'failed', peers, code: result.code, detail: result.detail, at },
    );
    const delayMs = bootstrapDelayMs(failures, options.random());
    waits.set(
      source,
      schedule(() => begin(source, failures), delayMs),
    );
    options.onResult(source, result);
  };

  const begin = (source: string, failures: number): void => {
    waits.delete(source);
    const task = attempt(source, failures).finally(() => running.delete(task));
    running.add(task);
  };

  for (const source of new Set(options.sources)) {
    states.set(source, { source, state: 'waiting', peers: 0, code: null, detail: '', at: null });
    begin(source, 0);
  }

  return {
    states: () => [...states.values()],
    stop: async () => {
      abort.abort();
      for (const callOff of waits.values()) callOff();
      waits.clear();
      await Promise.all(running);
    },
  };
}
