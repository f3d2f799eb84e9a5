/** An upgrade in place: what a mesh/1 daemon left at our paths stays untouched, names us, and can be read. */
import { generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { insertLegacy, legacyMessage, legacyMessages, makeLegacy, traceOf } from '../store/legacy.fixture.ts';
import { MeshProcess, makeFolder, runMesh } from './testing/mesh-process.ts';

/** Keys as mesh/1 wrote them. @returns its peer id */
function makeKeys(folder: string): string {
  fs.mkdirSync(folder, { recursive: true });
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const pem = (key: typeof privateKey, type: 'pkcs8' | 'spki') =>
    key.export({ format: 'pem', type }).toString();
  fs.writeFileSync(path.join(folder, 'key.pem'), pem(privateKey, 'pkcs8'), { mode: 0o600 });
  fs.writeFileSync(path.join(folder, 'pub.pem'), pem(publicKey, 'spki'), { mode: 0o644 });
  return publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64url');
}

const notes = (mesh: MeshProcess) =>
  mesh.log.filter(({ phrase }) => phrase === 'note on the start').map(({ note }) => String(note));

const bodies = (rows: readonly unknown[]) => (rows as { body: string }[]).map(({ body }) => body);

describe('a daemon over what mesh/1 left', () => {
  it('in its data folder takes the key, shows the messages and changes nothing', async () => {
    const mesh = await MeshProcess.create();
    const keys = path.join(mesh.data, 'keys');
    const identity = makeKeys(keys);
    const dm = legacyMessage(50, { channel: `dm:${identity}:peer-b`, body: 'between us', sender: identity });
    makeLegacy(path.join(mesh.data, 'mesh.db'), [...legacyMessages(30), dm]);
    const before = [...traceOf(mesh.data, 'mesh.db'), ...traceOf(keys)];
    const trace = () => [
      ...traceOf(mesh.data, 'mesh.db'),
      ...traceOf(keys).filter((line) => !line.startsWith('peer.pem')),
    ];

    await mesh.restart();
    expect((await mesh.client.status()).identity).toBe(identity);
    expect(notes(mesh)).toContainEqual(
      expect.stringContaining(`${path.join(mesh.data, 'mesh.db')} and stays as it is`),
    );
    expect(mesh.log).toContainEqual(expect.objectContaining({ phrase: 'database of mesh/1 found' }));
    await mesh.client.publish({ channel: 'lobby', body: 'new' });

    const old = await mesh.mesh('read', 'lobby', '--legacy', '--limit', '3');
    expect(old).toMatchObject([27, 28, 29].map((n) => ({ body: `message ${n}`, verified: false })));
    expect(bodies(await mesh.mesh('read', String(dm.channel), '--legacy'))).toEqual(['between us']);
    expect(bodies(await mesh.mesh('read', 'lobby'))).toEqual(['new']);
    const { stdout } = await runMesh(['read', 'lobby', '--legacy', '--data', mesh.data]);
    expect(stdout).toMatch(/^Unverified history of mesh\/1, from .*mesh\.db/);
    expect(stdout).toContain('message 0\n');
    expect(await mesh.stop()).toMatchObject({ code: 0 });
    expect(trace()).toEqual(before);

    await mesh.restart();
    expect((await mesh.client.status()).identity).toBe(identity);
    expect(bodies(await mesh.mesh('read', 'lobby'))).toEqual(['new']);
    await mesh.kill();
    expect(trace()).toEqual(before);
  });

  it('with MESH_STORE_PATH and MESH_KEY_DIR of mesh/1 keeps its own database beside, for good', async () => {
    const folder = makeFolder();
    const [old, keys] = [path.join(folder, 'var', 'mesh.db'), path.join(folder, 'mesh-keys')];
    const identity = makeKeys(keys);
    makeLegacy(old);
    const before = traceOf(path.dirname(old));
    const mesh = await MeshProcess.start({ env: { MESH_STORE_PATH: old, MESH_KEY_DIR: keys } });
    expect((await mesh.client.status()).identity).toBe(identity);
    expect(notes(mesh)).toContainEqual(
      expect.stringContaining(`MESH_STORE_PATH names the database of mesh/1, ${old}, which stays as it is`),
    );
    await mesh.client.publish({ channel: 'lobby', body: 'new' });
    expect(bodies(await mesh.mesh('read', 'lobby', '--legacy'))).toEqual([
      'message 0',
      'message 1',
      'message 2',
    ]);
    expect(await mesh.stop()).toMatchObject({ code: 0 });
    expect(fs.existsSync(`${old}.mesh2`)).toBe(true);
    expect(traceOf(path.dirname(old)).filter((line) => line.startsWith('mesh.db '))).toEqual(before);
    for (const side of ['-wal', '-shm', '-journal', '.lock']) expect(fs.existsSync(old + side)).toBe(false);

    fs.renameSync(old, path.join(folder, 'archived.db'));
    await mesh.restart();
    expect(bodies(await mesh.mesh('read', 'lobby'))).toEqual(['new']);
    const gone = await runMesh(['read', 'lobby', '--legacy', '--data', mesh.data]);
    expect([gone.code, gone.stderr]).toEqual([1, expect.stringContaining('no database of mesh/1')]);
    await mesh.stop();
  });

  it('that still runs does not disturb it, and sees what it writes', async () => {
    const mesh = await MeshProcess.create();
    const file = makeLegacy(path.join(mesh.data, 'mesh.db'));
    const other = new Database(file, { timeout: 0 }); // no patience: a lock of the daemon would fail the test
    other.exec('BEGIN IMMEDIATE');
    await mesh.restart();
    insertLegacy(other, [legacyMessage(7)]);
    other.exec('COMMIT');
    expect(bodies(await mesh.mesh('read', 'lobby', '--legacy', '--limit', '1'))).toEqual(['message 7']);
    insertLegacy(other, [legacyMessage(8)]);
    expect(bodies(await mesh.mesh('read', 'lobby', '--legacy', '--limit', '1'))).toEqual(['message 8']);
    other.exec('BEGIN EXCLUSIVE; COMMIT');
    other.close();
    expect(await mesh.stop()).toMatchObject({ code: 0 });
    expect(traceOf(mesh.data, 'mesh.db')).toHaveLength(1);
  });

  it('in WAL mode reads a copy, and the next start takes a new one', async () => {
    const mesh = await MeshProcess.create();
    const file = makeLegacy(path.join(mesh.data, 'mesh.db'));
    const other = new Database(file);
    other.pragma('journal_mode = WAL');
    insertLegacy(other, [legacyMessage(7)]);
    const before = traceOf(mesh.data, 'mesh.db');
    const last = async () => bodies(await mesh.mesh('read', 'lobby', '--legacy', '--limit', '1'));
    await mesh.restart();
    expect(await last()).toEqual(['message 7']);
    await mesh.kill();
    expect(traceOf(mesh.data, 'mesh.db')).toEqual(before);
    insertLegacy(other, [legacyMessage(8)]);
    await mesh.restart();
    expect(await last()).toEqual(['message 8']);
    expect(fs.readdirSync(mesh.data).filter((name) => name.startsWith('mesh1-copy-'))).toHaveLength(1);
    await mesh.stop();
    other.close();
  });

  it('without keys makes an identity', async () => {
    const mesh = await MeshProcess.create();
    makeLegacy(path.join(mesh.data, 'mesh.db'));
    await mesh.restart();
    expect(notes(mesh)).toContainEqual(expect.stringContaining('A new identity was made'));
    expect((await mesh.client.status()).problems).toEqual([]);
    await mesh.stop();
  });

  it('refuses the database of another program, as ever, and touches nothing', async () => {
    const folder = makeFolder();
    const file = path.join(folder, 'photos.db');
    const db = new Database(file);
    db.exec('CREATE TABLE photos (id, name, timestamp)');
    db.close();
    const before = traceOf(folder, 'photos.db');
    const { code, stderr } = await runMesh(['start', '--data', path.join(folder, 'data')], {
      env: { MESH_STORE_PATH: file, PORT: '0', MESH_API_PORT: '0' },
    });
    expect(code).toBe(1);
    expect(stderr.replace(/\s+/g, ' ')).toContain('belongs to another program');
    expect(traceOf(folder, 'photos.db').filter((line) => !line.startsWith('photos.db.lock'))).toEqual(before);
  });
});
