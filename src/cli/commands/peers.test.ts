import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MAP } from '../../api/testing/fake-map.ts';
import { startTestApi, type TestApi } from '../../api/testing/harness.ts';
import { runCli } from '../testing/run-cli.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi();
});
afterEach(() => api.stop());

describe('mesh peers', () => {
  const peers = async (lastError: string | null): Promise<string> => {
    const address = { url: 'wss://relay.example/', peer: '', source: 'list', state: 'waiting', next: null };
    vi.spyOn(api.gate, 'addresses').mockReturnValue([{ ...address, lastError }]);
    return (await runCli(['peers', '--data', api.folder])).stdout;
  };

  it('says why the last try of an address failed', async () => {
    expect(await peers('unauthorized: dial wss://x/, and no other URL')).toContain(
      'wss://relay.example/  waiting, from list, last try: unauthorized: dial wss://x/, and no other URL\n',
    );
    expect(await peers(null)).toContain('wss://relay.example/  waiting, from list\n');
  });

  it.each([
    [{ fetched: 12_400, found: 31_000, comparing: true }, 'catching up: 12,400 of at least 31,000 messages'],
    [{ fetched: 0, found: 1, comparing: false }, 'catching up: 0 of 1 message'],
    [null, '3 messages being fetched'],
  ])('says how far catch-up has come where something is missing: %j', async (catchUp, words) => {
    const at = { url: 'ws://a/', since: '2026-11-20T12:00:00.000Z', agent: 'x/1', fetching: 3, catchUp };
    const link = { protocol: 'mesh/2', peer: 'P'.repeat(43), direction: 'out', kind: 'overlay' } as const;
    const plain = {
      protection: 'sealed',
      unverified: 0,
      agreement: 'unknown',
      agreementSince: null,
    } as const;
    api.gate.overrides = { links: [{ ...link, ...at, ...plain }] };
    const { stdout } = await runCli(['peers', '--data', api.folder]);
    expect(stdout).toContain(`, ${words}, x/1\n`);
    const { json } = await runCli(['peers', '--json', '--data', api.folder]);
    expect(json).toMatchObject([{ links: [{ catchUp }] }]);
  });

  it('writes out what could move the cursor or begin a line', async () => {
    expect(await peers('a\nb\u001b[2J')).toContain('last try: a\\x0ab\\x1b[2J\n');
  });
});

describe('mesh peers --graph', () => {
  it('draws the map, coloured on a terminal only', async () => {
    const argv = ['peers', '--graph', '--channel', '#dev', '--data', api.folder];
    const plain = await runCli(argv);
    expect([plain.code, plain.stderr]).toEqual([0, '']);
    expect(plain.stdout).toContain('\n   └─ FFFFFFFF  wants it, wss://far.example/\n');
    const onTerminal = await runCli(argv, { isTTY: true, env: { TERM: 'xterm' } });
    expect(onTerminal.stdout).toContain('\u001b[32mFFFFFFFF\u001b[39m');
    expect(plain.stdout).not.toContain('\u001b');
  });

  it('gives the data with --json', async () => {
    expect((await runCli(['peers', '--graph', '--json', '--data', api.folder])).json).toEqual([MAP]);
  });

  it('writes a picture', async () => {
    const file = path.join(api.folder, 'map.svg');
    const argv = ['peers', '--graph', '--svg', 'map.svg', '--data', api.folder];
    const told = await runCli(argv, { cwd: api.folder });
    expect(told.stdout).toBe(`The map is drawn in ${file}.\n`);
    expect(readFileSync(file, 'utf8')).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
    expect((await runCli([...argv, '--json'], { cwd: api.folder })).json).toEqual([{ file }]);
  });

  it.each([
    [['--channel', '#dev'], '--channel and --svg belong to --graph'],
    [['--svg', 'x.svg'], '--channel and --svg belong to --graph'],
    [['--graph', '--svg', 'no/such/folder/x.svg'], '--svg no/such/folder/x.svg cannot be written: ENOENT'],
  ])('is a wrong command line with %j', async (argv, words) => {
    const { code, stderr } = await runCli(['peers', ...argv, '--data', api.folder], { cwd: api.folder });
    expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
  });

  it('says that a channel is none', async () => {
    const { code, stderr } = await runCli(['peers', '--graph', '--channel', 'no such', '--data', api.folder]);
    expect([code, stderr]).toEqual([1, expect.stringContaining('is no channel')]);
  });
});
