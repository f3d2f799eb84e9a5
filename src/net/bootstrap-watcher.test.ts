import { describe, expect, it, vi } from 'vitest';
import type { BootstrapResult, FetchBootstrapOptions } from './bootstrap.ts';
import { bootstrapDelayMs, createBootstrapWatcher } from './bootstrap-watcher.ts';

const good: BootstrapResult = {
  ok: true,
  scope: 'public',
  addresses: [{ url: 'ws://8.8.8.8:5000/', peer: '' }],
  dropped: 0,
};
const bad: BootstrapResult = { ok: false, code: 'bootstrap_unreachable', detail: 'HTTP status 503' };

/** A watcher with timers that fire when the test says so and answers that the test gives. */
function watch(
  sources: readonly string[],
  answer: (source: string, attempt: number) => Promise<BootstrapResult>,
) {
  const timers: { run: () => void; delayMs: number; isOff: boolean }[] = [];
  const results: [string, boolean][] = [];
  const attempts = new Map<string, number>();
  const seen: FetchBootstrapOptions[] = [];
  const watcher = createBootstrapWatcher({
    sources,
    allowPrivate: true,
    random: () => 0.5,
    wallMs: () => Date.UTC(2026, 10, 20),
    onResult: (source, result) => results.push([source, result.ok]),
    schedule: (run, delayMs) => {
      const timer = { run, delayMs, isOff: false };
      timers.push(timer);
      return () => {
        timer.isOff = true;
      };
    },
    fetch: (source, options) => {
      seen.push(options);
      attempts.set(source, (attempts.get(source) ?? 0) + 1);
      return answer(source, attempts.get(source) as number);
    },
  });
  /** waits until `count` timers were set, then fires the last one */
  const fire = async (count: number): Promise<number> => {
    await vi.waitFor(() => expect(timers).toHaveLength(count));
    const timer = timers[count - 1];
    timer?.run();
    return timer?.delayMs ?? 0;
  };
  return { watcher, timers, results, attempts, seen, fire };
}

describe('the bootstrap watcher', () => {
  it('asks every source once at the start, doubles once, and knows nothing before', async () => {
    const { watcher, results, timers, seen } = watch(['a', 'b', 'a'], async () => good);
    expect(results).toEqual([]);
    expect(watcher.states()).toEqual([
      { source: 'a', state: 'waiting', peers: 0, code: null, detail: '', at: null },
      { source: 'b', state: 'waiting', peers: 0, code: null, detail: '', at: null },
    ]);
    await vi.waitFor(() => expect(timers).toHaveLength(2));
    expect(results).toEqual([
      ['a', true],
      ['b', true],
    ]);
    expect(seen[0]).toMatchObject({ allowPrivate: true, signal: expect.any(AbortSignal) });
    expect(watcher.states()[0]).toEqual({
      source: 'a',
      state: 'ok',
      peers: 1,
      code: null,
      detail: '',
      at: '2026-11-20T00:00:00.000Z',
    });
  });

  it('waits longer after each failure, up to five minutes, and ten minutes after a good answer', async () => {
    const { watcher, fire } = watch(['a'], async (_source, attempt) => (attempt === 12 ? good : bad));
    const delays: number[] = [];
    for (let i = 1; i <= 13; i++) delays.push((await fire(i)) / 1000);
    expect(delays).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 600, 1]);
    await watcher.stop();
  });

  it('keeps the number of peers and shows the code while a source that worked fails', async () => {
    const { watcher, timers, fire } = watch(['a'], async (_source, attempt) =>
      attempt === 1 ? { ...good, dropped: 3 } : bad,
    );
    await vi.waitFor(() => expect(timers).toHaveLength(1));
    expect(watcher.states()[0]).toMatchObject({ state: 'ok', detail: '3 entries were not used' });
    await fire(1);
    await vi.waitFor(() => expect(timers).toHaveLength(2));
    expect(watcher.states()[0]).toMatchObject({
      state: 'failed',
      peers: 1,
      code: 'bootstrap_unreachable',
      detail: 'HTTP status 503',
    });
  });

  it('lets one source hang or crash without holding up the others', async () => {
    const { watcher, timers, results } = watch(['hangs', 'crashes', 'works'], async (source) => {
      if (source === 'hangs') return new Promise(() => undefined);
      if (source === 'crashes') throw new Error('bug');
      return good;
    });
    await vi.waitFor(() => expect(timers).toHaveLength(2));
    expect(new Map(results)).toEqual(
      new Map([
        ['crashes', false],
        ['works', true],
      ]),
    );
    expect(watcher.states().map(({ state }) => state)).toEqual(['waiting', 'failed', 'ok']);
  });

  it('stops: timers are off, fetches are aborted, and no result comes any more', async () => {
    let release: (result: BootstrapResult) => void = () => undefined;
    const { watcher, timers, results, seen } = watch(['a', 'b'], async (source) =>
      source === 'a' ? good : new Promise((resolve) => (release = resolve)),
    );
    await vi.waitFor(() => expect(timers).toHaveLength(1));
    const stopped = watcher.stop();
    expect(seen[1]?.signal?.aborted).toBe(true);
    release(good);
    await stopped;
    expect(timers.map(({ isOff }) => isOff)).toEqual([true]);
    expect(results).toEqual([['a', true]]);
  });

  it('jitters every wait by a fifth', () => {
    expect(bootstrapDelayMs(1, 0)).toBe(800);
    expect(bootstrapDelayMs(1, 0.999999)).toBe(1200);
    expect(bootstrapDelayMs(0, 0)).toBe(480_000);
    expect(bootstrapDelayMs(5000, 0.5)).toBe(300_000);
  });

  it('with the clock of the process fetches a real file', async () => {
    const done = Promise.withResolvers<BootstrapResult>();
    const watcher = createBootstrapWatcher({
      sources: ['website/bootstrap.json'],
      random: Math.random,
      onResult: (_source, result) => done.resolve(result),
    });
    expect(await done.promise).toMatchObject({ ok: true, scope: 'loopback' });
    await watcher.stop();
  });
});
