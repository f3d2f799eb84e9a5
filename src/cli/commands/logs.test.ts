import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type RunOptions, type RunResult, runCli } from '../testing/run-cli.ts';

let data: string;
beforeEach(() => {
  data = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-logs-'));
  onTestFinished(() => fs.rmSync(data, { recursive: true }));
});

const logs = (argv: readonly string[] = [], options?: RunOptions): Promise<RunResult> =>
  runCli(['logs', '--data', data, ...argv], options);

function write(...lines: readonly (readonly [level: string, agoMs: number, phrase: string])[]): void {
  fs.mkdirSync(path.join(data, 'logs'), { recursive: true });
  const text = lines.map(([level, agoMs, phrase]) =>
    JSON.stringify({ level, time: new Date(Date.now() - agoMs).toISOString(), phrase }),
  );
  fs.appendFileSync(path.join(data, 'logs', 'mesh-1.log'), `${text.join('\n')}\n`);
}

const phrases = ({ json }: RunResult): unknown[] => json.map((line) => (line as { phrase: string }).phrase);

describe('mesh logs', () => {
  it('needs no daemon, and shows the last fifty lines for people', async () => {
    write(...Array.from({ length: 60 }, (_, n) => ['info', 0, `phrase ${n}`] as const));
    const { code, stdout, stderr } = await logs();
    expect([code, stderr]).toEqual([0, '']);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(50);
    expect(lines.at(-1)).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}info {3}phrase 59$/);
  });

  it('chooses by number, level and time', async () => {
    write(['error', 7_200_000, 'a'], ['info', 60_000, 'b'], ['warn', 30_000, 'c'], ['error', 0, 'd']);
    expect(phrases(await logs(['--json', '--lines', '2']))).toEqual(['c', 'd']);
    expect(phrases(await logs(['--json', '--level', 'error']))).toEqual(['a', 'd']);
    expect(phrases(await logs(['--json', '--level', 'error', '--lines', '1']))).toEqual(['d']);
    expect(phrases(await logs(['--json', '--since', '1h']))).toEqual(['b', 'c', 'd']);
    expect(phrases(await logs(['--json', '--since', '1h', '--level', 'warn']))).toEqual(['c', 'd']);
    const since = new Date(Date.now() - 45_000).toISOString();
    expect(phrases(await logs(['--json', '--since', since]))).toEqual(['c', 'd']);
  });

  it('shows a line that was cut off as what it is', async () => {
    write(['info', 0, 'a']);
    fs.appendFileSync(path.join(data, 'logs', 'mesh-1.log'), '{"level":"in');
    expect((await logs()).stdout).toMatch(/info {3}a\n\(damaged line\) \{"level":"in\n$/);
    expect((await logs(['--json'])).json.at(-1)).toEqual({ damaged: '{"level":"in' });
  });

  it('colours levels on a terminal, unless NO_COLOR says no', async () => {
    write(['error', 0, 'a']);
    expect((await logs([], { isTTY: true })).stdout).toContain('\u001b[31merror\u001b[39m');
    expect((await logs([], { isTTY: true, env: { NO_COLOR: '1' } })).stdout).not.toContain('\u001b');
  });

  it.each([[[]], [['--follow']]])('says what to do where there is none (%j)', async (argv) => {
    const { code, stderr } = await logs(argv);
    expect(code).toBe(1);
    expect(stderr).toContain('There is no log to show.');
    expect(stderr).toContain('MESH_LOG_FILES');
    expect(JSON.parse((await logs([...argv, '--json'])).stderr).code).toBe('no_log');
  });

  it('says so where it cannot be read', async () => {
    fs.writeFileSync(path.join(data, 'logs'), '');
    expect((await logs()).stderr).toContain('cannot be read (ENOTDIR)');
  });

  it.each([
    [['--lines', '0'], '--lines must be a whole number from 1'],
    [['--lines', 'x'], '--lines must be'],
    [['--since', 'yesterday'], '--since must be like 90s'],
    [['--since', '2026-13-40'], '--since must be like'],
    [['--level', 'loud'], 'Choices'],
  ])('refuses %j', async (argv, why) => {
    const { code, stderr } = await logs(argv);
    expect(code).toBe(2);
    expect(stderr).toContain(why);
    expect(stderr).toContain('See "mesh logs --help".');
  });
});
