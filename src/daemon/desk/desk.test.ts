import { describe, expect, it } from 'vitest';
import { ATTEMPTS_MAX } from '../../core/contact/inbox.ts';
import { HOUR, LIMITS, MINUTE } from '../../core/limits.ts';
import { agent, anna, DeskBench, mallory, openBench } from './testing/bench.ts';

const failing = (code: string) => expect.objectContaining({ code });

describe('a client that attaches', () => {
  it('hears who may wake the agent and where, and again when that changes', async () => {
    const bench = await openBench();
    const client = bench.attach();
    await client.until(() => client.events.length === 1);
    expect(client.events[0]).toMatchObject({
      kind: 'attached',
      attached: {
        identity: agent.id,
        contacts: [{ identity: anna.id, name: 'anna', tier: 'allowed' }],
        channels: [{ channel: 'dev', wake: 'mention', names: ['robo'] }],
      },
    });
    bench.desk.removeContact(anna.id);
    await client.until(() => client.events.length === 2);
    expect(client.events[1]).toMatchObject({ attached: { contacts: [] } });
  });

  it('gets what waits and what comes, in order, with its author and thread', async () => {
    const bench = await openBench();
    const ids = [bench.mention('one'), bench.mention('two')];
    const client = bench.attach();
    await client.item(2);
    ids.push(bench.post('@robo three', { marks: { hops: 3 } }));
    await client.item(3);
    expect(client.items.map(({ message }) => message.id)).toEqual(ids);
    expect(client.last).toMatchObject({
      ...{ handover: ids[2], attempt: 1, identity: agent.id, why: 'mention', hops: 3, thread: null },
      from: { identity: anna.id, name: 'anna' },
      message: { body: '@robo three', author: anna.id },
    });
    expect(bench.desk.status()).toMatchObject({ waiting: 0, handed: 3, client: { name: 'test' } });
  });

  it('takes the place of an older one of its name, and none of another name', async () => {
    const bench = await openBench();
    const older = bench.attach('openclaw');
    await older.until(() => older.events.length === 1);
    const other = bench.attach('other');
    await other.until(() => other.isOver);
    expect(other.error).toEqual(failing('inbox_taken'));
    bench.mention();
    await older.item(1);
    const newer = bench.attach('openclaw');
    expect(await newer.item(1)).toMatchObject({ attempt: 2, handover: older.last.handover });
    await older.until(() => older.isOver);
    expect(older.error).toBeUndefined();
    await newer.close();
    const free = bench.attach('other');
    expect(await free.item(1)).toMatchObject({ attempt: 3 });
  });

  it('has at most so many that it did not acknowledge', async () => {
    const bench = await openBench({ contactHour: 1000, contactDay: 1000 });
    const count = LIMITS.inboxHandedMax + 3;
    for (let i = 0; i < count; i++) bench.mention(String(i));
    const client = bench.attach();
    const first = await client.item(LIMITS.inboxHandedMax);
    expect(bench.desk.status()).toMatchObject({ handed: LIMITS.inboxHandedMax, waiting: 3 });
    bench.desk.acknowledge({ number: first.number, attempt: 1, outcome: 'done' });
    await client.item(LIMITS.inboxHandedMax + 1);
    expect(client.items).toHaveLength(LIMITS.inboxHandedMax + 1);
  });

  it('ends with the daemon', async () => {
    const bench = await openBench();
    const client = bench.attach();
    await client.until(() => client.events.length === 1);
    bench.desk.close();
    await client.until(() => client.isOver);
    const late = bench.attach();
    await late.until(() => late.isOver);
    expect(late.error).toEqual(failing('stopping'));
  });
});

describe('handing over', () => {
  it('ends with the acknowledgement of the newest attempt, and of no other', async () => {
    const bench = await openBench();
    bench.mention();
    const lost = bench.attach();
    const { number } = await lost.item(1);
    await lost.close();
    const client = bench.attach();
    await client.item(1);
    const ack = (attempt: number) => bench.desk.acknowledge({ number, attempt, outcome: 'done' });
    expect(() => ack(1)).toThrow(failing('not_found'));
    await bench.desk.answer({ number, part: 1, body: 'hello' });
    expect(ack(2)).toEqual({ number, state: 'answered' });
    expect(() => ack(2)).toThrow(failing('not_found'));
    expect(() => bench.desk.acknowledge({ number: 99, attempt: 1, outcome: 'done' })).toThrow(
      failing('not_found'),
    );
  });

  it('is repeated after the client was killed, once more under another id, and then given up', async () => {
    const bench = await openBench();
    const id = bench.mention();
    const killed = bench.attach();
    await killed.item(1);
    await killed.close();
    const client = bench.attach();
    const { number } = await client.item(1);
    expect(client.last).toMatchObject({ attempt: 2, handover: id });
    // The runtime had the message before and skips it: nothing comes of it.
    expect(bench.desk.acknowledge({ number, attempt: 2, outcome: 'skipped' }).state).toBe('waiting');
    expect(await client.item(2)).toMatchObject({ number, attempt: 3, handover: `${id}.again` });
    expect(bench.desk.acknowledge({ number, attempt: 3, outcome: 'skipped' }).state).toBe('unanswered');
    expect(bench.rows()).toMatchObject([{ state: 'unanswered', reason: 'no-answer', attempts: 3 }]);
    expect(bench.desk.status().unanswered).toBe(1);
  });

  it('is not repeated for what was answered in part before the client was killed', async () => {
    const bench = await openBench();
    bench.mention();
    const killed = bench.attach();
    const { number } = await killed.item(1);
    await bench.desk.answer({ number, part: 1, body: 'the first of two' });
    await killed.close();
    const client = bench.attach();
    bench.mention('next');
    expect(await client.item(1)).toMatchObject({ message: { body: `@${agent.id} next` } });
    expect(bench.rows()[0]).toMatchObject({ state: 'answered', answers: 1 });
  });

  it('knows an answer that was published in the moment before the daemon died', async () => {
    const bench = await openBench();
    bench.mention();
    const killed = bench.attach();
    const { number } = await killed.item(1);
    await bench.desk.answer({ number, part: 1, body: 'hello' });
    bench.inbox.change([{ number, change: { answers: 0 } }]);
    bench.restart();
    const client = bench.attach();
    await client.until(() => client.events.length === 1);
    expect(bench.rows()).toMatchObject([{ state: 'answered', answers: 1 }]);
  });

  it('gives up a message on which clients die', async () => {
    const bench = await openBench();
    bench.mention();
    for (let i = 1; i <= ATTEMPTS_MAX; i++) {
      const client = bench.attach();
      expect((await client.item(1)).attempt).toBe(i);
      await client.close();
    }
    const client = bench.attach();
    await client.until(() => client.events.length === 1);
    expect(bench.rows()).toMatchObject([{ state: 'unanswered', reason: 'never-acknowledged' }]);
  });

  it('stops for what is taken back while it waits', async () => {
    const bench = await openBench();
    bench.mention();
    await bench.until(() => bench.rows().length === 1);
    bench.desk.removeContact(anna.id);
    const client = bench.attach();
    await client.until(() => client.events.length === 1);
    await bench.until(() => bench.rows()[0]?.state === 'held');
    expect(bench.rows()).toMatchObject([{ state: 'held', reason: 'not-allowed', attempts: 0 }]);
  });

  it('stops for what has expired while it waited', async () => {
    const bench = await openBench();
    bench.mention('soon gone', { expiresMs: bench.nowMs + MINUTE });
    await bench.until(() => bench.rows().length === 1);
    bench.nowMs += MINUTE;
    const client = bench.attach();
    await bench.until(() => bench.rows()[0]?.state === 'unanswered');
    expect(bench.rows()).toMatchObject([{ reason: 'gone' }]);
    await client.close();
  });

  it('keeps to the budget of an hour also after days in which messages gathered, and others go before', async () => {
    const bench = await openBench({ contactHour: 2, contactDay: 100 });
    bench.desk.allow({ identity: mallory.id });
    for (let hour = 0; hour < 3; hour++) {
      bench.mention(`${hour} a`);
      bench.mention(`${hour} b`);
      await bench.until(() => bench.rows().length === 2 * hour + 2);
      bench.nowMs += HOUR;
    }
    bench.mention('of another contact', { author: mallory });
    await bench.until(() => bench.rows().length === 7);
    expect(bench.desk.status().waiting).toBe(7);
    const client = bench.attach();
    await client.item(3);
    expect(client.items.map(({ from }) => from.name)).toEqual(['anna', 'anna', null]);
    expect(bench.desk.status()).toMatchObject({ waiting: 4, handed: 3 });
    bench.nowMs += HOUR;
    bench.later.pass(HOUR);
    await client.item(5);
    expect(bench.desk.status()).toMatchObject({ waiting: 2, handed: 5 });
  });

  it('counts the repeated turn', async () => {
    const bench = await openBench({ contactHour: 3 });
    bench.mention();
    const client = bench.attach();
    const { number } = await client.item(1);
    bench.desk.acknowledge({ number, attempt: 1, outcome: 'skipped' });
    await client.item(2);
    bench.mention('2');
    bench.mention('3');
    await bench.until(() => bench.rows().length === 3);
    expect(bench.rows().map(({ reason }) => reason)).toEqual([null, null, 'budget-spent']);
  });
});

describe('an answer', () => {
  async function handed(draft: Parameters<DeskBench['post']>[1] = {}) {
    const bench = await openBench();
    const id = bench.mention('hello', draft);
    const client = bench.attach();
    const item = await client.item(1);
    return { bench, id, client, item, number: item.number };
  }

  it('replies in the channel, begins a thread, and says that it is automatic', async () => {
    const { bench, id, number } = await handed({ marks: { hops: 4 } });
    await bench.desk.answer({ number, part: 1, body: 'hello' });
    expect(bench.sent).toMatchObject([
      {
        ...{ channel: 'dev', body: 'hello', hops: 5, isNotice: false },
        refs: [
          { relation: 'reply', id },
          { relation: 'thread', id },
        ],
      },
    ]);
  });

  it('stays in the thread of the message', async () => {
    const root = new Uint8Array(32).fill(7);
    const { bench, id, number, item } = await handed({ refs: [{ relation: 2, id: root }] });
    expect(item.thread).toBe(Buffer.from(root).toString('base64url'));
    await bench.desk.answer({ number, part: 1, body: 'hello' });
    expect(bench.sent[0]?.refs).toEqual([
      { relation: 'reply', id },
      { relation: 'thread', id: item.thread },
    ]);
  });

  it('is published once for each part, whatever a second run says, also at the same time', async () => {
    const { bench, number } = await handed();
    const first = await bench.desk.answer({ number, part: 1, body: 'one' });
    expect(first.isNew).toBe(true);
    expect(await bench.desk.answer({ number, part: 1, body: 'another one' })).toMatchObject({
      ...{ id: first.id, isNew: false },
    });
    const both = await Promise.all(
      ['two', 'other'].map((body) => bench.desk.answer({ number, part: 2, body })),
    );
    expect(both.map(({ isNew }) => isNew).sort()).toEqual([false, true]);
    expect(new Set(both.map(({ id }) => id)).size).toBe(1);
    expect(bench.sent.map(({ body }) => body)).toHaveLength(2);
    expect(bench.rows()).toMatchObject([{ answers: 2 }]);
  });

  it('to several messages answers all of them', async () => {
    const { bench, client, number } = await handed();
    bench.mention('2');
    const { number: second } = await client.item(2);
    await bench.desk.answer({ number, part: 1, body: 'for both', also: [second, number, 99] });
    await client.close();
    const next = bench.attach();
    await next.until(() => next.events.length === 1);
    expect(bench.rows()).toMatchObject([
      { state: 'answered', answers: 1 },
      { state: 'answered', answers: 1 },
    ]);
  });

  it('that is a notice is no answer, and keeps no answer away', async () => {
    const { bench, number } = await handed();
    await bench.desk.answer({ number, part: 1, body: 'the agent failed', notice: true });
    expect(bench.desk.acknowledge({ number, attempt: 1, outcome: 'failed' }).state).toBe('unanswered');
    expect(bench.sent).toMatchObject([{ isNotice: true, hops: 1 }]);
    expect(bench.rows()).toMatchObject([{ state: 'unanswered', reason: 'agent-failed', answers: 0 }]);
    const late = await bench.desk.answer({ number, part: 1, body: 'after all' });
    expect(late.isNew).toBe(true);
    expect(bench.rows()).toMatchObject([{ state: 'answered', reason: null, answers: 1 }]);
  });

  it('to nothing is refused', async () => {
    const { bench } = await handed();
    await expect(bench.desk.answer({ number: 99, part: 1, body: 'x' })).rejects.toEqual(failing('not_found'));
  });

  it('of an agent that writes by itself counts the answers of the turns under way', async () => {
    const { bench, item } = await handed({ marks: { hops: 4 } });
    expect(bench.desk.hopsNow()).toBe(5);
    bench.desk.acknowledge({ number: item.number, attempt: 1, outcome: 'done' });
    expect(bench.desk.hopsNow()).toBe(1);
  });
});

describe('two agents that answer each other', () => {
  /** Each answers everything at once, as replies that wake the other; `say` gives the marks of what comes back. */
  async function loop(budget: Parameters<typeof openBench>[0], say: (hops: number) => object | undefined) {
    const bench = await openBench(budget);
    const client = bench.attach();
    bench.mention('0');
    for (let count = 1; ; count++) {
      await bench.until(() => bench.rows().length === count);
      if (bench.rows().at(-1)?.state === 'held') return bench;
      const item = await client.item(count);
      await bench.desk.answer({ number: item.number, part: 1, body: 'answer' });
      bench.desk.acknowledge({ number: item.number, attempt: 1, outcome: 'done' });
      const marks = say((bench.sent.at(-1)?.hops ?? 0) + 1);
      bench.mention(String(count), marks === undefined ? {} : { marks });
    }
  }

  it('stop by the hops that both count', async () => {
    const bench = await loop({}, (hops) => ({ hops }));
    expect(bench.sent).toHaveLength(5);
    expect(bench.rows().at(-1)?.reason).toBe('hops-spent');
  });

  it('stop by the budget where the other one does not count', async () => {
    const bench = await loop({ contactHour: 20 }, () => undefined);
    expect(bench.sent).toHaveLength(20);
    expect(bench.rows().at(-1)?.reason).toBe('budget-spent');
  });
});

describe('the owner’s words', () => {
  it('are kept over a restart', async () => {
    const bench = await openBench();
    bench.restart();
    expect(bench.desk.contacts()).toMatchObject([{ identity: anna.id, name: 'anna' }]);
    expect(bench.desk.status().channels).toEqual([{ channel: 'dev', wake: 'mention', names: ['robo'] }]);
  });

  it('name identities: once each, with names of their own', async () => {
    const bench = await openBench();
    expect(bench.desk.allow({ identity: anna.id })).toMatchObject({ name: 'anna', isNew: false });
    expect(bench.desk.allow({ identity: anna.id, name: 'Anna B.' })).toMatchObject({ name: 'Anna B.' });
    const refuse = (request: { identity: string; name?: string }) =>
      expect(() => bench.desk.allow(request)).toThrow(failing('bad_request'));
    refuse({ identity: 'x' });
    refuse({ identity: 'A'.repeat(43) }); // a point of small order
    refuse({ identity: agent.id });
    refuse({ identity: mallory.id, name: 'Anna B.' });
    for (const name of ['', ' x', 'a,b', 'a\nb', 'a\u202eb', 'x'.repeat(65), anna.id])
      refuse({ identity: mallory.id, name });
    expect(bench.desk.removeContact(mallory.id)).toEqual({ identity: mallory.id, wasContact: false });
  });

  it('name channels, and how the agent is called there', async () => {
    const bench = await openBench();
    const set = (names: string[]) => bench.desk.setWake({ channel: 'dev', wake: 'always', names });
    expect(await set(['@Robo', 'robo', 'Ada'])).toMatchObject({ names: ['robo', 'ada'] });
    await expect(set(['a b'])).rejects.toEqual(failing('bad_request'));
    await expect(set(Array.from({ length: 9 }, (_, i) => `n${i}`))).rejects.toEqual(failing('bad_request'));
    const kept = await bench.desk.setWake({ channel: 'dev', wake: 'mention' });
    expect(kept).toEqual({ channel: 'dev', wake: 'mention', names: ['robo', 'ada'] });
  });

  it('have an end', async () => {
    const bench = new DeskBench();
    for (let i = 0; i < LIMITS.wakeChannelsMax; i++)
      await bench.desk.setWake({ channel: `c${i}`, wake: 'always' });
    await expect(bench.desk.setWake({ channel: 'more', wake: 'always' })).rejects.toEqual(
      failing('bad_request'),
    );
    await bench.desk.setWake({ channel: 'c0', wake: 'mention' });
  });
});

it('the inbox forgets rows that are done and older than its memory', async () => {
  const bench = await openBench();
  bench.mention('1');
  const client = bench.attach();
  const { number } = await client.item(1);
  bench.desk.acknowledge({ number, attempt: 1, outcome: 'done' });
  bench.nowMs += LIMITS.inboxMs + 1;
  bench.mention('2');
  await client.item(2);
  bench.later.pass(HOUR);
  expect(bench.rows().map((row) => row.number)).toEqual([number + 1]);
});
