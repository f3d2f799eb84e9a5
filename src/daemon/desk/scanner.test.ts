import { describe, expect, it } from 'vitest';
import { idFromText } from '../../core/bytes.ts';
import { MeshError } from '../../core/errors.ts';
import { DAY, HOUR, LIMITS, MINUTE } from '../../core/limits.ts';
import { RELATION } from '../../core/message/message.ts';
import { joined, published, received, signedMessage } from '../../store/testing/messages.ts';
import { FEED_PAGE } from '../feed.ts';
import { agent, anna, DeskBench, mallory, openBench } from './testing/bench.ts';

const states = (bench: DeskBench) => bench.rows().map(({ state, reason }) => reason ?? state);

describe('the inbox gets', () => {
  it('what an allowed contact says to the agent, in order, and nothing of strangers', async () => {
    const bench = await openBench();
    bench.mention('from a stranger', { author: mallory });
    const first = bench.mention('one');
    bench.post('not for the agent');
    const second = bench.post('@Robo two');
    bench.mention('elsewhere', { channel: 'other' });
    await bench.until(() => bench.rows().length === 2);
    expect(bench.rows()).toMatchObject([
      { id: first, channel: 'dev', author: anna.id, name: 'anna', why: 'mention', state: 'waiting', hops: 0 },
      { id: second, why: 'mention', attempts: 0, answers: 0, reason: null },
    ]);
  });

  it('replies to the agent, and what names it in its payload', async () => {
    const bench = await openBench();
    const own = signedMessage(agent, { channel: 'dev', body: 'mine' });
    bench.store.transact([[published(own)]]);
    const ref = (id: string, relation: number) => ({
      refs: [{ relation, id: idFromText(id) as Uint8Array }],
    });
    const id = own.message.idText;
    bench.post('a reply', ref(id, RELATION.reply));
    bench.post('no reply', ref(id, RELATION.react));
    const other = bench.post('hello');
    bench.post('a reply to somebody else', ref(other, RELATION.reply));
    bench.post('named', { marks: { mentions: [agent.id] } });
    await bench.until(() => bench.rows().length === 2);
    expect(bench.rows().map(({ why }) => why)).toEqual(['reply', 'mention']);
  });

  it('nothing that was there before the owner said that the channel wakes', async () => {
    const bench = new DeskBench();
    bench.desk.allow({ identity: anna.id });
    bench.mention('before');
    await bench.desk.setWake({ channel: 'dev', wake: 'always' });
    const after = bench.post('after');
    await bench.until(() => bench.rows().length > 0);
    expect(bench.rows().map(({ id, why }) => [id, why])).toEqual([[after, 'channel']]);
  });

  it('nothing that was written before that and comes later', async () => {
    const bench = await openBench();
    bench.mention('days ago', { time: { timeMs: bench.nowMs - 3 * DAY } });
    const id = bench.mention('now');
    await bench.until(() => bench.rows().length > 0);
    expect(bench.rows().map((row) => row.id)).toEqual([id]);
  });

  it('nothing that was passed over by the words of then, also after a restart', async () => {
    const bench = await openBench();
    bench.mention('of a stranger', { author: mallory });
    for (let i = 0; i < 50; i++) bench.post('not for the agent');
    bench.mention('for it');
    await bench.until(() => bench.rows().length === 1);
    bench.mention('of a stranger again', { author: mallory });
    bench.post('and something else');
    await bench.settled();
    bench.desk.allow({ identity: mallory.id });
    await bench.desk.setWake({ channel: 'dev', wake: 'always' });
    bench.restart();
    const id = bench.post('the first that is for it');
    await bench.until(() => bench.rows().length > 1);
    expect(
      bench
        .rows()
        .map((row) => row.id)
        .slice(1),
    ).toEqual([id]);
  });

  it('nothing more once the contact or the channel is taken back', async () => {
    const bench = await openBench();
    bench.desk.removeContact(anna.id);
    bench.mention('no contact');
    bench.desk.allow({ identity: anna.id });
    await bench.desk.setWake({ channel: 'dev', wake: 'never' });
    bench.mention('no channel');
    await bench.desk.setWake({ channel: 'dev', wake: 'mention' });
    bench.desk.left('dev');
    bench.mention('left');
    await bench.desk.setWake({ channel: 'dev', wake: 'mention' });
    const id = bench.mention('now');
    await bench.until(() => bench.rows().length > 0);
    expect(bench.rows().map((row) => row.id)).toEqual([id]);
  });

  it('a message once, also if it comes again as a new arrival', async () => {
    const bench = await openBench();
    const message = signedMessage(anna, { channel: 'dev', body: '@robo hi' });
    bench.store.transact([[received(message)]]);
    bench.desk.look();
    await bench.until(() => bench.rows().length === 1);
    const tag = (received(message) as { tag: string }).tag;
    const all = { beforeHour: 2 ** 40, ownBeforeHour: 2 ** 40, floorHour: 0 };
    const after = { time: { timeMs: 0, counter: 0 }, id: new Uint8Array(0) };
    bench.store.transact([[joined('dev'), { kind: 'prune', tag, ...all, after }]]);
    bench.store.transact([[received(message)]]);
    bench.mention('the next');
    await bench.until(() => bench.rows().length === 2);
    expect(bench.rows().filter(({ id }) => id === message.message.idText)).toHaveLength(1);
  });

  it('everything, also after a restart in the middle of a long backlog', async () => {
    const bench = await openBench({ contactHour: 1e6, contactDay: 1e6, channelHour: 1e6, channelDay: 1e6 });
    const count = 3 * FEED_PAGE + 5;
    const wanted = Array.from({ length: count }, (_, i) => bench.mention(String(i)));
    await bench.until(() => bench.rows().length >= FEED_PAGE);
    bench.restart();
    await bench.until(() => bench.rows().length >= count);
    expect(bench.rows().map(({ id }) => id)).toEqual(wanted);
  });

  it('what came while the daemon was not there', async () => {
    const bench = await openBench();
    bench.desk.close();
    const id = bench.mention('while it was away');
    bench.restart();
    await bench.until(() => bench.rows().length === 1);
    expect(bench.rows()[0]?.id).toBe(id);
  });
});

describe('the inbox holds back', () => {
  it('what is too old, or stands behind too many automatic answers', async () => {
    const bench = await openBench();
    bench.nowMs += LIMITS.wakeAgeMs + HOUR;
    bench.mention('old', { time: { timeMs: bench.nowMs - LIMITS.wakeAgeMs - 1 } });
    bench.post('@robo far', { marks: { hops: 10 } });
    bench.post('@robo near', { marks: { hops: 9 } });
    await bench.until(() => bench.rows().length === 3);
    expect(states(bench)).toEqual(['too-old', 'hops-spent', 'waiting']);
  });

  it('what is beyond the budget of an hour, tells the owner, and lets more in when the hour is over', async () => {
    const bench = await openBench({ contactHour: 2 });
    for (const text of ['1', '2', '3']) bench.mention(text);
    await bench.until(() => bench.rows().length === 3);
    expect(states(bench)).toEqual(['waiting', 'waiting', 'budget-spent']);
    expect(bench.spent.at(-1)).toBe(true);
    bench.nowMs += HOUR;
    bench.mention('4');
    await bench.until(() => bench.rows().length === 4);
    expect(states(bench).at(-1)).toBe('waiting');
  });

  it('a slow loop over a day, though each hour has room and the daemon is restarted in between', async () => {
    const bench = await openBench({ contactHour: 5, contactDay: 12 });
    for (let i = 0; i < 30; i++) {
      bench.mention(String(i));
      await bench.until(() => bench.rows().length === i + 1);
      bench.nowMs += 20 * MINUTE;
      bench.restart();
    }
    expect(states(bench).filter((state) => state === 'waiting')).toHaveLength(12);
    bench.nowMs += DAY;
    bench.mention('the next day');
    await bench.until(() => bench.rows().length === 31);
    expect(states(bench).at(-1)).toBe('waiting');
  });

  it('what all contacts of a channel together would cost too much', async () => {
    const bench = await openBench({ contactHour: 2, channelHour: 3 });
    bench.desk.allow({ identity: mallory.id });
    for (const author of [anna, anna, mallory, mallory]) bench.mention('x', { author });
    await bench.until(() => bench.rows().length === 4);
    expect(states(bench)).toEqual(['waiting', 'waiting', 'waiting', 'budget-spent']);
  });
});

describe('a store that fails', () => {
  it('is told, and looked at again', async () => {
    const bench = await openBench();
    const { readArrivals } = bench.store;
    let fails = 1;
    bench.store.readArrivals = (page) => {
      if (fails-- > 0) throw new MeshError('store_failed', 'disk');
      return readArrivals.call(bench.store, page);
    };
    bench.mention('hi');
    await bench.until(() => bench.trouble.length === 1);
    expect(bench.rows()).toEqual([]);
    bench.mention('another'); // what is committed meanwhile does not make it try sooner, nor more often
    const retries = bench.later.waiting.filter((ms) => ms === 5_000);
    expect([bench.trouble.length, retries]).toEqual([1, [5_000]]);
    bench.later.pass(5_000);
    await bench.until(() => bench.rows().length === 2);
    expect(bench.trouble.at(-1)).toBeUndefined();
  });
});
