import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startTestApi } from '../../api/testing/harness.ts';
import { QUIET, tempFolder } from '../../daemon/doctor/testing/subject.ts';
import { runCli } from '../testing/run-cli.ts';
import { askDaemon } from './ask.ts';

const env = { ...QUIET, TERM: 'xterm' };
type Line = { check: string; state: string; what: string; mend: string };

describe('mesh doctor', () => {
  it('ends with 0 where nothing failed, and makes no data folder', async () => {
    const folder = tempFolder();
    const data = path.join(folder, 'data');
    const { code, stdout } = await runCli(['doctor', '--data', data], { env, cwd: folder });
    expect(code).toBe(0);
    expect(stdout).toContain('ok       node: ');
    expect(stdout).toContain('skipped  data folder: There is no data folder');
    expect(stdout).toMatch(/\nNothing failed: \d+ warnings?, \d+ ok, \d+ skipped\.\n$/);
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  it('ends with 1 where something failed, and the command it prints mends that', async () => {
    const data = tempFolder();
    const run = () => runCli(['doctor', '--data', data], { env, cwd: data });
    fs.mkdirSync(path.join(data, 'keys'), { mode: 0o777 });
    fs.chmodSync(path.join(data, 'keys'), 0o777);
    const { code, stdout } = await run();
    expect(code).toBe(1);
    const command = /^ +(chmod 700 .*)$/m.exec(stdout)?.[1] ?? 'false';
    expect(spawnSync('/bin/sh', ['-c', command]).status).toBe(0);
    expect((await run()).code).toBe(0);
  });

  it('gives programs one object a line', async () => {
    const data = tempFolder();
    fs.writeFileSync(path.join(data, 'token'), 'x', { mode: 0o644 });
    fs.chmodSync(path.join(data, 'token'), 0o644);
    const { code, json, stdout } = await runCli(['doctor', '--json', '--data', data], { env, cwd: data });
    const lines = json as Line[];
    expect(code).toBe(1);
    expect(stdout.trimEnd().split('\n')).toHaveLength(lines.length);
    for (const line of lines) expect(Object.keys(line)).toEqual(['check', 'state', 'what', 'mend']);
    expect(lines.find(({ check }) => check === 'token')?.mend).toBe(
      `Close it to others: chmod 600 '${data}/token'`,
    );
  });

  it('takes a wrong option for a finding', async () => {
    const data = tempFolder();
    const wrong = { ...env, MESH_API_PORT: 'x' };
    const { code, stdout } = await runCli(['doctor', '--data', data], { env: wrong, cwd: data });
    expect(code).toBe(1);
    expect(stdout).toContain('failed   options: MESH_API_PORT is "x", allowed: a port');
  });

  it('keeps to the width of a terminal, with colours unless NO_COLOR says no', async () => {
    const data = tempFolder();
    const run = (more: object) =>
      runCli(['doctor', '--data', data], { env: { ...env, ...more }, cwd: data, isTTY: true });
    const { stdout } = await run({});
    expect(stdout).toContain('\u001b[32mok\u001b[39m');
    const plain = await run({ NO_COLOR: '1' });
    expect(plain.stdout).not.toContain('\u001b');
    const lines = plain.stdout.split('\n').filter((line) => line.length > 100);
    expect(lines.filter((line) => line.trim().includes(' '))).toEqual([]); // only words that nothing can break
  });
});

describe('the daemon, asked', () => {
  it('gives its status and addresses', async () => {
    const api = await startTestApi();
    onTestFinished(() => api.stop());
    const answer = await askDaemon(api.folder, 5000);
    expect(answer).toMatchObject({
      ok: true,
      status: { links: expect.any(Array) },
      addresses: expect.any(Array),
    });
  });

  it('that hangs, or is not there, is told in a sentence', async () => {
    const folder = tempFolder();
    expect(await askDaemon(folder, 5000)).toMatchObject({
      ok: false,
      detail: expect.stringContaining('"api.json"'),
    });
    const server = http.createServer(() => undefined).listen(0, '127.0.0.1');
    onTestFinished(() => {
      server.close();
      server.closeAllConnections();
    });
    await new Promise((resolve) => server.once('listening', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    fs.writeFileSync(path.join(folder, 'api.json'), JSON.stringify({ url, pid: process.pid }));
    fs.writeFileSync(path.join(folder, 'token'), 'x');
    expect(await askDaemon(folder, 300)).toEqual({ ok: false, detail: 'Nothing came within 0.3 s.' });
  });

  it('is not asked, and the token not sent, where the process of api.json is somebody else by now', async () => {
    const folder = tempFolder();
    // Another process listens there, and this one, whose number api.json has, does not.
    const child = `const s=require('http').createServer((q,r)=>{console.log(q.url);r.end()}).listen(0,'127.0.0.1',()=>console.log(s.address().port))`;
    const other = spawn(process.execPath, ['-e', child]);
    onTestFinished(() => void other.kill());
    let said = '';
    const port = await new Promise<string>((resolve) =>
      other.stdout.on('data', (data) => {
        said += data;
        resolve(said.trim());
      }),
    );
    fs.writeFileSync(
      path.join(folder, 'api.json'),
      JSON.stringify({ url: `http://127.0.0.1:${port}`, pid: process.pid }),
    );
    fs.writeFileSync(path.join(folder, 'token'), `mesh_${'A'.repeat(43)}`, { mode: 0o600 });
    const { stdout } = await runCli(['doctor', '--data', folder], { env, cwd: folder });
    expect(stdout).toContain('is not its daemon any more');
    expect(said.trim()).toBe(port);
  });

  it('that runs is asked by the command, and its token never shown', async () => {
    const api = await startTestApi();
    onTestFinished(() => api.stop());
    const lock = new Database(path.join(api.folder, 'store.db.lock'));
    onTestFinished(() => void lock.close());
    lock.exec('BEGIN EXCLUSIVE');
    const { json, stdout } = await runCli(['doctor', '--json', '--data', api.folder], {
      env,
      cwd: api.folder,
    });
    const of = (name: string) => (json as Line[]).find(({ check }) => check === name);
    expect(of('api-port')).toMatchObject({ state: 'ok', what: expect.stringContaining('The API answers') });
    expect(of('links')?.state).not.toBe('skipped');
    const token = fs.readFileSync(path.join(api.folder, 'token'), 'utf8').trim();
    expect(stdout).not.toContain(token);
  });
});
