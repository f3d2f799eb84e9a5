/** `mesh uninstall` on the folder of a real daemon. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { MeshProcess, runMesh } from '../blackbox/testing/mesh-process.ts';

interface Line {
  readonly action: string;
  readonly path: string;
  readonly bytes: number;
  readonly why: string;
  readonly done: boolean | null;
}

it('shows, refuses while the daemon runs, removes, and keeps who it is', async () => {
  const mesh = await MeshProcess.start();
  const { identity } = await mesh.client.status();
  await mesh.mesh('send', 'lobby', 'before');
  const running = await runMesh(['uninstall', '--yes', '--data', mesh.data]);
  expect(running.code).toBe(1);
  expect(running.stderr).toContain(`It is process ${mesh.pid}`);
  expect(running.stderr).toContain('mesh stop');
  await mesh.stop();
  const listing = (): string[] => fs.readdirSync(mesh.data, { recursive: true }).map(String).sort();
  const before = listing();
  const shown = (await mesh.mesh('uninstall')) as Line[];
  expect(listing()).toEqual(before);
  const files = shown.map(({ path: file }) => path.relative(mesh.data, file)).sort();
  expect(files).toEqual(before.filter((name) => !['keys', 'logs'].includes(name))); // nothing is left unsaid
  expect(shown.every(({ done }) => done === null)).toBe(true);

  const done = (await mesh.mesh('uninstall', '--yes')) as Line[];
  expect(done.filter(({ action }) => action === 'remove').map(({ path: file }) => file)).toEqual(
    shown.filter(({ action }) => action === 'remove').map(({ path: file }) => file),
  );
  expect(listing()).toEqual(['keys', 'keys/key.pem', 'keys/peer.pem', 'keys/pub.pem']);

  await mesh.restart();
  expect((await mesh.client.status()).identity).toBe(identity);
  expect(await mesh.read('lobby')).toEqual([]);
  await mesh.stop();
  const text = await runMesh(['uninstall', '--yes', '--keys', '--data', mesh.data]);
  expect([text.code, text.stderr]).toEqual([0, '']);
  expect(text.stdout).toContain('the identity');
  expect(fs.existsSync(mesh.data)).toBe(false);
  const again = await runMesh(['uninstall', '--yes', '--keys', '--data', mesh.data]);
  expect([again.code, again.stderr]).toEqual([0, '']);
  expect(fs.existsSync(mesh.folder)).toBe(true);
}, 120_000);

it("leaves a folder alone that is not a daemon's", async () => {
  const mesh = await MeshProcess.create();
  fs.writeFileSync(path.join(mesh.folder, 'token'), 'mine');
  const { code, stderr } = await runMesh(['uninstall', '--yes', '--keys', '--data', mesh.folder]);
  expect(code).toBe(1);
  expect(stderr).toContain('This is not the data folder of a daemon.');
  expect(fs.readFileSync(path.join(mesh.folder, 'token'), 'utf8')).toBe('mine');
});
