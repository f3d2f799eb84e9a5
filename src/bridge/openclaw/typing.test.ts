import { describe, expect, it } from 'vitest';
import { makeItem, TestDesk } from './bridge.fixture.ts';
import { BRIDGE_LIMITS } from './names.ts';
import { Typing } from './typing.ts';
import { answering, WorkerBench } from './worker.fixture.ts';

function setUp() {
  const desk = new TestDesk();
  const ticks: (() => void)[] = [];
  const repeat = (_ms: number, run: () => void) => {
    ticks.push(run);
    return () => void ticks.splice(ticks.indexOf(run), 1);
  };
  const typing = new Typing({ desk, repeat });
  const states = () => desk.shown.map(({ channel, state }) => `${channel} ${state}`);
  return { desk, ticks, typing, states };
}

describe('what is shown of a turn', () => {
  it('begins with it, comes again and ends with it, as one run that answers the item', () => {
    const { desk, ticks, typing, states } = setUp();
    const item = makeItem(1, { channel: 'dev' });
    typing.begin(item);
    typing.begin(item);
    ticks[0]?.();
    typing.end(item);
    typing.end(item);
    expect([states(), ticks]).toEqual([['dev open', 'dev open', 'dev ended'], []]);
    expect(new Set(desk.shown.map(({ run }) => run)).size).toBe(1);
    expect(desk.shown[0]).toMatchObject({ kind: 'activity', doing: 'typing', reply: 'message-1' });
  });

  it('ends by itself where nobody says that the turn is over', () => {
    const { ticks, typing, states } = setUp();
    typing.begin(makeItem(1));
    for (let i = 0; i < BRIDGE_LIMITS.turnMs / BRIDGE_LIMITS.typingMs; i++) ticks[0]?.();
    expect([states().at(-1), ticks]).toEqual(['lobby ended', []]);
  });

  it('is not missed while the daemon is away', () => {
    const { desk, typing } = setUp();
    desk.away = 1;
    typing.begin(makeItem(1));
    desk.away = 0;
    typing.end(makeItem(1));
    expect(desk.shown.map(({ state }) => state)).toEqual(['ended']);
  });

  it('stands around what the worker hands over', async () => {
    const bench = new WorkerBench();
    bench.turns.push(answering('hello'));
    await bench.worker.take(makeItem(1));
    await bench.acks(1);
    expect(bench.desk.shown.map(({ state }) => state)).toEqual(['open', 'ended']);
    bench.turns.push(async () => ({ admitted: false, isQueued: false, silent: false, failed: false }));
    await bench.worker.take(makeItem(2));
    await bench.acks(2);
    expect(bench.desk.shown).toHaveLength(2);
  });
});
