import { beforeEach, describe, expect, it, vi } from 'vitest';
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

describe('an item', () => {
  it('is handed over, answered in parts and acknowledged', async () => {
    turns.push(answering('x'.repeat(2500)));
    await worker.take(makeItem(1));
    expect(await acks(1)).toEqual(['1/1 done']);
    expect(desk.published.map(({ number, part, body }) => [number, part, body.length])).toEqual([
      [1, 1, 1000],
      [1, 2, 1000],
      [1, 3, 500],
    ]);
  });

  it('has at most 64 parts, and the last one says that more was there', async () => {
    turns.push(answering('x'.repeat(70_000), 'more'));
    await worker.take(makeItem(1));
    await acks(1);
    expect(desk.published).toHaveLength(64);
    expect(desk.published[63]?.body).toContain('The rest was left out.');
  });

  it('that failed gets a notice, which is numbered by itself', async () => {
    turns.push(async (hooks) => {
      hooks.begin();
      await hooks.deliver({ ...final('broken'), isError: true }, 'final');
      return { ...ended, failed: true };
    });
    await worker.take(makeItem(1));
    expect(await acks(1)).toEqual(['1/1 failed']);
    expect(desk.published).toEqual([{ number: 1, part: 1, body: 'broken', notice: true }]);
  });

  it('ends as the runtime shows: refused, silent, skipped', async () => {
    turns.push(async () => ({ ...ended, admitted: false }));
    turns.push(async () => ({ ...ended, silent: true }));
    turns.push(async () => ended);
    for (const number of [1, 2, 3]) await worker.take(makeItem(number, { channel: `c${number}` }));
    expect((await acks(3)).sort()).toEqual(['1/1 refused', '2/1 done', '3/1 skipped']);
  });
});

describe('a failure of the runtime', () => {
  it('before the turn is tried again, in place: later items of the session wait', async () => {
    turns.push(async () => Promise.reject(new Error('state-lifecycle is owned')));
    turns.push(answering('one'), answering('two'));
    await worker.take(makeItem(1));
    await worker.take(makeItem(2));
    expect(await acks(2)).toEqual(['1/1 done', '2/1 done']);
    expect(handed).toEqual(['message-1', 'message-1', 'message-2']);
  });

  it('before the turn is given up after five minutes', async () => {
    for (let count = 0; count < 40; count += 1) turns.push(async () => Promise.reject(new Error('draining')));
    await worker.take(makeItem(1));
    expect(await acks(1)).toEqual(['1/1 undelivered']);
    expect(pace.waitedMs).toBeGreaterThanOrEqual(BRIDGE_LIMITS.handOverMs);
    expect(pace.waitedMs).toBeLessThan(BRIDGE_LIMITS.handOverMs + BRIDGE_LIMITS.backoffMaxMs);
  });

  it('in the turn is not tried again, because it would be another turn', async () => {
    turns.push(async (hooks) => {
      hooks.begin();
      throw new Error('crashed');
    });
    await worker.take(makeItem(1));
    expect(await acks(1)).toEqual(['1/1 failed']);
  });

  it('after an answer changes nothing', async () => {
    turns.push(async (hooks) => {
      hooks.begin();
      await hooks.deliver(final('yes'), 'final');
      throw new Error('crashed');
    });
    await worker.take(makeItem(1));
    expect(await acks(1)).toEqual(['1/1 done']);
  });
});

describe('messages to a busy agent', () => {
  it('are acknowledged after the answer that the running turn gives to them', async () => {
    const running = Promise.withResolvers<void>();
    turns.push(async (hooks) => {
      hooks.begin();
      await running.promise;
      await hooks.deliver(final('one'), 'final');
      await hooks.deliver(final('two and three'), 'final');
      return ended;
    });
    const joining: Turn = async (hooks) => {
      hooks.join();
      return ended;
    };
    turns.push(joining, joining);
    for (const number of [1, 2, 3]) await worker.take(makeItem(number));
    await vi.waitFor(() => expect(worker.book.find(3)?.outcome).toBe('done'));
    expect(desk.acks).toEqual([]);
    running.resolve();
    expect(await acks(3)).toEqual(['1/1 done', '2/1 done', '3/1 done']);
    expect(desk.published).toEqual([
      { number: 1, part: 1, body: 'one' },
      { number: 1, part: 2, body: 'two and three', also: [2, 3] },
    ]);
  });

  it('get no notice of their own: the running turn has them', async () => {
    turns.push(async (hooks) => {
      hooks.join();
      await hooks.deliver({ ...final('no reply'), isError: true }, 'final');
      return ended;
    });
    await worker.take(makeItem(1));
    expect(await acks(1)).toEqual(['1/1 failed']);
    expect(desk.published).toEqual([]);
  });

  it('that are queued for a turn of their own are acknowledged after it', async () => {
    let looks = 0;
    bench.busy = () => {
      looks += 1;
      if (looks === 3) void worker.publish(1, 'late but here');
      return true;
    };
    turns.push(async (hooks) => {
      hooks.join();
      return { ...ended, isQueued: true };
    });
    await worker.take(makeItem(1));
    expect(await acks(1)).toEqual(['1/1 done']);
    expect(desk.published).toEqual([{ number: 1, part: 1, body: 'late but here' }]);
  });
});

describe('a queued message', () => {
  it('whose own turn failed has failed', async () => {
    let looks = 0;
    bench.busy = () => {
      looks += 1;
      if (looks === 2) void worker.publish(1, 'it failed', { isNotice: true });
      return looks < 4;
    };
    turns.push(async (hooks) => {
      hooks.join();
      return { ...ended, isQueued: true };
    });
    await worker.take(makeItem(1));
    expect(await acks(1)).toEqual(['1/1 failed']);
    expect(desk.published).toEqual([{ number: 1, part: 1, body: 'it failed', notice: true }]);
  });
});

describe('a message that OpenClaw has had before', () => {
  it('waits for the turn that OpenClaw resumes by itself, so that there is one answer', async () => {
    let looks = 0;
    bench.busy = () => {
      looks += 1;
      if (looks === 4) void worker.publish(1, 'resumed');
      return true;
    };
    await worker.take(makeItem(1, { attempt: 2 }));
    expect(await acks(1)).toEqual(['1/2 done']);
    expect(desk.published).toHaveLength(1);
  });

  it('is skipped where nothing is resumed', async () => {
    await worker.take(makeItem(1, { attempt: 2 }));
    expect(await acks(1)).toEqual(['1/2 skipped']);
  });
});
