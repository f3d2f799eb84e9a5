import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../../api/testing/harness.ts';
import { type RunOptions, runCli } from '../testing/run-cli.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi();
  api.gate.joined.add('dev');
});
afterEach(() => api.stop());

const wait = (argv: readonly string[], options?: RunOptions) =>
  runCli(['wait', ...argv, '--data', api.folder], options);
const bodiesOf = (json: readonly unknown[]) => (json as { body: string }[]).map(({ body }) => body);

describe('mesh wait', () => {
  it('shows at once what others wrote after an arrival number, oldest arrival first', async () => {
    for (const body of ['one', 'two', 'three']) api.gate.add('dev', body);
    api.gate.add('other', 'not this');
    const { code, json } = await wait(['dev', '--after', '1', '--json']);
    expect(code).toBe(0);
    expect(bodiesOf(json)).toEqual(['two', 'three']);
    expect(json[1]).toMatchObject({ arrival: 3, channel: 'dev', own: false });
  });

  it('shows no more than --limit, and the last arrival number leads to the rest', async () => {
    for (let i = 1; i <= 5; i++) api.gate.add('dev', String(i));
    const first = await wait(['dev', '--after', '0', '--limit', '2', '--json']);
    expect(bodiesOf(first.json)).toEqual(['1', '2']);
    const { arrival } = first.json.at(-1) as { arrival: number };
    expect(bodiesOf((await wait(['dev', '--after', `${arrival}`, '--json'])).json)).toEqual(['3', '4', '5']);
  });

  it('waits for the next message of somebody else and ends with it', async () => {
    api.gate.add('dev', 'old');
    const running = wait(['dev', '--json']);
    await api.gate.until(() => api.gate.isFollowed);
    api.gate.add('other', 'not this');
    api.gate.add('dev', 'mine', { own: true, delivery: { state: 'queued', storedBy: [] } });
    api.gate.add('dev', 'new');
    const { code, json, stderr } = await running;
    expect(bodiesOf(json)).toEqual(['new']);
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  it('is not woken by what was written here', async () => {
    api.gate.add('dev', 'mine', { own: true, delivery: { state: 'queued', storedBy: [] } });
    const { code, stdout, stderr } = await wait(['dev', '--after', '0', '--timeout', '0.1']);
    expect(code).toBe(4);
    expect(stdout).toBe('');
    expect(stderr).toBe('Nothing came within 0.1 seconds.\n');
    const one = await wait(['dev', '--timeout', '1']);
    expect(one.stderr).toContain('Nothing came within 1 second.\n');
  });

  it('looks without waiting with --timeout 0, and is silent about nothing with --json', async () => {
    expect(await wait(['dev', '--timeout', '0', '--json'])).toMatchObject({
      code: 4,
      stdout: '',
      stderr: '',
    });
    api.gate.add('dev', 'x');
    expect((await wait(['dev', '--after', '0', '--timeout', '0', '--json'])).code).toBe(0);
  });

  it('says that the channel is not joined', async () => {
    const { stderr } = await wait(['elsewhere', '--timeout', '0']);
    expect(stderr).toContain("mesh join 'elsewhere'");
  });

  it('fails for an arrival number that this daemon has not reached', async () => {
    const { code, stderr } = await wait(['dev', '--after', '9', '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stderr).code).toBe('bad_request');
  });

  it('ends with 3 where no daemon answers', async () => {
    expect((await runCli(['wait', 'dev', '--data', `${api.folder}/none`])).code).toBe(3);
  });

  it('ends with 3 when the daemon stops meanwhile', async () => {
    const running = wait(['dev', '--json']);
    await api.gate.until(() => api.gate.isFollowed);
    await api.api.close();
    const { code, stderr } = await running;
    expect(code).toBe(3);
    expect(JSON.parse(stderr).code).toBe('no_daemon');
  });

  it.each([
    ['--after', '-1'],
    ['--after', 'x'],
    ['--limit', '0'],
    ['--timeout', '3601'],
  ])('refuses %s %s with exit code 2', async (option, value) => {
    const { code, stderr } = await wait(['dev', `${option}=${value}`]);
    expect(code).toBe(2);
    expect(stderr).toContain(option);
  });
});
