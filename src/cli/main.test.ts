import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeId, IDENTITY } from '../api/testing/fake-gate.ts';
import { startTestApi, type TestApi } from '../api/testing/harness.ts';
import { type RunOptions, runCli } from './testing/run-cli.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi();
});
afterEach(() => api.stop());

const mesh = (argv: readonly string[], options?: RunOptions) =>
  runCli([...argv, '--data', api.folder], options);

describe('the command line', () => {
  it('explains itself', async () => {
    const { code, stdout } = await runCli(['--help']);
    expect(code).toBe(0);
    const names = ['start', 'status', 'id', 'join', 'leave', 'channels', 'retention', 'send', 'read'];
    for (const name of [...names, 'peers', 'bootstrap']) expect(stdout).toContain(`mesh ${name}`);
    expect(stdout).toContain('Exit codes: 0 done');
    expect((await runCli(['send', '--help'])).stdout).toContain('--lines');
    expect((await runCli(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it.each([
    [[], 'Say which command.', 'mesh --help'],
    [['sned', 'x'], 'Unknown', 'mesh --help'],
    [
      ['send'],
      "Say <channel>: mesh send <channel> [text]. For example: mesh send '#dev'",
      'mesh send --help',
    ],
    [['why'], 'Say <id>: mesh why <id>. For example: mesh why 3fG7xQ', 'mesh why --help'],
    [
      ['service'],
      'Say <action>: mesh service <action>. For example: mesh service install',
      'mesh service --help',
    ],
    [['join'], 'Say <channel>', 'mesh join --help'],
    [['why', 'zzz'], 'ID must be the id of a message, or at least the first 6', 'mesh why --help'],
    [['why', '3fG7xQ!'], 'ID must be', 'mesh why --help'],
    [['tap', '--peer', '!!'], '--peer must be the id of a peer', 'mesh tap --help'],
    [
      ['tap', '--type', 'bogus'],
      'No frame is called "bogus". The names are handshake, auth,',
      'mesh tap --help',
    ],
    [['tap', '--type', ','], '--type names none', 'mesh tap --help'],
    [['send', 'dev'], 'Say TEXT', 'mesh send --help'],
    [['send', 'dev', 'two', 'words'], 'words', 'mesh send --help'],
    [['send', 'dev', 'x', '--lines'], '--lines reads', 'mesh send --help'],
    [['send', 'dev', 'x', '--wait', 'read'], 'Choices', 'mesh send --help'],
    [['send', 'dev', 'x', '--timeout', '5'], '--timeout needs --wait', 'mesh send --help'],
    [['send', 'dev', 'x', '--wait', 'stored', '--timeout', 'soon'], '--timeout must be', 'mesh'],
    [['send', 'dev', 'x', '--payload', '{a}'], '--payload is not JSON', 'mesh send --help'],
    [['send', 'dev', 'x', '--colour', 'red'], 'Unknown argument: colour', 'mesh send --help'],
    [['read', 'dev', '--limit', '0'], '--limit must be', 'mesh'],
    [['read', 'dev', '--limit', '1e3'], '--limit must be', 'mesh'],
    [['read', 'dev', '--follow', '--before', 'x'], '--before', 'mesh read --help'],
    [['status', '--data'], 'Not enough arguments', 'mesh status --help'],
    [['status', '--__proto__', 'x'], 'Unknown argument', 'mesh status --help'],
  ])('refuses %j with exit code 2 and says why and what helps', async (argv, why, help) => {
    const { code, stdout, stderr } = await runCli(argv);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(why);
    expect(stderr).toContain(help);
    expect(api.gate.requests).toEqual([]);
  });

  it('gives a problem object for a wrong command line with --json', async () => {
    const { code, stderr } = await runCli(['read', 'dev', '--limit', 'x', '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({
      code: 'bad_request',
      detail: expect.stringContaining('--limit'),
    });
    const parsed = JSON.parse((await runCli(['sned', '--json'])).stderr);
    expect(parsed).toMatchObject({ code: 'bad_request', do: 'See "mesh --help".' });
    expect(JSON.parse((await runCli(['send', 'd', 'x', '--payload', '{', '--json'])).stderr).code).toBe(
      'bad_payload',
    );
  });
});

describe('without a daemon', () => {
  it('commands end with 3 and name the folder', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-none-'));
    const commands = [['status'], ['id'], ['peers'], ['join', 'dev'], ['read', 'dev'], ['send', 'dev', 'x']];
    const more = [['leave', 'dev'], ['channels'], ['retention'], ['retention', 'dev', '--pin']];
    for (const argv of [...commands, ...more, ['read', 'dev', '--follow'], ['send', 'dev', '--lines']]) {
      const { code, stderr } = await runCli([...argv, '--data', folder]);
      expect(code).toBe(3);
      expect(stderr).toContain(folder);
      expect(stderr).toContain('mesh start');
    }
    const { stderr } = await runCli(['id', '--json', '--data', folder]);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'no_daemon', type: 'errors#no_daemon' });
    fs.rmSync(folder, { recursive: true });
  });

  it('a file that a dead one left behind is not believed', async () => {
    await api.api.close();
    expect((await mesh(['status'])).code).toBe(3); // this process lives, and nobody answers
    const file = path.join(api.folder, 'api.json');
    const dead = { ...JSON.parse(fs.readFileSync(file, 'utf8')), pid: 2 ** 22 + 1 };
    fs.writeFileSync(file, JSON.stringify(dead));
    expect((await mesh(['status'])).stderr).toContain('is not running');
    for (const text of [
      '',
      '[]',
      '{"url":"http://evil.example:80","pid":1}',
      `{"url":"${api.url}/x","pid":${process.pid}}`,
    ]) {
      fs.writeFileSync(file, text);
      expect((await mesh(['status'])).code).toBe(3);
    }
  });
});

describe('the data folder', () => {
  it('comes from MESH_DATA_DIR and from .env, where what is set already wins', async () => {
    const cwd = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-cwd-'));
    expect((await runCli(['id'], { cwd, env: { MESH_DATA_DIR: api.folder } })).code).toBe(0);
    fs.writeFileSync(path.join(cwd, '.env'), `MESH_DATA_DIR=${api.folder}\n`);
    expect((await runCli(['id'], { cwd })).code).toBe(0);
    expect((await runCli(['id'], { cwd, env: { MESH_DATA_DIR: cwd } })).code).toBe(3);
    fs.rmSync(path.join(cwd, '.env'));
    fs.mkdirSync(path.join(cwd, '.env'));
    const { code, stderr } = await runCli(['id'], { cwd });
    expect(code).toBe(1);
    expect(stderr).toContain('.env cannot be read');
    fs.rmSync(cwd, { recursive: true });
  });
});

describe('mesh status, id, join and peers', () => {
  it('give JSON of the documented shape', async () => {
    api.gate.add('dev', 'x');
    const [status] = (await mesh(['status', '--json'])).json;
    expect(status).toEqual(api.gate.status());
    expect(status).toMatchObject({
      identity: IDENTITY,
      peer: fakeId('peer'),
      links: [],
      channels: [{ channel: 'dev' }],
    });
    expect((await mesh(['id', '--json'])).json).toEqual([
      { identity: IDENTITY, peer: fakeId('peer'), identities: [IDENTITY] },
    ]);
    expect((await mesh(['peers', '--json'])).json).toEqual([{ links: [], addresses: api.gate.addresses() }]);
    expect((await mesh(['join', '#dev', '--json'])).json).toEqual([{ channel: '#dev', isNew: true }]);
  });

  it('read well', async () => {
    const since = '2026-11-20T12:00:00.000Z';
    const link = {
      protocol: 'mesh/2',
      peer: fakeId('p'),
      direction: 'out',
      url: 'ws://a/',
      kind: 'overlay',
      protection: 'sealed',
      since,
      agent: 'x/1',
      unverified: 0,
      agreement: 'unknown',
      agreementSince: null,
      fetching: 0,
      catchUp: null,
    } as const;
    const source = {
      source: 'list',
      state: 'failed',
      peers: 0,
      code: null,
      detail: 'no route',
      at: since,
    } as const;
    const problem = { code: 'store_failed', detail: 'disk full', at: since } as const;
    const local = {
      mode: 'auto',
      state: 'on',
      reason: '',
      addresses: ['10.0.0.5', '10.1.0.5'],
      peers: 1,
    } as const;
    const shown = { links: [link], sources: [source], problems: [problem], outbox: 2 };
    api.gate.overrides = { ...shown, localDiscovery: local };
    await mesh(['join', '#dev']);
    const { stdout } = await mesh(['status']);
    for (const words of [IDENTITY, 'a relay of the network "test"', 'relay to relay, we dialled ws://a/']) {
      expect(stdout).toContain(words);
    }
    for (const words of ['failed: no route', '#dev  joined, 0 messages', '2 own messages', 'disk full']) {
      expect(stdout).toContain(words);
    }
    expect(stdout).toContain('Local:    announced at 10.0.0.5, 10.1.0.5, 1 other peer found\n');
    const changes = [
      [{ reason: 'eth1 fails' }, '1 other peer found; eth1 fails'],
      [{ state: 'off', reason: 'so it is' }, 'off: so it is'],
      [{ state: 'starting' }, 'starting'],
    ] as const;
    for (const [change, words] of changes) {
      api.gate.overrides = { ...shown, localDiscovery: { ...local, ...change } };
      expect((await mesh(['status'])).stdout).toMatch(new RegExp(`^Local: .*${words}$`, 'm'));
    }
    expect((await mesh(['join', '#dev'])).stdout).toBe('#dev was joined already.\n');
    const peers = (await mesh(['peers'])).stdout;
    expect(peers).toContain('1 link:\n');
    expect(peers).toContain('wss://relay.example/  waiting');
  });

  it('use colour only on a terminal and without NO_COLOR', async () => {
    const sequence = '\u001b[';
    expect((await mesh(['status'])).stdout).not.toContain(sequence);
    expect((await mesh(['status'], { isTTY: true })).stdout).toContain(sequence);
    expect((await mesh(['status'], { isTTY: true, env: { NO_COLOR: '1' } })).stdout).not.toContain(sequence);
    expect((await mesh(['status'], { isTTY: true, env: { NO_COLOR: '' } })).stdout).toContain(sequence);
    expect((await mesh(['status', '--json'], { isTTY: true })).stdout).not.toContain(sequence);
  });

  it('pass on what the daemon refuses, with its code', async () => {
    const { code, stderr } = await mesh(['join', 'dm:x', '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'bad_channel', status: 400 });
    api.gate.failure = new Error('mistake');
    expect((await mesh(['status'])).stderr).toContain('The daemon made a mistake.');
    fs.writeFileSync(path.join(api.folder, 'token'), 'mesh_wrong');
    expect((await mesh(['status', '--json'])).stderr).toContain('"unauthenticated"');
  });
});

describe('an output that nobody reads', () => {
  it('ends a command quietly', async () => {
    for (let i = 0; i < 100; i++) api.gate.add('dev', String(i));
    let lines = 0;
    const stdout = new Writable({
      write: (_chunk, _encoding, done) => {
        lines += 1;
        done(lines > 2 ? Object.assign(new Error('EPIPE'), { code: 'EPIPE' }) : null);
      },
    });
    const { code, stderr } = await mesh(['read', 'dev', '--limit', '100'], { stdout });
    expect([code, stderr]).toEqual([0, '']);
    expect(lines).toBeLessThan(100);
  });
});
