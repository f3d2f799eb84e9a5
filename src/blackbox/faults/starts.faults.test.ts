/** Starts that meet another daemon, another program or another version, and the way on that each is told. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { ERRORS, type ErrorCode } from '../../core/errors.ts';
import { freePort, MeshProcess, makeFolder, type Output, runMesh } from '../testing/mesh-process.ts';

const ANY_PORTS = { PORT: '0', MESH_API_PORT: '0' };
const CAN_UNSHARE =
  process.platform === 'linux' && spawnSync('unshare', ['--pid', '--fork', 'true']).status === 0;

const start = (data: string, more: { env?: Record<string, string>; under?: readonly string[] } = {}) =>
  runMesh(['start', '--data', data], { ...more, env: { ...ANY_PORTS, ...more.env } });

function expectCode(output: Output, code: ErrorCode): void {
  expect(output.stderr).toContain(ERRORS[code].title);
  expect(output.stderr).toContain(ERRORS[code].do);
  expect(output.code).toBe(1);
}

/** Stops a daemon that was started with {@link start}. */
async function stop(data: string): Promise<void> {
  expect((await runMesh(['stop', '--data', data])).code).toBe(0);
}

describe('two daemons on one data folder', () => {
  it('of two that start at once on a fresh folder, one runs and the other says why not', async () => {
    const data = path.join(makeFolder(), 'data');
    const both = [start(data), start(data)];
    const loser = await Promise.race(both);
    expectCode(loser, 'store_locked');
    const { stdout, code } = await runMesh(['send', 'lobby', 'by the one that runs', '--data', data]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/queued|relayed|stored/)]);
    await stop(data);
    const codes = (await Promise.all(both)).map((output) => output.code).sort();
    expect(codes).toEqual([0, 1]);
    // The way on: after the first has ended, the folder is free.
    const mesh = await MeshProcess.create();
    fs.cpSync(data, mesh.data, { recursive: true });
    await mesh.restart();
    expect((await mesh.read('lobby')).map(({ body }) => body)).toEqual(['by the one that runs']);
    await mesh.stop();
  });

  it.runIf(CAN_UNSHARE)('a second one in another container is refused too', async () => {
    const mesh = await MeshProcess.start();
    expectCode(await start(mesh.data, { under: ['unshare', '--pid', '--fork'] }), 'store_locked');
    const { id } = await mesh.client.publish({ channel: 'lobby', body: 'unharmed' });
    // What is left of a killed one holds nothing: neither the lock file nor the old api.json is in the way.
    await mesh.kill();
    expect(fs.existsSync(path.join(mesh.data, 'store.db.lock'))).toBe(true);
    await mesh.restart();
    expect(await mesh.client.message(id)).toMatchObject({ body: 'unharmed' });
    await mesh.stop();
  });
});

describe('a port in use', () => {
  it.each(['PORT', 'MESH_API_PORT'])(
    'set as %s stops the start; free again, or another one, it starts',
    async (name) => {
      const mesh = await MeshProcess.start();
      const { id } = await mesh.client.publish({ channel: 'lobby', body: 'kept' });
      await mesh.kill();
      const port = await freePort();
      const server = net.createServer();
      await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
      expectCode(await start(mesh.data, { env: { [name]: `${port}` } }), 'port_in_use');
      await mesh.restart({ env: { [name]: '0' } });
      expect(await mesh.client.message(id)).toMatchObject({ body: 'kept' });
      await mesh.stop();
      await new Promise((resolve) => server.close(resolve));
      await mesh.restart({ env: { [name]: `${port}` } });
      expect(await mesh.client.message(id)).toMatchObject({ body: 'kept' });
      await mesh.stop();
    },
  );
});

describe('a database of a newer version', () => {
  it('is refused; another folder works meanwhile, and the version that knows it has everything', async () => {
    const mesh = await MeshProcess.start();
    const { id } = await mesh.client.publish({ channel: 'lobby', body: 'kept' });
    await mesh.stop();
    const setSchema = (change: (now: number) => number): void => {
      const db = new Database(path.join(mesh.data, 'store.db'));
      db.pragma(`user_version = ${change(db.pragma('user_version', { simple: true }) as number)}`);
      db.close();
    };
    setSchema((now) => now + 1);
    expectCode(await start(mesh.data), 'store_newer');
    const other = await MeshProcess.start();
    await other.stop();
    setSchema((now) => now - 1);
    await mesh.restart();
    expect(await mesh.client.message(id)).toMatchObject({ body: 'kept' });
    await mesh.stop();
  });
});
