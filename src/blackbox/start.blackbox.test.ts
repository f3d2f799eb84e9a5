/** Starts that cannot work end with a code, a sentence that says what to do, and nothing touched. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import Database from 'better-sqlite3';
import { beforeAll, describe, expect, it } from 'vitest';
import { ERRORS, type ErrorCode } from '../core/errors.ts';
import { freePort, MESH, MeshProcess, makeFolder, type Output, runMesh } from './testing/mesh-process.ts';
import { until } from './testing/wait.ts';

const ANY_PORTS = { PORT: '0', MESH_API_PORT: '0' };
/** a data folder that was used once; tests work on copies */
let used: string;

beforeAll(async () => {
  const mesh = await MeshProcess.start();
  await mesh.client.publish({ channel: 'lobby', body: 'first' });
  await mesh.stop();
  used = mesh.data;
});

function copyOfUsed(): string {
  const folder = path.join(makeFolder(), 'data');
  fs.cpSync(used, folder, { recursive: true, preserveTimestamps: true });
  fs.chmodSync(folder, 0o700);
  return folder;
}

/** A start that must fail. */
const start = (folder: string, env: Record<string, string> = {}): Promise<Output> =>
  runMesh(['start', '--data', folder], { env: { ...ANY_PORTS, ...env } });

/** Says the table's title and advice, and this detail, and ends with an error. */
function expectFailure(output: Output, code: ErrorCode, detail: RegExp): void {
  const said = output.stderr.replace(/\s+/g, ' ');
  expect(said).toContain(ERRORS[code].title);
  expect(said).toContain(ERRORS[code].do);
  expect(said).toMatch(detail);
  expect(output.code).toBe(1);
  expect(said).not.toMatch(/\bat .*\.ts:\d+/); // no stack: it is no mistake of the program
}

/** Names, modes and contents of everything in a folder but the files that SQLite keeps while it reads (`-wal`, `-shm`). */
function fingerprint(folder: string): string {
  const hash = createHash('sha256');
  for (const entry of fs.readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    // The failed start itself stands in the log.
    if (/-(?:wal|shm)$|\/logs(?:\/|$)/.test(file)) continue;
    hash.update(`${file} ${fs.statSync(file).mode}\n`);
    if (entry.isFile()) hash.update(fs.readFileSync(file));
  }
  return hash.digest('hex');
}

describe('a start is refused', () => {
  it('on a data folder that a running daemon uses, which goes on unharmed', async () => {
    const mesh = await MeshProcess.start();
    const api = fs.readFileSync(path.join(mesh.data, 'api.json'), 'utf8');
    expectFailure(await start(mesh.data), 'store_locked', /store\.db\.lock/);
    expect(fs.readFileSync(path.join(mesh.data, 'api.json'), 'utf8')).toBe(api);
    await mesh.client.publish({ channel: 'lobby', body: 'still here' });
    expect(await mesh.mesh('read', 'lobby')).toMatchObject([{ body: 'still here' }]);
    await mesh.stop();
  });

  it('on a port that was set and is taken', async () => {
    const port = await freePort();
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const [peer, api] = await Promise.all([
      start(copyOfUsed(), { PORT: `${port}` }),
      start(copyOfUsed(), { MESH_API_PORT: `${port}` }),
    ]);
    for (const output of [peer, api])
      expectFailure(
        output,
        'port_in_use',
        new RegExp(`127\\.0\\.0\\.1.*\\b${port}\\b.*taken|\\b${port}\\b is taken on 127\\.0\\.0\\.1`),
      );
    await new Promise((resolve) => server.close(resolve));
  });

  it('on a database of a newer version, which is not touched', async () => {
    const folder = copyOfUsed();
    const db = new Database(path.join(folder, 'store.db'));
    db.pragma('user_version = 4711');
    db.close();
    const before = fingerprint(folder);
    expectFailure(await start(folder), 'store_newer', /schema 4711/);
    expect(fingerprint(folder)).toBe(before);
  });

  it('on a database of another network, or that is none', async () => {
    const [other, rubbish] = [copyOfUsed(), copyOfUsed()];
    fs.writeFileSync(path.join(rubbish, 'store.db'), 'This is a letter and no database.'.repeat(100));
    const outputs = await Promise.all([start(other, { MESH_NETWORK: 'elsewhere' }), start(rubbish)]);
    expectFailure(outputs[0], 'bad_option', /MESH_NETWORK is "elsewhere".*holds messages of "openclaw"/);
    expectFailure(outputs[1], 'store_damaged', /store\.db/);
    expect(fs.readFileSync(path.join(rubbish, 'store.db'), 'utf8')).toMatch(/^This is a letter/);
  });

  it.each(['keys/key.pem', 'keys/peer.pem', 'token'])(
    'where others can read %s, until the named command is run',
    async (name) => {
      const folder = copyOfUsed();
      const file = path.join(folder, name);
      fs.chmodSync(file, 0o644);
      const output = await start(folder);
      expectFailure(output, 'key_exposed', /Run: chmod 600/);
      const command = /chmod 600 (["'])[^"']+\1/.exec(output.stderr)?.[0];
      expect(command).toContain(path.basename(file));
      expect(spawnSync('/bin/sh', ['-c', command ?? 'false']).status).toBe(0);
      expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    },
  );

  it.each(['key.pem', 'peer.pem'])(
    'where %s holds something else, which is neither shown nor overwritten',
    async (name) => {
      const folder = copyOfUsed();
      const file = path.join(folder, 'keys', name);
      const garbage = 'hunter2 is no key\n';
      fs.writeFileSync(file, garbage);
      const output = await start(folder);
      expectFailure(output, 'key_unreadable', new RegExp(name.replace('.', '\\.')));
      expect(output.stderr + output.stdout).not.toContain('hunter2');
      expect(fs.readFileSync(file, 'utf8')).toBe(garbage);
    },
  );

  it('where the private key is gone and its traces are there: no new one takes its place', async () => {
    const folder = copyOfUsed();
    const file = path.join(folder, 'keys', 'key.pem');
    fs.rmSync(file);
    const before = fingerprint(folder);
    expectFailure(await start(folder), 'key_unreadable', /key\.pem is missing and pub\.pem and peer\.pem/);
    expect(fingerprint(folder)).toBe(before);
  });

  it('where the data folder cannot be written', async () => {
    const base = makeFolder();
    const file = path.join(base, 'file');
    fs.writeFileSync(file, '');
    expectFailure(await start(path.join(file, 'data')), 'data_folder', /ENOTDIR|EEXIST/);
  });

  it.runIf(process.platform !== 'win32').each(['.', 'keys'])(
    'where the folder %s may only be read, also one that was used before, and no key is touched',
    (name) => {
      const data = copyOfUsed();
      const isRoot = process.getuid?.() === 0;
      const nobody = 65_534;
      // The superuser may write anywhere, so it lets somebody else try.
      if (isRoot)
        for (const file of ['', ...fs.readdirSync(data, { recursive: true, encoding: 'utf8' })])
          fs.chownSync(path.join(data, file), nobody, nobody);
      fs.chmodSync(path.dirname(data), 0o755);
      const before = fingerprint(path.join(data, 'keys'));
      const folder = path.join(data, name);
      fs.chmodSync(folder, 0o500);
      const env = { PATH: process.env.PATH, HOME: data, MESH_BOOTSTRAP_URL: '', HOST: '127.0.0.1' };
      const { status, stderr, stdout } = spawnSync(process.execPath, [MESH, 'start', '--data', data], {
        encoding: 'utf8',
        cwd: '/',
        env: { ...env, ...ANY_PORTS },
        ...(isRoot && { uid: nobody, gid: nobody }),
      });
      fs.chmodSync(folder, 0o700);
      expectFailure({ code: status, signal: null, stderr, stdout }, 'data_folder', /EACCES|EROFS/);
      expect(fingerprint(path.join(data, 'keys'))).toBe(before);
    },
  );

  it('with variables that are wrong, all told at once with what is allowed', async () => {
    const wrong: Record<string, string> = {
      PORT: '70000',
      MESH_API_PORT: 'x',
      HOST: 'not a host',
      MESH_PEERS: 'http://example.org',
      MESH_NETWORK: 'Big Net',
      MESH_ALLOW_PRIVATE: 'maybe',
      MESH_BOOTSTRAP_URL: 'https://user:secret-word@example.org/list.json',
      MESH_LOG_LEVEL: 'loud',
      MESH_BAN_THRESHOLD: '-1',
    };
    const folder = path.join(makeFolder(), 'data');
    const output = await start(folder, wrong);
    for (const name of Object.keys(wrong))
      expectFailure(output, 'bad_option', new RegExp(`${name} is ".*?", allowed: [^.]+\\.`));
    expect(fs.existsSync(folder)).toBe(false);
    const same = await start(folder, { PORT: '5000', MESH_API_PORT: '5000' });
    expectFailure(same, 'bad_option', /PORT and MESH_API_PORT are both 5000/);
  });
});

describe('a start works', () => {
  it('where the default ports are taken: it takes the next free ones and says so', async () => {
    const taken: net.Server[] = [];
    for (const port of [5000, 5001]) {
      const server = net.createServer();
      await new Promise<void>((resolve) => {
        server.once('error', () => resolve()); // somebody else has it: as good
        server.listen(port, '127.0.0.1', resolve);
      });
      taken.push(server);
    }
    const mesh = await MeshProcess.start({ env: { PORT: '', MESH_API_PORT: '' } });
    const { listen } = await mesh.client.status();
    const [peer, api] = [listen.peer, listen.api].map((url) => Number(new URL(url).port));
    expect(peer).toBeGreaterThan(5001);
    expect(api).toBeGreaterThan(5001);
    const notes = mesh.log.map(({ note }) => note);
    expect(notes).toContain(`Port 5000 was taken, so other peers reach this daemon at port ${peer}.`);
    expect(notes).toContain(`Port 5001 was taken, so the API listens on port ${api}.`);
    await mesh.stop();
    for (const server of taken) server.close();
  });

  it('and what it writes down never holds a secret, whatever is logged', async () => {
    const mesh = await MeshProcess.start({ env: { MESH_LOG_LEVEL: 'debug' } });
    const token = fs.readFileSync(path.join(mesh.data, 'token'), 'utf8').trim();
    const secrets = [token];
    for (const name of ['key.pem', 'peer.pem']) {
      const pem = fs.readFileSync(path.join(mesh.data, 'keys', name), 'utf8');
      const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
      const seed = der.subarray(-32);
      secrets.push(
        der.toString('base64'),
        ...(['hex', 'base64', 'base64url'] as const).map((form) => seed.toString(form)),
      );
    }
    await mesh.client.publish({
      channel: 'lobby',
      body: 'a text that is nobody else’s business',
      payload: { x: 1 },
    });
    const { url } = mesh.client.daemon;
    for (const authorization of [`Bearer ${token}x`, `Bearer ${token}`, `Basic ${token}`, token])
      await fetch(`${url}/v1/status?token=${token}`, { headers: { authorization } });
    await mesh.mesh('status');
    await until('the publishing is logged', () => mesh.output.includes('publish'));
    const { output } = mesh;
    await mesh.stop();
    expect(output.length).toBeGreaterThan(1000);
    for (const secret of secrets) expect(output.includes(secret), 'a secret is in the log').toBe(false);
    expect(output).not.toContain('nobody else');
  });
});
