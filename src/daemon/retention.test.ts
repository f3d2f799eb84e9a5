import { describe, expect, it } from 'vitest';
import { DAY, HOUR, MiB } from '../core/limits.ts';
import { joined, published, signedMessage, tagOf, WALL_MS } from '../store/testing/messages.ts';
import type { RetentionRequest } from './gate.ts';
import { checkedPolicy, RETENTION_BOUNDS, retentionDefaults, retentionView } from './retention.ts';
import { retentionLimits } from './retention-options.ts';
import { me, setUp } from './testing/gate.ts';

const failing = (code: string, detail = '') =>
  expect.objectContaining({ code, detail: expect.stringContaining(detail) });
const LIMITS = retentionLimits({});

describe('a retention policy', () => {
  it('has what was asked for and nothing else', () => {
    expect(checkedPolicy({})).toEqual({});
    expect(checkedPolicy({ days: 30, messages: 0, bytes: MiB, pinned: true })).toEqual({
      ageMs: 30 * DAY,
      messages: 0,
      bytes: MiB,
      pinned: true,
    });
    expect(checkedPolicy({ pinned: false })).toEqual({});
  });

  it.each<[Omit<RetentionRequest, 'channel'>, string]>([
    [{ days: 0 }, 'days must be a whole number from 1 to 36500, not 0.'],
    [{ days: 36_501 }, 'days must be'],
    [{ days: 1.5 }, 'days must be'],
    [{ messages: -1 }, 'messages must be a whole number from 0 to 1000000000'],
    [{ messages: Number.NaN }, 'messages must be'],
    [{ bytes: MiB - 1 }, 'bytes must be a whole number from 1048576 to 1125899906842624'],
    [{ bytes: Number.POSITIVE_INFINITY }, 'bytes must be'],
  ])('is refused for %o, with what is allowed', (request, words) => {
    expect(() => checkedPolicy(request)).toThrow(failing('bad_request', words));
  });

  it('may be at the edges of what is allowed', () => {
    for (const name of ['days', 'messages', 'bytes'] as const)
      for (const value of Object.values(RETENTION_BOUNDS[name]))
        expect(() => checkedPolicy({ [name]: value })).not.toThrow();
  });

  it('is shown with the defaults where it says nothing, and says whether it is its own', () => {
    const defaults = { days: 90, messages: 1_000_000, bytes: 1024 * MiB, pinned: false, isOwn: false };
    expect(retentionView({}, LIMITS)).toEqual(defaults);
    expect(retentionView({ ageMs: DAY }, LIMITS)).toEqual({ ...defaults, days: 1, isOwn: true });
    expect(retentionView({ messages: 0 }, LIMITS)).toEqual({ ...defaults, messages: 0, isOwn: true });
    expect(retentionView({ pinned: true }, LIMITS)).toEqual({ ...defaults, pinned: true, isOwn: true });
    expect(retentionDefaults(LIMITS)).toEqual({
      joined: { days: 90, messages: 1_000_000, bytes: 1024 * MiB },
      carried: { days: 7, bytes: 64 * MiB },
      carriedBytesAll: 1024 * MiB,
      bytesAll: 4096 * MiB,
    });
  });
});

describe('leaving', () => {
  it('normalises the name, and says whether there was something to leave', async () => {
    const { gate, events, commands } = setUp();
    const promise = gate.leave('cafe\u0301');
    expect(events).toEqual([{ kind: 'leave', request: 1, channel: 'caf\u00e9' }]);
    commands.answer(1, { kind: 'left', channel: 'caf\u00e9', wasJoined: false });
    expect(await promise).toEqual({ channel: 'caf\u00e9', wasJoined: false });
    await expect(gate.leave('dm:x')).rejects.toEqual(failing('bad_channel'));
  });
});

describe('setting the retention of a channel', () => {
  it('hands the policy to the core and answers with what holds then', async () => {
    const { gate, events, commands, store } = setUp();
    const promise = gate.retain({ channel: 'dev', days: 3, pinned: true });
    const policy = { ageMs: 3 * DAY, pinned: true };
    expect(events).toEqual([{ kind: 'retain', request: 1, channel: 'dev', policy }]);
    const tag = tagOf('dev');
    store.transact([[{ kind: 'retention', channel: 'dev', tag, policy }]]);
    commands.answer(1, { kind: 'retained', channel: 'dev' });
    expect(await promise).toMatchObject({
      channel: 'dev',
      joined: true,
      retention: { days: 3, messages: 1_000_000, pinned: true, isOwn: true },
    });
  });

  it('is refused for channels that are not joined, and for nonsense before the core hears of it', async () => {
    const { gate, events, commands } = setUp();
    const promise = gate.retain({ channel: 'ops', days: 3 });
    commands.answer(1, { kind: 'failed', code: 'not_found', detail: '' });
    await expect(promise).rejects.toEqual(failing('not_found', 'The channel "ops" is not joined.'));
    await expect(gate.retain({ channel: 'dev', days: 0 })).rejects.toEqual(failing('bad_request', '1 to'));
    await expect(gate.retain({ channel: '~x' })).rejects.toEqual(failing('bad_channel'));
    expect(events).toHaveLength(1);
    const full = gate.retain({ channel: 'dev' });
    commands.answer(2, { kind: 'failed', code: 'store_failed', detail: '' });
    await expect(full).rejects.toEqual(failing('store_failed'));
  });
});

describe('the list of channels', () => {
  it('has joined ones first, each by name, with their cost, since when they are kept, and what holds', () => {
    const hour = WALL_MS / HOUR - 24;
    const floors = new Map(['dev', 'b'].map((name) => [tagOf(name), hour]));
    const { gate, store } = setUp({ floors });
    store.transact([[joined('zoo')], [joined('Ant')]]);
    for (const channel of ['c', 'b', 'dev']) store.transact([[published(signedMessage(me, { channel }))]]);
    const { channels } = gate.status();
    expect(channels.map(({ channel }) => channel)).toEqual(['Ant', 'dev', 'zoo', 'b', 'c']);
    const since = new Date(WALL_MS - DAY).toISOString();
    expect(channels[1]).toMatchObject({ joined: true, messages: 1, since, retention: { days: 90 } });
    expect(channels[1]?.bytes).toBeGreaterThan(500);
    expect(channels[3]).toMatchObject({ joined: false, since, retention: null });
    expect(channels[4]).toMatchObject({ joined: false, since: null });
  });
});
