/** The worker where the daemon is away, has trouble, or the gateway ends. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { MeshError } from '../../core/errors.ts';
import { makeItem } from './bridge.fixture.ts';
import { BRIDGE_LIMITS } from './names.ts';
import { answering, ended, final, type Turn, WorkerBench } from './worker.fixture.ts';

let bench: WorkerBench;
let desk: WorkerBench['desk'];
let pace: WorkerBench['pace'];
let turns: WorkerBench['turns'];
let handed: WorkerBench['handed'];
let worker: WorkerBench['worker'];

beforeEach(() => {
  bench = new WorkerBench();
  ({ desk, pace, turns, handed, worker } = bench);
});

const acks = (count: number): Promise<string[]> => bench.acks(count);

describe('a daemon that goes away', () => {
  it('gets an answer later, once', async () => {
    desk.away = 3;
    turns.push(answering('yes'));
    await worker.take(makeItem(1));
    expect(await acks(1)).toEqual(['1/1 done']);
    expect(pace.waits).toBe(3);
    expect(desk.published).toHaveLength(1);
  });

  it('for so long that the answer is lost is not told that there was none', async () => {
    desk.away = Number.POSITIVE_INFINITY;
    turns.push(async (hooks) => {
      hooks.begin();
      await hooks.deliver(final('yes'), 'final').catch(() => undefined);
      return ended;
    });
    await worker.take(makeItem(1));
    await vi.waitFor(() => expect(worker.book.size).toBe(0));
    expect(pace.waitedMs).toBeGreaterThanOrEqual(BRIDGE_LIMITS.publishMs);
    expect(worker.book.findEnded(makeItem(1))).toBeUndefined();
    // Else the daemon would take it for handed over as long as the connection lives.
    expect(bench.reattached).toBe(1);
  });

  it('does not keep the others of the session waiting for an item that it has to send again', async () => {
    turns.push(async (hooks) => {
      hooks.begin();
      await vi.waitFor(() => expect(worker.book.find(2)?.outcome).toBe('done'));
      desk.away = 1000;
      await hooks.deliver(final('lost'), 'final').catch(() => undefined);
      desk.away = 0;
      return ended;
    });
    turns.push(answering('two'));
    await worker.take(makeItem(1));
    await worker.take(makeItem(2));
    expect(await acks(1)).toEqual(['2/1 done']);
    expect(worker.book.size).toBe(0);
  });

  it('sends an item again that runs: it is acknowledged under its new attempt', async () => {
    const running = Promise.withResolvers<void>();
    turns.push(async (hooks) => {
      hooks.begin();
      await running.promise;
      return answering('yes')(hooks, makeItem(1));
    });
    await worker.take(makeItem(1));
    await worker.take(makeItem(1, { attempt: 2 }));
    running.resolve();
    expect(await acks(1)).toEqual(['1/2 done']);
    expect(handed).toHaveLength(1);
  });

  it('hears how an item ended as soon as it is back', async () => {
    turns.push(async (hooks) => {
      hooks.begin();
      desk.away = 3;
      return ended;
    });
    await worker.take(makeItem(1));
    expect(await acks(1)).toEqual(['1/1 done']);
    expect(bench.reattached).toBe(0);
  });

  it('for long hears it when it sends the item once more, without another turn', async () => {
    turns.push(async (hooks) => {
      hooks.begin();
      desk.away = Number.POSITIVE_INFINITY;
      return ended;
    });
    await worker.take(makeItem(1));
    await vi.waitFor(() => expect(bench.reattached).toBe(1));
    expect([worker.book.size, desk.acks.length]).toEqual([0, 0]);
    desk.away = 0;
    await worker.take(makeItem(1, { attempt: 2 }));
    expect(await acks(1)).toEqual(['1/2 done']);
    expect(handed).toHaveLength(1);
  });

  it('is told of nothing where it has gone on: a newer attempt is on its way', async () => {
    vi.spyOn(desk, 'acknowledge').mockRejectedValueOnce(new MeshError('not_found'));
    turns.push(answering('yes'));
    await worker.take(makeItem(1));
    await vi.waitFor(() => expect(worker.book.size).toBe(0));
    expect(worker.book.findEnded(makeItem(1))).toBe('done');
  });
});

describe('a daemon that has trouble', () => {
  it.each(['stopping', 'too_many_requests', 'store_failed'] as const)(
    'and says %s is asked again, for answers and acknowledgements',
    async (code) => {
      vi.spyOn(desk, 'answer').mockRejectedValueOnce(new MeshError(code));
      vi.spyOn(desk, 'acknowledge').mockRejectedValueOnce(new MeshError(code));
      turns.push(answering('yes'));
      await worker.take(makeItem(1));
      expect(await acks(1)).toEqual(['1/1 done']);
      expect(desk.published.map(({ body }) => body)).toEqual(['yes']);
    },
  );

  it('and refuses an answer for good hears that the agent failed, never that it was silent', async () => {
    vi.spyOn(desk, 'answer').mockRejectedValue(new MeshError('store_full'));
    turns.push(async (hooks) => {
      hooks.begin();
      await hooks.deliver(final('yes'), 'final').catch(() => undefined);
      return ended;
    });
    await worker.take(makeItem(1));
    expect(await acks(1)).toEqual(['1/1 failed']);
  });

  it('gets a text that is sent again after a failure in the middle as the same parts', async () => {
    const { answer } = desk;
    let calls = 0;
    vi.spyOn(desk, 'answer').mockImplementation(async (asked) => {
      calls += 1;
      if (calls === 2) throw new MeshError('store_full');
      return answer.call(desk, asked);
    });
    const text = `${'a'.repeat(1000)}${'b'.repeat(500)}`;
    await expect(worker.publish(1, text, { isRepeated: true })).rejects.toThrow();
    await worker.publish(1, text, { isRepeated: true });
    expect(desk.published.map(({ part, body }) => [part, body.length])).toEqual([
      [1, 1000],
      [2, 500],
    ]);
  });
});

it('an item without a session is told as undelivered, and ends nothing else', async () => {
  bench.sessionOf = () => {
    throw new Error('no agent is configured');
  };
  await worker.take(makeItem(1));
  expect(await acks(1)).toEqual(['1/1 undelivered']);
});

describe('the end of the gateway', () => {
  it('leaves what has no answer to the daemon', async () => {
    turns.push(async (hooks) => {
      hooks.begin();
      bench.ending.abort();
      throw new Error('stopped');
    });
    await worker.take(makeItem(1));
    await vi.waitFor(() => expect(worker.book.size).toBe(0));
    expect(desk.acks).toEqual([]);
    expect(worker.book.findEnded(makeItem(1))).toBeUndefined();
  });

  it('leaves a turn that said nothing to the daemon: it may have been cut', async () => {
    turns.push(async (hooks) => {
      hooks.begin();
      bench.ending.abort();
      return ended;
    });
    await worker.take(makeItem(1));
    await vi.waitFor(() => expect(worker.book.size).toBe(0));
    expect(desk.acks).toEqual([]);
  });

  it('leaves a turn that it has cut to the daemon, though the runtime says that it failed', async () => {
    turns.push(async (hooks) => {
      hooks.begin();
      bench.ending.abort();
      return { ...ended, failed: true };
    });
    await worker.take(makeItem(1));
    await vi.waitFor(() => expect(worker.book.size).toBe(0));
    expect(desk.acks).toEqual([]);
  });
});

it('takes no more than so many items at a time', async () => {
  const running = Promise.withResolvers<void>();
  const waiting: Turn = async (hooks) => {
    hooks.begin();
    await running.promise;
    return ended;
  };
  for (let number = 1; number < BRIDGE_LIMITS.inFlightMax; number += 1) {
    turns.push(waiting);
    await worker.take(makeItem(number));
  }
  turns.push(waiting);
  let hasRoom = false;
  const last = worker.take(makeItem(99)).then(() => {
    hasRoom = true;
  });
  await vi.waitFor(() => expect(handed).toHaveLength(BRIDGE_LIMITS.inFlightMax));
  expect(hasRoom).toBe(false);
  running.resolve();
  await last;
  expect(hasRoom).toBe(true);
});
