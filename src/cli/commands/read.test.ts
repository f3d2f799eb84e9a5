import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeId, STRANGER } from '../../api/testing/fake-gate.ts';
import { startTestApi, type TestApi } from '../../api/testing/harness.ts';
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
    const { code, stdout } = await read(['dev']);
    expect(code).toBe(0);
    const lines = stdout.split('\n');
    expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:01 {2}BBBBBBBB {2}one$/);
    expect(lines[1]).toMatch(/ {2}\(reply to .{8}\) two$/);
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
