import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { InboxItemJson } from '../../api/client/agent-types.ts';
import { MeshError } from '../../core/errors.ts';
import { makeItem, TestDesk, TestPace } from './bridge.fixture.ts';
import type { Desk } from './desk.ts';
import { BRIDGE_LIMITS } from './names.ts';
import { type HandedOver, type HandOverHooks, InboxWorker } from './worker.ts';

const ended: HandedOver = { admitted: true, isQueued: false, silent: false, failed: false };
const final = (text: string) => ({ text, isTerminal: true, isToolWarning: false });

type Turn = (hooks: HandOverHooks, item: InboxItemJson) => Promise<HandedOver>;

let desk: TestDesk;
let pace: TestPace;
let ending: AbortController;
let turns: Turn[];
let handed: string[];
let busy: () => boolean;
let worker: InboxWorker;

beforeEach(() => {
  desk = new TestDesk();
  pace = new TestPace();
  ending = new AbortController();
  turns = [];
  handed = [];
  busy = () => false;
  worker = new InboxWorker({
    desk: desk as unknown as Desk,
    runtime: {
      sessionOf: (item) => item.message.channel,
      handOver: async (item, hooks) => {
        handed.push(item.handover);
        const turn = turns.shift() ?? (async () => ended);
        return turn(hooks, item);
      },
      isBusy: () => busy(),
    },
    signal: ending.signal,
    pace,
    log: { info: () => undefined, warn: () => undefined },
    textLimit: 1000,
    split: (text, charsMax) => text.match(new RegExp(`[^]{1,${charsMax}}`, 'g')) ?? [],
  });
});

const answering =
  (...texts: string[]): Turn =>
  async (hooks) => {
    hooks.begin();
    for (const text of texts) await hooks.deliver(final(text), 'final');
    return ended;
  };

/** The acknowledgements, once there are so many. */
async function acks(count: number): Promise<string[]> {
  await vi.waitFor(() => expect(desk.acks.length).toBeGreaterThanOrEqual(count));
  return desk.acks.map(({ number, attempt, outcome }) => `${number}/${attempt} ${outcome}`);
}

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
    busy = () => {
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
    busy = () => {
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
    busy = () => {
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

  it('hears again how an item ended that it sends once more, without another turn', async () => {
    turns.push(async (hooks) => {
      hooks.begin();
      desk.away = 1;
      return ended;
    });
    await worker.take(makeItem(1));
    await vi.waitFor(() => expect(worker.book.size).toBe(0));
    expect(desk.acks).toEqual([]);
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

describe('the end of the gateway', () => {
  it('leaves what has no answer to the daemon', async () => {
    turns.push(async (hooks) => {
      hooks.begin();
      ending.abort();
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
      ending.abort();
      return ended;
    });
    await worker.take(makeItem(1));
    await vi.waitFor(() => expect(worker.book.size).toBe(0));
    expect(desk.acks).toEqual([]);
  });

  it('leaves a turn that it has cut to the daemon, though the runtime says that it failed', async () => {
    turns.push(async (hooks) => {
      hooks.begin();
      ending.abort();
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
