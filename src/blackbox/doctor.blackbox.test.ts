/** `mesh doctor` beside real daemons: what is healthy passes, what is broken fails, and the mend it prints works. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { createServer } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { MESH, MeshProcess, runMesh } from './testing/mesh-process.ts';

interface Line {
  readonly check: string;
  readonly state: 'ok' | 'warn' | 'fail' | 'skipped';
  readonly what: string;
  readonly mend: string;
}

interface Diagnosis {
  readonly code: number | null;
  readonly lines: readonly Line[];
  /** the lines of a check */
  readonly of: (check: string) => Line | undefined;
  readonly failed: readonly string[];
}

async function doctor(data: string, env: Readonly<Record<string, string>> = {}): Promise<Diagnosis> {
  const { code, stdout, stderr } = await runMesh(['doctor', '--json', '--data', data], {
    cwd: path.dirname(data),
    env: { PORT: '0', MESH_API_PORT: '0', ...env },
  });
  expect(stderr).toBe('');
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  for (const { state, what, mend } of lines) {
    expect(what).not.toBe('');
    expect(mend !== '').toBe(state === 'warn' || state === 'fail');
  }
  return {
    ...{ code, lines },
    of: (name) => lines.find(({ check }) => check === name),
    failed: lines.filter(({ state }) => state === 'fail').map(({ check }) => check),
  };
}

/** Names, modes and contents of everything in a folder. */
function fingerprint(folder: string): string {
  const hash = createHash('sha256');
  for (const name of fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    const file = path.join(folder, name);
    const stats = fs.statSync(file);
    hash.update(`${name} ${stats.mode}\n`);
    if (stats.isFile()) hash.update(fs.readFileSync(file));
  }
  return hash.digest('hex');
}

/** A daemon that was started once and stopped in order. */
async function stopped(): Promise<MeshProcess> {
  const mesh = await MeshProcess.start();
  await mesh.client.publish({ channel: 'lobby', body: 'first' });
  await mesh.stop();
  return mesh;
}

describe('a healthy daemon', () => {
  it('passes while it runs, linked, and after its end; nothing is changed and no secret told', async () => {
    const other = await MeshProcess.start();
    const mesh = await MeshProcess.start({ peers: [other.url] });
    await mesh.hasLinks(1);
    const running = await doctor(mesh.data);
    expect(running.failed).toEqual([]);
    expect(running.code).toBe(0);
    for (const name of [
      'identity-key',
      'public-key',
      'peer-key',
      'token',
      'daemon',
      'peer-port',
      'api-port',
      'problems',
    ])
      expect(running.of(name)).toMatchObject({ state: 'ok' });
    expect(running.of('links')).toMatchObject({ state: 'ok', what: expect.stringContaining('1 link') });
    expect(running.of('daemon')?.what).toContain(`process ${mesh.pid}`);
    await mesh.stop();
    const before = fingerprint(mesh.data);
    const after = await doctor(mesh.data);
    expect(after.code).toBe(0);
    for (const name of ['database-files', 'database', 'integrity'])
      expect(after.of(name)).toMatchObject({ state: 'ok' });
    expect(fingerprint(mesh.data)).toBe(before);
    const told = JSON.stringify([running.lines, after.lines]);
    expect(told).not.toContain(fs.readFileSync(path.join(mesh.data, 'token'), 'utf8').trim());
    for (const name of ['key.pem', 'peer.pem'])
      expect(told).not.toContain(fs.readFileSync(path.join(mesh.data, 'keys', name), 'utf8').split('\n')[1]);
    await other.stop();
  });

  it('that waits alone warns only, and reads well as text', async () => {
    const mesh = await MeshProcess.start();
    const { code, stdout } = await runMesh(['doctor', '--data', mesh.data], { cwd: mesh.folder });
    expect(code).toBe(0);
    expect(stdout).toContain('warning  links: The daemon has no link now');
    expect(stdout).toMatch(/\nNothing failed: .*\.\n$/);
    expect(stdout).not.toContain('\u001b');
    await mesh.stop();
  });
});

describe('a broken daemon', () => {
  it('with a key that others can read fails until the printed command is run', async () => {
    const mesh = await stopped();
    const key = path.join(mesh.data, 'keys', 'key.pem');
    fs.chmodSync(key, 0o644);
    const broken = await doctor(mesh.data);
    expect(broken).toMatchObject({ code: 1, failed: ['identity-key'] });
    const command = /chmod 600 '.*'$/.exec(broken.of('identity-key')?.mend ?? '')?.[0];
    expect(spawnSync('/bin/sh', ['-c', command ?? 'false']).status).toBe(0);
    expect(await doctor(mesh.data)).toMatchObject({ code: 0, failed: [] });
    await mesh.restart();
    await mesh.stop();
  });

  it('with a port that somebody else has fails until that one is gone', async () => {
    const mesh = await stopped();
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(mesh.port, '127.0.0.1', resolve));
    const env = { PORT: `${mesh.port}` };
    const broken = await doctor(mesh.data, env);
    expect(broken).toMatchObject({ code: 1, failed: ['peer-port'] });
    expect(broken.of('peer-port')?.mend).toContain('Set PORT to a port that is free');
    if (process.platform === 'linux') expect(broken.of('peer-port')?.mend).toContain(`kill ${process.pid}`);
    await new Promise((resolve) => server.close(resolve));
    expect(await doctor(mesh.data, env)).toMatchObject({ code: 0 });
  });

  it('with a list that nobody serves fails until it is served; a wrong clock of the server shows', async () => {
    const mesh = await stopped();
    let date = new Date();
    const server = createServer((_request, response) => {
      response.setHeader('Date', date.toUTCString()).setHeader('Content-Type', 'application/json');
      response.end('{"version":1,"peers":[]}');
    });
    const listen = (port: number) =>
      new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const close = () => new Promise<void>((resolve) => void server.close(() => resolve()));
    onTestFinished(() => server.closeAllConnections());
    await listen(0);
    const { port } = server.address() as AddressInfo;
    await close();
    const env = { MESH_BOOTSTRAP_URL: `http://127.0.0.1:${port}/list.json` };
    const broken = await doctor(mesh.data, env);
    expect(broken).toMatchObject({ code: 1, failed: ['bootstrap'] });
    expect(broken.of('bootstrap')?.what).toContain(`nothing listens at 127.0.0.1:${port}`);
    expect(broken.of('bootstrap')?.mend).toContain('MESH_BOOTSTRAP_URL');
    expect(broken.of('clock')?.state).toBe('skipped');
    await listen(port);
    const served = await doctor(mesh.data, env);
    expect(served).toMatchObject({ code: 0, failed: [] });
    expect(served.of('clock')?.state).toBe('ok');
    date = new Date(Date.now() - 3_600_000);
    const late = await doctor(mesh.data, env);
    expect(late.failed).toEqual(['clock']);
    expect(late.of('clock')?.what).toMatch(/\d+ minutes ahead of that of 127\.0\.0\.1/);
    await close();
  });

  it.runIf(process.getuid?.() === 0)(
    'of somebody else is not called healthy, and nothing is made up',
    async () => {
      const mesh = await stopped();
      fs.chmodSync(mesh.folder, 0o755);
      const env = { PATH: process.env.PATH, HOME: '/', MESH_BOOTSTRAP_URL: '', HOST: '127.0.0.1', PORT: '0' };
      const args = [MESH, 'doctor', '--json', '--data', mesh.data];
      const stranger = { cwd: '/', env, uid: 65_534, gid: 65_534, encoding: 'utf8' } as const;
      const { status, stdout, stderr } = spawnSync(process.execPath, args, stranger);
      expect(stderr).toBe('');
      expect(status).toBe(1);
      const lines = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Line);
      expect(lines.filter(({ state }) => state === 'fail').map(({ check }) => check)).toEqual([
        'data-folder',
      ]);
      expect(lines.find(({ check }) => check === 'data-folder')?.mend).toContain('Run mesh as root');
      for (const name of ['identity-key', 'token', 'database', 'integrity', 'database-size', 'daemon'])
        expect(lines.find(({ check }) => check === name)).toMatchObject({
          state: 'skipped',
          what: expect.stringContaining('not checked'),
        });
    },
  );

  it('that was killed is told from one that runs, and the next start takes over', async () => {
    const mesh = await MeshProcess.start();
    await mesh.kill();
    const before = fingerprint(mesh.data);
    const killed = await doctor(mesh.data);
    expect(killed).toMatchObject({ code: 0 });
    expect(killed.of('daemon')).toMatchObject({ state: 'warn', mend: expect.stringContaining(`rm '`) });
    expect(fingerprint(mesh.data)).toBe(before);
    await mesh.restart();
    const running = await doctor(mesh.data);
    expect(running.of('daemon')).toMatchObject({ state: 'ok' });
    fs.rmSync(path.join(mesh.data, 'api.json'));
    const hidden = await doctor(mesh.data);
    expect(hidden.failed).toEqual(['daemon']);
    if (process.platform === 'linux') expect(hidden.of('daemon')?.mend).toContain(`kill ${mesh.pid}`);
    await mesh.stop();
  });
});
