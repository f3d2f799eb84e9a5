/** Joining, leaving, how much is kept, and the floors that follow from it. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_RETENTION } from '../defaults.ts';
import { DAY, HOUR, LIMITS } from '../limits.ts';
import { Bench, EPOCH_MS, tagOf } from '../peer.fixture.ts';
import type { Remote } from '../remote.fixture.ts';

const floor = (ageMs: number) => Math.ceil((EPOCH_MS - ageMs) / HOUR);
const told = (remote: Remote) => remote.got('holds').flatMap(({ set }) => set);

function leafBench(joined: readonly string[] = ['dev']): { bench: Bench; home: Remote } {
  const bench = new Bench({ state: { joined } });
  const home = bench.connect('home', { role: 'responder', relay: true });
  return { bench, home };
}

describe('leaving a channel', () => {
  it('tells the home relay, takes back the mailbox, and carries what is stored for seven days', () => {
    const { bench, home } = leafBench();
    home.send({ type: 'mailbox-kept', tags: [tagOf('dev')], hours: 168 });
    home.clear();
    bench.event({ kind: 'leave', request: 7, channel: 'dev' });
    bench.run(0);
    expect(bench.reply(7)).toEqual({ kind: 'left', channel: 'dev', wasJoined: true });
    expect(bench.ops('leave')).toEqual([{ kind: 'leave', channel: 'dev', tag: tagOf('dev') }]);
    expect(bench.ops('carry')).toMatchObject([
      { untilMs: EPOCH_MS + LIMITS.carriedMs, sinceHour: floor(LIMITS.joinedMs) },
    ]);
    expect(home.got('holds').flatMap(({ unset }) => unset)).toEqual([tagOf('dev')]);
    expect(home.got('mailbox')).toEqual([{ type: 'mailbox', tags: [] }]);
    expect(bench.peer.snapshot(bench.now).joined).toEqual([]);
    expect(bench.peer.snapshot(bench.now).floors.get(tagOf('dev'))).toBe(floor(LIMITS.joinedMs));
  });

  it('changes nothing where it was not joined or the disk refuses', () => {
    const { bench } = leafBench();
    bench.event({ kind: 'leave', request: 7, channel: 'ops' });
    expect(bench.reply(7)).toEqual({ kind: 'left', channel: 'ops', wasJoined: false });
    bench.failPersists = 1;
    bench.event({ kind: 'leave', request: 8, channel: 'dev' });
    expect(bench.codeOf(8)).toBe('store_failed');
    expect(bench.peer.snapshot(bench.now).joined).toEqual(['dev']);
  });

  it('twice at once is answered once as done', () => {
    const { bench } = leafBench();
    bench.hold('persist');
    bench.event({ kind: 'leave', request: 7, channel: 'dev' });
    bench.event({ kind: 'leave', request: 8, channel: 'dev' });
    bench.release('persist');
    expect([bench.reply(7), bench.reply(8)]).toMatchObject([{ wasJoined: true }, { wasJoined: false }]);
  });
});

describe('a policy of its own', () => {
  it('moves the floor, and the neighbour hears it', () => {
    const { bench, home } = leafBench();
    home.clear();
    bench.event({ kind: 'retain', request: 7, channel: 'dev', policy: { ageMs: 2 * DAY } });
    bench.run(0);
    expect(bench.reply(7)).toEqual({ kind: 'retained', channel: 'dev' });
    expect(told(home)).toEqual([{ tag: tagOf('dev'), floorHour: floor(2 * DAY) }]);
    expect(bench.ops('retention').at(-1)).toMatchObject({ channel: 'dev', policy: { ageMs: 2 * DAY } });
    bench.event({ kind: 'retain', request: 8, channel: 'dev', policy: {} });
    bench.run(0);
    expect(told(home).at(-1)?.floorHour).toBe(floor(LIMITS.joinedMs));
  });

  it('is refused for a channel that is not joined', () => {
    const { bench } = leafBench();
    bench.event({ kind: 'retain', request: 7, channel: 'ops', policy: {} });
    expect(bench.codeOf(7)).toBe('not_found');
  });

  it('refuses what is older than the floor, without a word', () => {
    const { bench, home } = leafBench();
    bench.event({ kind: 'retain', request: 7, channel: 'dev', policy: { ageMs: 2 * DAY } });
    const old = bench.message('old', { time: { timeMs: EPOCH_MS - 3 * DAY, counter: 0 } });
    const young = bench.message('young', { time: { timeMs: EPOCH_MS - DAY, counter: 0 } });
    home.send({ type: 'push', root: '', keep: false, messages: [old, young] });
    expect(bench.ops('message').map(({ message }) => message.message.body)).toEqual(['young']);
    expect(home.got('error')).toEqual([]);
  });
});

describe('a channel that is carried', () => {
  it('reaches back to the oldest message that somebody asked to keep, however late it came', () => {
    const bench = new Bench();
    const leaf = bench.connect('leaf', { live: true });
    const late = bench.message('late', { time: { timeMs: EPOCH_MS - 20 * DAY, counter: 0 } });
    leaf.send({ type: 'push', root: '', keep: true, messages: [late] });
    bench.run(0);
    const hour = Math.floor((EPOCH_MS - 20 * DAY) / HOUR);
    expect(bench.ops('carry')).toMatchObject([{ tag: tagOf('dev'), sinceHour: hour }]);
    expect(bench.ops('message').map(({ message }) => message.message.body)).toEqual(['late']);
    expect(leaf.got('stored').flatMap(({ ids }) => ids)).toHaveLength(1);
    expect(bench.peer.snapshot(bench.now).floors.get(tagOf('dev'))).toBe(hour);
  });

  it('takes nothing older than any channel is kept', () => {
    const bench = new Bench();
    const leaf = bench.connect('leaf', { live: true });
    const timeMs = EPOCH_MS - DEFAULT_RETENTION.joined.ageMs - DAY;
    leaf.send({
      ...{ type: 'push', root: '', keep: true },
      messages: [bench.message('ancient', { time: { timeMs, counter: 0 } })],
    });
    bench.run(0);
    expect(bench.ops('message')).toEqual([]);
    expect(leaf.got('stored')).toEqual([]);
  });

  it('is still carried for an hour after we were down for long, as far back as before', () => {
    const [tag, lapsed] = [tagOf('dev'), tagOf('ops')];
    const clockMs = EPOCH_MS - 20 * DAY;
    const bench = new Bench({
      state: {
        clockMs,
        carried: [
          { tag, untilMs: clockMs + DAY },
          { tag: lapsed, untilMs: clockMs },
        ],
      },
    });
    const floorOf = (one: string) => bench.peer.snapshot(bench.now).floors.get(one);
    expect(floorOf(tag)).toBe(Math.floor((clockMs - LIMITS.carriedMs) / HOUR));
    expect(floorOf(lapsed)).toBe(floor(LIMITS.carriedMs));
    bench.run(LIMITS.unwantedMs);
    expect(floorOf(tag)).toBe(floor(LIMITS.carriedMs) + 1);
  });

  it('keeps what comes late in that hour as long as everything else', () => {
    const tag = tagOf('dev');
    const clockMs = EPOCH_MS - 9 * DAY;
    const bench = new Bench({
      state: { clockMs, carried: [{ tag, untilMs: clockMs + 6 * DAY, sinceHour: 0 }] },
    });
    const leaf = bench.connect('leaf', { live: true });
    const late = bench.message('late', { time: { timeMs: EPOCH_MS - 8 * DAY, counter: 0 } });
    leaf.send({ type: 'push', root: '', keep: true, messages: [late] });
    bench.run(2 * HOUR);
    expect(bench.ops('message').map(({ message }) => message.message.body)).toEqual(['late']);
    const thenHour = Math.floor((clockMs - LIMITS.carriedMs) / HOUR);
    expect(bench.peer.snapshot(bench.now).floors.get(tag)).toBe(thenHour);
  });

  it('is so over a restart in that hour too, because the store hears of it first, and again if it could not', () => {
    const tag = tagOf('dev');
    const clockMs = EPOCH_MS - 20 * DAY;
    const state = { clockMs, carried: [{ tag, untilMs: clockMs + DAY }] };
    const noted = new Bench({ state }).ops('carry');
    const thenHour = Math.floor((clockMs - LIMITS.carriedMs) / HOUR);
    expect(noted).toEqual([{ kind: 'carry', tag, untilMs: EPOCH_MS + HOUR, sinceHour: thenHour }]);
    const refused = new Bench({ state, failPersists: 1 });
    refused.run(5000);
    expect(refused.ops('carry')).toEqual([...noted, ...noted]);
    const again = new Bench({ state: { clockMs: EPOCH_MS - 5 * 60_000, carried: noted } });
    expect(again.ops('carry')).toEqual([]);
    again.run(2 * 60_000);
    expect(again.peer.snapshot(again.now).floors.get(tag)).toBe(thenHour);
  });
});
