/** A real daemon that is stopped: in the middle of the work of a real `mesh send --lines`, and by `mesh stop`. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { storedRows } from '../blackbox/testing/database.ts';
import { MeshProcess, runMesh } from '../blackbox/testing/mesh-process.ts';
import { until } from '../blackbox/testing/wait.ts';

const LINES = 40_000;

it('an orderly stop answers for each line that it stored, and says where to go on', async () => {
  const mesh = await MeshProcess.start();
  const lines = Array.from({ length: LINES }, (_, i) => `line ${i + 1}`);
  const argv = ['send', '#stop', '--lines', '--json', '--data', mesh.data];
  const sending = runMesh(argv, { stdin: lines.join('\n') });
  await until('some are stored', () => storedRows(mesh).length > 500);
  const begunMs = performance.now();
  expect(await mesh.stop()).toEqual({ code: 0, signal: null });
  expect(performance.now() - begunMs).toBeLessThan(5_000);
  const { stdout, stderr, code } = await sending;
  const acknowledged = stdout.split('\n').filter((line) => line !== '');
  const stored = storedRows(mesh);
  expect(stored.length).toBeLessThan(LINES);
  expect(acknowledged.length, stderr).toBe(stored.length);
  expect(stored.map(({ body }) => body)).toEqual(lines.slice(0, stored.length));
  expect(code).toBe(3);
  expect(stderr).toContain(`line ${stored.length + 1}`);
}, 120_000);

it('"mesh stop" ends it in order, and its folder is free when the command returns', async () => {
  const mesh = await MeshProcess.start();
  const [sent] = await mesh.mesh('send', 'lobby', 'before the stop');
  const { pid } = mesh;
  const { output, ended } = await mesh.stopByCommand();
  expect(output).toMatchObject({ code: 0, stdout: `Stopped (process ${pid}).\n`, stderr: '' });
  expect(ended).toEqual({ code: 0, signal: null });
  expect(mesh.log.at(-1)?.phrase).toBe('daemon stopped');
  expect(fs.existsSync(path.join(mesh.data, 'api.json'))).toBe(false);
  const again = await runMesh(['stop', '--data', mesh.data]);
  expect(again.code).toBe(3);
  expect(again.stderr).toContain('No daemon answers');
  await mesh.restart();
  expect((await mesh.read('lobby')).map(({ id }) => id)).toEqual([(sent as { id: string }).id]);
}, 120_000);
