/** The desk where something is spent, in the way, too much, or broken. */
import { describe, expect, it } from 'vitest';
import { MeshError } from '../../core/errors.ts';
import { DAY, HOUR, LIMITS } from '../../core/limits.ts';
import type { NewInboxRow } from '../../store/index.ts';
import { agent, anna, type DeskBench, mallory, openBench } from './testing/bench.ts';

const idOf = (n: number): string => {
  const bytes = Buffer.alloc(32);
  bytes.writeUInt32BE(n + 1);
  return bytes.toString('base64url');
};

/** A row that waits, of anna, whose message is not stored. */
const row = (bench: DeskBench, n: number): NewInboxRow => ({
  ...{ id: idOf(n), channel: 'dev', author: anna.id, atMs: bench.nowMs, hops: 0, reason: '' },
  ...{ why: 'mention', state: 'waiting' },
});

const failing = (code: string) => expect.objectContaining({ code });

describe('the budget', () => {
  it('survives a flood of messages that are held, and the cleaning after it', async () => {
    const bench = await openBench({ contactHour: 2 });
    for (let i = 0; i < 3; i++) bench.mention(String(i));
    await bench.until(() => bench.rows().length === 3);
    const held = Array.from({ length: LIMITS.inboxRowsMax + 10 }, (_, i) => ({
      ...({
        id: idOf(i),
        channel: 'dev',
        author: anna.id,
        atMs: bench.nowMs,
        why: 'mention',
        hops: 0,
      } as const),
      ...({ state: 'held', reason: 'budget-spent' } as const),
    }));
    bench.inbox.add(agent.id, held, 0);
    for (let i = 0; i < 50; i++) bench.later.pass(HOUR / 50 - 1);
    bench.mention('within the hour');
    await bench.until(() => bench.rows().at(-1)?.id !== held.at(-1)?.id);
    expect(bench.rows().at(-1)?.reason).toBe('budget-spent');
  });

  it('counts repeated hand-overs, and lets them wait when it is spent', async () => {
    const bench = await openBench({ contactHour: 2 });
    bench.mention();
    for (let i = 1; i <= 2; i++) {
      const client = bench.attach();
      expect((await client.item(1)).attempt).toBe(i);
      await client.close();
    }
    const client = bench.attach();
    await client.until(() => client.events.length === 1);
    await bench.settled();
    expect([client.items.length, bench.desk.status().waiting]).toEqual([0, 1]);
    bench.nowMs += HOUR;
    bench.later.pass(HOUR);
    expect((await client.item(1)).attempt).toBe(3);
  });

  it('is not spent for ever by turns of a clock that was ahead', async () => {
    const bench = await openBench({ contactHour: 1, contactDay: 1 });
    const now = bench.nowMs;
    bench.nowMs += 7000 * DAY;
    bench.mention('in the future');
    await bench.until(() => bench.rows().length === 1);
    bench.nowMs = now;
    bench.restart();
    bench.mention('back again', { time: { timeMs: now + 1 } });
    await bench.settled();
    bench.nowMs += DAY + 1;
    await bench.desk.setWake({ channel: 'dev', wake: 'never' });
    await bench.desk.setWake({ channel: 'dev', wake: 'mention' });
    bench.mention('a day later');
    await bench.until(() => bench.rows().length > 1);
    expect(bench.rows().at(-1)?.state).toBe('waiting');
  });

  it('of one contact keeps nobody else waiting, however much has gathered', async () => {
    const bench = await openBench({ contactHour: 1 });
    bench.desk.allow({ identity: mallory.id });
    bench.mention('the turn of this hour');
    const client = bench.attach();
    await client.item(1);
    const atMs = bench.nowMs - 2 * DAY;
    bench.inbox.add(
      agent.id,
      Array.from({ length: 600 }, (_, i) => ({ ...row(bench, i), atMs })),
      0,
    );
    bench.mention('of another contact', { author: mallory });
    expect((await client.item(2)).from.identity).toBe(mallory.id);
    expect(bench.desk.status()).toMatchObject({ waiting: 600, handed: 2 });
  });

  it('tells the owner when it is spent, and when it was not for an hour', async () => {
    const bench = await openBench({ contactHour: 0 });
    bench.mention();
    await bench.until(() => bench.spent.includes(true));
    bench.nowMs += HOUR + 1;
    bench.later.pass(HOUR + 1);
    expect(bench.spent.at(-1)).toBe(false);
  });
});

describe('what is in the way', () => {
  it('of hundreds of messages hides none behind them', async () => {
    const bench = await openBench({
      contactHour: 1000,
      contactDay: 1000,
      channelHour: 1000,
      channelDay: 1000,
    });
    bench.inbox.add(
      agent.id,
      Array.from({ length: 300 }, (_, i) => row(bench, i)),
      0,
    );
    bench.desk.allow({ identity: mallory.id });
    const id = bench.mention('for the agent', { author: mallory });
    await bench.until(() => bench.rows().length === 301);
    const client = bench.attach();
    expect((await client.item(1)).message.id).toBe(id);
    expect(bench.desk.inbox({ limit: 300, before: 301 }).every(({ reason }) => reason === 'gone')).toBe(true);
  });

  it('is a change of how a channel wakes', async () => {
    const bench = await openBench();
    await bench.desk.setWake({ channel: 'dev', wake: 'always' });
    bench.post('not for the agent');
    bench.mention('for it');
    await bench.until(() => bench.rows().length === 2);
    await bench.desk.setWake({ channel: 'dev', wake: 'mention' });
    const client = bench.attach();
    expect((await client.item(1)).message.body).toContain('for it');
    expect(bench.rows().map(({ state, reason }) => [state, reason])).toEqual([
      ['held', 'not-allowed'],
      ['handed', null],
    ]);
  });

  it('of too much of one contact is its own', async () => {
    const bench = await openBench({ contactHour: 1e6, contactDay: 1e6, channelHour: 1e6, channelDay: 1e6 });
    bench.desk.allow({ identity: mallory.id });
    for (let i = 0; i <= LIMITS.inboxWaitingContactMax; i++) bench.mention(String(i));
    bench.mention('of another contact', { author: mallory });
    await bench.until(() => bench.rows().length === LIMITS.inboxWaitingContactMax + 2);
    expect(
      bench
        .rows()
        .slice(-2)
        .map(({ reason }) => reason),
    ).toEqual(['inbox-full', null]);
  });
});

describe('a store that fails', () => {
  it('while a client attaches leaves nothing attached', async () => {
    const bench = await openBench();
    const { handed } = bench.inbox;
    bench.inbox.handed = () => {
      throw new MeshError('store_failed', 'disk');
    };
    const client = bench.attach();
    await client.until(() => client.isOver);
    expect(client.error).toEqual(failing('store_failed'));
    bench.inbox.handed = handed;
    const other = bench.attach('other');
    await other.until(() => other.events.length === 1);
  });

  it('while an answer is counted loses neither the answer nor the count', async () => {
    const bench = await openBench();
    bench.mention();
    const client = bench.attach();
    const { number } = await client.item(1);
    const { change } = bench.inbox;
    bench.inbox.change = () => {
      throw new MeshError('store_failed', 'disk');
    };
    const answer = { number, part: 1, body: 'hello' };
    await expect(bench.desk.answer(answer)).rejects.toEqual(failing('store_failed'));
    bench.inbox.change = change;
    expect(await bench.desk.answer(answer)).toMatchObject({ isNew: false });
    expect(bench.rows()).toMatchObject([{ answers: 1 }]);
    expect(bench.sent).toHaveLength(1);
  });

  it('and is not asked again is made good by the acknowledgement', async () => {
    const bench = await openBench();
    bench.mention();
    const client = bench.attach();
    const { number } = await client.item(1);
    await bench.desk.answer({ number, part: 1, body: 'hello' });
    bench.inbox.change([{ number, change: { answers: 0 } }]);
    expect(bench.desk.acknowledge({ number, attempt: 1, outcome: 'done' }).state).toBe('answered');
    expect(bench.rows()).toMatchObject([{ answers: 1 }]);
  });
});

it('an answer to several messages is known as theirs after a crash in the moment after it', async () => {
  const bench = await openBench();
  bench.mention('1');
  bench.mention('2');
  const client = bench.attach();
  const [first, second] = [await client.item(1), await client.item(2)];
  await bench.desk.answer({ number: first.number, part: 1, body: 'one' });
  await bench.desk.answer({ number: first.number, part: 2, body: 'two', also: [second.number] });
  bench.inbox.change([first, second].map(({ number }) => ({ number, change: { answers: 0 } })));
  bench.restart();
  const next = bench.attach();
  bench.mention('3');
  await next.item(1);
  expect(next.items.map(({ message }) => message.body)).toEqual([`@${agent.id} 3`]);
  expect(bench.rows().map(({ state }) => state)).toEqual(['answered', 'answered', 'handed']);
});
