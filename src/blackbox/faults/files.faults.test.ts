/** A process that may open no more files and sockets: it goes on with what it has, says so, and recovers. Linux only. */
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { ERRORS } from '../../core/errors.ts';
import { Author, pushOf } from '../testing/author.ts';
import { storedIds } from '../testing/database.ts';
import { MeshProcess, runMesh } from '../testing/mesh-process.ts';
import { RawPeer } from '../testing/raw-peer.ts';
import { until } from '../testing/wait.ts';

const limitedTo = (files: number): string[] => ['prlimit', `--nofile=${files}`];

/** Opens sockets that say nothing, until the daemon has refused this many. @returns what closes them */
async function exhaust(port: number, refused: number): Promise<() => void> {
  const sockets: net.Socket[] = [];
  let closed = 0;
  await until('the daemon refuses', () => {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.on('close', () => {
      closed += 1;
    });
    sockets.push(socket);
    return closed >= refused;
  });
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}

describe.runIf(process.platform === 'linux')('a daemon without file descriptors', () => {
  it('refuses connections, says so, keeps storing and passing on, and recovers when some are closed', async () => {
    const mesh = await MeshProcess.start({ under: limitedTo(56), env: { MESH_RATE_LEAF: '0' } });
    const leaf = await RawPeer.link(mesh);
    const channel = 'lobby';
    const before = await mesh.client.publish({ channel, body: 'before' });
    const release = await exhaust(Number(new URL(mesh.client.daemon.url).port), 5);
    // The connections that there are go on: the client's is kept, and so is the leaf's.
    const during = await mesh.client.publish({ channel, body: 'during' });
    const pushed = new Author().write({ channel });
    leaf.send(pushOf([pushed.wire]));
    await until('the leaf is told that it is stored', () => leaf.stored.has(pushed.idText));
    await until('it is said', async () =>
      (await mesh.client.status()).problems.some(({ code }) => code === 'out_of_files'),
    );
    await mesh.logged('the log says so too', ({ code }) => code === 'out_of_files');
    const late = await RawPeer.connect(mesh);
    await until('a new peer is refused', () => late.closed !== undefined);

    release();
    await until('it is over', async () => (await mesh.client.status()).problems.length === 0);
    const next = await RawPeer.link(mesh);
    for (const peer of [leaf, next, late]) peer.close();
    await mesh.kill();
    await mesh.restart();
    const ids = storedIds(mesh);
    for (const id of [before.id, during.id, pushed.idText]) expect(ids.has(id)).toBe(true);
    await mesh.stop();
  });

  it('does not start with too few, says how many it takes, and starts with as many', async () => {
    const mesh = await MeshProcess.start();
    const { id } = await mesh.client.publish({ channel: 'lobby', body: 'kept' });
    await mesh.kill();
    for (const files of [24, 27]) {
      const output = await runMesh(['start', '--data', mesh.data], {
        under: limitedTo(files),
        env: { PORT: '0', MESH_API_PORT: '0' },
      });
      const said = output.stderr.replace(/\s+/g, ' ');
      expect(said).toContain(ERRORS.out_of_files.title);
      expect(said).toContain(ERRORS.out_of_files.do);
      expect(said).not.toMatch(/\bat .*\.ts:\d+/);
      expect(output.code).toBe(1);
    }
    expect(ERRORS.out_of_files.do).toMatch(/1024/);
    await mesh.restart({ under: limitedTo(1024) });
    expect(await mesh.client.message(id)).toMatchObject({ body: 'kept' });
    await mesh.stop();
  });
});
