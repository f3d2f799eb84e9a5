import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../../api/testing/harness.ts';
import type { ChannelView } from '../../daemon/index.ts';
import { RETENTION_BOUNDS } from '../../daemon/retention.ts';
import { type RunOptions, runCli } from '../testing/run-cli.ts';
import { BOUNDS } from './retention.ts';

const MiB = 2 ** 20;
const DEFAULTS = { days: 90, messages: 1_000_000, bytes: 1024 * MiB, pinned: false, isOwn: false };

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi();
});
afterEach(() => api.stop());

const mesh = (argv: readonly string[], options?: RunOptions) =>
  runCli([...argv, '--data', api.folder], options);

describe('mesh channels', () => {
  const view = (channel: string, rest: Partial<ChannelView> = {}): ChannelView => ({
    ...{ channel, joined: true, messages: 12, bytes: 6144, since: '2026-08-22T12:00:00.000Z' },
    retention: DEFAULTS,
    ...rest,
  });

  it('is a table of what is here, what it costs and how long it stays', async () => {
    const since = new Date(2026, 7, 22, 14).toISOString();
    api.gate.overrides = {
      channels: [
        view('#dev', { since, retention: { ...DEFAULTS, days: 1, messages: 1, pinned: true, isOwn: true } }),
        view('日本\u001b[2J', { since, bytes: 5 * MiB + 1 }),
        view('b', { joined: false, since, retention: null }),
        view('gone', { joined: false, since: null, retention: null, messages: 0, bytes: 0 }),
      ],
    };
    const { code, stdout } = await mesh(['channels']);
    expect(code).toBe(0);
    expect(stdout).toMatchInlineSnapshot(`
      "CHANNEL      STATE    MESSAGES     SIZE  GOES BACK TO      RETENTION
      #dev         joined         12    6 KiB  2026-08-22 14:00  1 day, 1 message, 1 GiB, pinned (set), over its limit, own ones included
      日本\\x1b[2J  joined         12  5.0 MiB  2026-08-22 14:00  90 days, 1,000,000 messages, 1 GiB (default)
      b            carried        12    6 KiB  2026-08-22 14:00  7 days, 64 MiB (not joined)
      gone         lapsed          0  0 bytes  not kept          90 days, own messages only
      2 joined, 2 not joined; 5.0 MiB of at most 4 GiB.
      "
    `);
  });

  it('says where a limit is passed, of all together too', async () => {
    const channels = [view('a', { bytes: 5 * 1024 * MiB })];
    api.gate.overrides = { channels };
    const { stdout } = await mesh(['channels']);
    expect(stdout).toContain('1 GiB (default), over its limit');
    expect(stdout).toContain('; 5 GiB of at most 4 GiB, over its limit.');
  });

  it('says what to do when there is none', async () => {
    expect((await mesh(['channels'])).stdout).toBe(
      'No channel is known here. To join one: mesh join lobby\n',
    );
    expect((await mesh(['channels', '--json'])).stdout).toBe('');
  });

  it('gives an object a line with --json', async () => {
    await mesh(['join', '#dev']);
    api.gate.add('lobby', 'x');
    const { json } = await mesh(['channels', '--json']);
    expect(json).toEqual(api.gate.status().channels);
    expect(json[0]).toMatchObject({ channel: '#dev', joined: true, retention: DEFAULTS });
  });
});

describe('mesh leave', () => {
  it('leaves, and says what becomes of what is stored and how to come back', async () => {
    await mesh(['join', "#it's"]);
    const { code, stdout } = await mesh(['leave', "#it's"]);
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        "Left #it's.",
        'What is stored stays here for 7 days more, at most 64 MiB of others, and your own messages until they are 90 days old. Then it is removed.',
        "To join again: mesh join '#it'\\''s'",
        '',
      ].join('\n'),
    );
    expect((await mesh(['leave', "#it's"])).stdout).toBe("#it's was not joined.\n");
    expect((await mesh(['leave', 'dev', '--json'])).json).toEqual([{ channel: 'dev', wasJoined: false }]);
  });

  it('passes on what the daemon refuses', async () => {
    const { code, stderr } = await mesh(['leave', 'dm:x', '--json']);
    expect([code, JSON.parse(stderr).code]).toEqual([1, 'bad_channel']);
  });
});

describe('mesh retention', () => {
  beforeEach(async () => {
    await mesh(['join', '#dev']);
    await mesh(['join', 'lobby']);
  });

  it('shows the defaults and what holds for each joined channel', async () => {
    await mesh(['retention', '#dev', '--days', '30']);
    expect((await mesh(['retention'])).stdout).toMatchInlineSnapshot(`
      "Defaults
        Joined channel  90 days, 1,000,000 messages, 1 GiB of others
        Other channel   7 days after it was left or last written to from here, 64 MiB, 1 GiB of all together
        Everything      4 GiB
      Joined channels
        #dev   30 days, 1,000,000 messages, 1 GiB (set)
        lobby  90 days, 1,000,000 messages, 1 GiB (default)
      "
    `);
    const [all] = (await mesh(['retention', '--json'])).json;
    expect(all).toMatchObject({
      defaults: { joined: { days: 90 }, carried: { days: 7 }, bytesAll: 4096 * MiB },
      channels: [{ channel: '#dev', retention: { days: 30 } }, { channel: 'lobby' }],
    });
  });

  it('sets what is named and leaves the rest', async () => {
    const { stdout } = await mesh(['retention', '#dev', '--days', '30', '--size', '100MB', '--pin']);
    expect(stdout).toBe('#dev: 30 days, 1,000,000 messages, 100 MB, pinned (set)\n');
    expect((await mesh(['retention', '#dev', '--messages', '5', '--unpin'])).stdout).toBe(
      '#dev: 30 days, 5 messages, 100 MB (set)\n',
    );
    expect((await mesh(['retention', '#dev'])).stdout).toBe('#dev: 30 days, 5 messages, 100 MB (set)\n');
    expect(api.gate.policies.get('#dev')).toEqual({ ageMs: 30 * 86_400_000, messages: 5, bytes: 1e8 });
  });

  it('goes back to the defaults, but for what is named with them', async () => {
    await mesh(['retention', '#dev', '--days', '30', '--pin']);
    const { json } = await mesh(['retention', '#dev', '--default', '--messages', '7', '--json']);
    expect(json).toMatchObject([{ channel: '#dev', retention: { ...DEFAULTS, messages: 7, isOwn: true } }]);
    expect((await mesh(['retention', '#dev', '--default'])).stdout).toBe(
      '#dev: 90 days, 1,000,000 messages, 1 GiB (default)\n',
    );
    expect(api.gate.policies.get('#dev')).toEqual({});
  });

  it('does not freeze a default that is only shown', async () => {
    await mesh(['retention', '#dev', '--days', '30']);
    await mesh(['retention', '#dev', '--pin']);
    expect(api.gate.policies.get('#dev')).toEqual({ ageMs: 30 * 86_400_000, pinned: true });
  });

  it('knows no channel that is not joined', async () => {
    api.gate.add('ops', 'x');
    for (const argv of [['ops'], ['ops', '--days', '1'], ['none']]) {
      const { code, stderr } = await mesh(['retention', ...argv, '--json']);
      expect([code, JSON.parse(stderr).code]).toEqual([1, 'not_found']);
    }
    const { code, stderr } = await mesh(['retention', '#x y']);
    expect([code, stderr]).toEqual([
      1,
      `mesh: The channel "#x y" is not joined, so it has no retention of its own.\nJoin it first: mesh join '#x y'\n`,
    ]);
  });

  it.each([
    [['--days', '30'], 'Say which channel'],
    [['--default'], 'Say which channel'],
    [['x', '--pin', '--unpin'], '--pin or --unpin'],
    [['x', '--days', '0'], '--days must be a whole number from 1 to 36500'],
    [['x', '--messages', '-1'], '--messages must be'],
    [['x', '--size', '10'], '--size must be a size from 1 MiB to 1024 TiB'],
    [['x', 'y'], 'Unknown'],
  ])('refuses %j before it asks the daemon', async (argv, why) => {
    const { code, stderr } = await mesh(['retention', ...argv]);
    expect(code).toBe(2);
    expect(stderr).toContain(why);
    expect(api.gate.policies.size).toBe(0);
  });

  it('has the bounds of the daemon', () => {
    expect(BOUNDS).toEqual(RETENTION_BOUNDS);
  });
});
