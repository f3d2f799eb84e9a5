import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LegacyMessageJson } from '../../api/client/index.ts';
import { fakeId, STRANGER } from '../../api/testing/fake-gate.ts';
import { startTestApi, type TestApi } from '../../api/testing/harness.ts';
import type { Gate } from '../../daemon/index.ts';
import { type RunOptions, runCli } from '../testing/run-cli.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi();
});
afterEach(() => api.stop());

const read = (argv: readonly string[], options?: RunOptions) =>
  runCli(['read', ...argv, '--data', api.folder], options);

function fill(count: number): string[] {
  return Array.from({ length: count }, (_, i) => api.gate.add('dev', String(i)).body);
}
const bodiesOf = (json: readonly unknown[]) => (json as { body: string }[]).map(({ body }) => body);

describe('mesh read', () => {
  it('shows time, author and text, oldest first', async () => {
    api.gate.add('dev', 'one');
    api.gate.add('dev', 'two', { refs: [{ relation: 'reply', id: fakeId('dev 1') }] });
    api.gate.add('dev', 'three', { equivocates: true });
    const { code, stdout } = await read(['dev']);
    expect(code).toBe(0);
    const lines = stdout.split('\n');
    expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:01 {2}BBBBBBBB {2}one$/);
    expect(lines[1]).toMatch(/ {2}\(reply to .{8}\) two$/);
    expect(lines[2]).toMatch(/ {2}\(two histories\) three$/);
  });

  it('gives an object a line with --json', async () => {
    const view = api.gate.add('dev', 'x', { payload: { a: 1 } });
    const { json } = await read(['dev', '--json']);
    expect(json).toEqual([view]);
    expect(json[0]).toMatchObject({
      id: view.id,
      channel: 'dev',
      author: STRANGER,
      body: 'x',
      payload: { a: 1 },
    });
    expect((await read(['empty', '--json'])).stdout).toBe('');
  });

  it('goes over as many pages as it takes, without gap or repeat', async () => {
    const all = fill(5500);
    expect(bodiesOf((await read(['dev', '--json', '--limit', '5000'])).json)).toEqual(all.slice(500));
    expect(bodiesOf((await read(['dev', '--json', '--limit', '999999'])).json)).toEqual(all);
    const before = api.gate.list[4000]?.id ?? '';
    const argv = ['dev', '--json', '--limit', '2500', '--before', before];
    expect(bodiesOf((await read(argv)).json)).toEqual(all.slice(1500, 4000));
    expect(bodiesOf((await read(['dev', '--json'])).json)).toEqual(all.slice(-50));
  });

  it('says when the id is unknown', async () => {
    const { code, stderr } = await read(['dev', '--before', fakeId('unknown'), '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stderr).code).toBe('not_found');
  });

  it('writes out what could move a terminal, and indents further lines', async () => {
    const evil = '\u001b[2J\u009b31m\u0007 a\r\nb \u202e\u2066x\u200b\u{e0041}\ttab \u{1f469}\u200d\u{1f680}';
    api.gate.add('dev', evil);
    const { stdout } = await read(['dev'], { isTTY: true, env: { NO_COLOR: '1' } });
    expect(stdout).toContain(
      '\\x1b[2J\\x9b31m\\x07 a\n    b \\u{202e}\\u{2066}x\\u{200b}\\u{e0041}  tab \u{1f469}\u200d\u{1f680}\n',
    );
    const json = await read(['dev', '--json']);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(json.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\u2066]/);
    expect(bodiesOf(json.json)).toEqual([evil]);
  });
});

describe('mesh read --follow', () => {
  /** Follows until `stop` says so, then ends the daemon: a follow has no other end. */
  async function follow(argv: readonly string[], stop: (lines: number) => boolean): Promise<string[]> {
    const { promise: enough, resolve } = Promise.withResolvers<void>();
    const onStdout = (text: string) => {
      if (stop(text.split('\n').length - 1)) resolve();
    };
    const running = read([...argv, '--follow', '--json'], { onStdout });
    await enough;
    await api.api.close();
    const { code, json } = await running;
    expect(code).toBe(3);
    return bodiesOf(json);
  }

  it('shows the history and then what comes', async () => {
    const all = fill(10);
    const bodies = await follow(['dev', '--limit', '3'], (lines) => {
      if (lines === 3) api.gate.add('other', 'not this');
      if (lines >= 3 && lines < 6) api.gate.add('dev', `live ${lines}`);
      return lines === 6;
    });
    expect(bodies).toEqual([...all.slice(-3), 'live 3', 'live 4', 'live 5']);
  });

  it('shows once what comes while the history is read', async () => {
    fill(10);
    const messages = api.gate.messages.bind(api.gate);
    api.gate.messages = (page) => {
      api.gate.messages = messages;
      api.gate.add('dev', 'between'); // the feed is live already, the page is not read yet
      return messages(page);
    };
    const bodies = await follow(['dev', '--limit', '2'], (lines) => {
      if (lines === 2) api.gate.add('dev', 'after');
      return lines === 3;
    });
    expect(bodies).toEqual(['9', 'between', 'after']);
  });

  it('can begin with nothing', async () => {
    fill(10);
    const running = follow(['dev', '--limit', '0'], (lines) => lines === 1);
    await api.gate.until(() => api.gate.isFollowed);
    api.gate.add('dev', 'new');
    expect(await running).toEqual(['new']);
  });
});

/** What a follower is shown of these, with the lines that follow when the daemon ends. */
async function show(argv: readonly string[], tell: () => void, lines: number) {
  const { promise: enough, resolve } = Promise.withResolvers<void>();
  const onStdout = (text: string) => {
    if (text.split('\n').length > lines) resolve();
  };
  const running = read(['dev', '--limit', '0', '--follow', ...argv], { onStdout });
  await api.gate.until(() => api.gate.isFollowed);
  tell();
  await enough;
  await api.api.close();
  return running;
}

describe('mesh read --follow of what is edited and deleted', () => {
  it('says what was changed to what, and what was deleted', async () => {
    const message = api.gate.add('dev', 'first');
    const { stdout } = await show(
      [],
      () =>
        api.gate.change({ edited: [{ ...message, body: 'better\u001b[2J\nby far' }], deleted: [message.id] }),
      3,
    );
    const [author, id] = [message.author, message.id].map((text) => text.slice(0, 8));
    expect(stdout.split('\n').slice(0, 3)).toEqual([
      `${author} changed ${id}: better\\x1b[2J`,
      '    by far',
      `${id} was deleted`,
    ]);
  });

  it('gives an object without id with --json', async () => {
    const message = api.gate.add('dev', 'first');
    const change = { arrival: 4, deleted: [message.id] };
    const { json } = await show(['--json'], () => api.gate.change(change), 1);
    expect(json).toEqual([{ channel: 'dev', edited: [], ...change }]);
  });
});

describe('mesh read --follow --live', () => {
  const words = (stdout: string) => stdout.split('\n').map((line) => line.replace(/^.{19} {2}/, ''));

  it('shows who is doing what, and the end of what is written', async () => {
    const { stdout } = await show(
      ['--live'],
      () => {
        const activity = { kind: 'activity', text: '' } as const;
        api.gate.tell({ ...activity, doing: 'typing' });
        api.gate.tell({ ...activity, doing: 'tool', text: 'search' });
        api.gate.tell({ ...activity, doing: 'reasoning', state: 'ended' });
        api.gate.tell({ text: `${'x'.repeat(100)}\u001b[2J\nIt is` });
        api.gate.tell({ text: 'It is Tuesday', state: 'ended' });
        api.gate.tell({ text: 'It', state: 'cancelled' });
      },
      6,
    );
    expect(words(stdout).slice(0, 6)).toEqual([
      'BBBBBBBB is typing',
      'BBBBBBBB uses a tool: search',
      'BBBBBBBB is done',
      expect.stringMatching(/^BBBBBBBB writes: …x+\\x1b\[2J It is$/),
      'BBBBBBBB has written: It is Tuesday',
      'BBBBBBBB breaks off',
    ]);
  });

  it('gives an object without id with --json, and shows none of it without --live', async () => {
    const told = { text: 'It is' };
    const { json } = await show(['--live', '--json'], () => api.gate.tell(told), 1);
    expect(json).toEqual([api.gate.ephemerals[0]]);
    expect(json[0]).not.toHaveProperty('id');
  });

  it('goes with --follow only', async () => {
    const { code, stderr } = await read(['dev', '--live']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('--follow')]);
  });
});

describe('mesh read --legacy', () => {
  let asked: { limit: number; before?: string | undefined }[] = [];

  /** A history of mesh/1 with messages 1 to `count` in lobby; a page has `pageMax` at most, as where messages are long. */
  function leave(count: number, pageMax = 1000, fields: Partial<LegacyMessageJson> = {}): string[] {
    asked = [];
    const all = Array.from(
      { length: count },
      (_, n): LegacyMessageJson => ({
        ...{
          verified: false,
          position: String(n + 1),
          id: `id ${n}`,
          channel: 'lobby',
          sender: 'peer-abcd1234',
        },
        ...{ time: new Date(Date.UTC(2025, 0, 1, 12, 0, n)).toISOString(), body: `old ${n}`, payload: null },
        ...{ signature: 'none', shortened: false, ...fields },
      }),
    );
    (api.gate as Gate).legacy = {
      file: '/old/mesh\u001b.db',
      channels: async () => [
        { channel: 'dm:a:\u202eb', messages: 1 },
        { channel: 'lobby', messages: count },
      ],
      messages: async ({ channel, limit, before }) => {
        asked.push({ limit, before });
        const end = before === undefined ? count : Number(before) - 1;
        return channel === 'lobby' ? all.slice(Math.max(0, end - Math.min(limit, pageMax)), end) : [];
      },
    };
    return all.map(({ body }) => body);
  }

  it('says above it what it is, and shows sender and text, oldest first', async () => {
    leave(60);
    const { code, stdout, stderr } = await read(['lobby', '--legacy']);
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toBe(
      'Unverified history of mesh/1, from /old/mesh\\x1b.db: anybody may have written it.',
    );
    expect(lines).toHaveLength(51);
    expect(lines[1]).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:10 {2}peer-abcd1234\? {2}old 10$/);
    expect(stderr).toBe('For older ones add --before 11\n');
    expect((await read(['lobby', '--legacy', '--before', '11'])).stdout).toContain('old 9\n');
  });

  it('gives an object a line with --json, each marked as unverified', async () => {
    leave(2, 1000, { payload: { a: 1 } });
    const { json, stderr } = await read(['lobby', '--legacy', '--json', '--limit', '1']);
    expect(json).toMatchObject([
      { verified: false, sender: 'peer-abcd1234', body: 'old 1', payload: { a: 1 } },
    ]);
    expect(stderr).toBe('');
  });

  it('goes over as many pages as it takes, also short ones, with one in memory', async () => {
    const all = leave(2600);
    const bodies = async (...argv: string[]) =>
      bodiesOf((await read(['lobby', '--legacy', '--json', ...argv])).json);
    expect(await bodies('--limit', '2500')).toEqual(all.slice(100));
    expect(asked.map(({ limit }) => limit)).toEqual([1000, 1000, 500, 1000, 1000]);
    leave(2600, 300);
    expect(await bodies('--limit', '999999')).toEqual(all);
    expect(await bodies('--limit', '700', '--before', '1001')).toEqual(all.slice(300, 1000));
  });

  it('writes out what could move a terminal, and marks signatures and what was shortened', async () => {
    const evil = '\u001b[2J \u202e\n2025-01-01 00:00:00  peer  fake';
    const fields = { sender: '\u009b31m-and-a-long-label', time: 'no\u0007time', body: evil };
    leave(1, 1000, { ...fields, signature: 'wrong', shortened: true });
    const { stdout } = await read(['lobby', '--legacy']);
    expect(stdout.split('\n').slice(1)).toEqual([
      'no\\x07time  \\x9b31m-and-a-long-?  (signature wrong) \\x1b[2J \\u{202e}',
      '    2025-01-01 00:00:00  peer  fake (shortened)',
      '',
    ]);
  });

  it('names the channels there are where the one asked for has nothing', async () => {
    leave(3);
    const { code, stdout, stderr } = await read(['nobody', '--legacy']);
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toBe(
      'Nothing of this channel in /old/mesh\\x1b.db. Its channels: dm:a:\\u{202e}b, lobby.\n',
    );
  });

  it('says where mesh/1 never was, and does not go with --follow', async () => {
    const none = await read(['lobby', '--legacy', '--json']);
    expect(none.code).toBe(1);
    expect(JSON.parse(none.stderr)).toMatchObject({
      code: 'not_found',
      detail: expect.stringContaining('mesh/1'),
    });
    const both = await read(['lobby', '--legacy', '--follow']);
    expect(both.code).toBe(2);
    expect(both.stderr).toContain('--legacy');
  });
});
