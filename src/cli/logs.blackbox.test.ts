/** The log of real daemons: what is in its files, how much, and what `mesh logs` makes of it. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { MeshProcess, runMesh, startCommand } from '../blackbox/testing/mesh-process.ts';
import { until } from '../blackbox/testing/wait.ts';
import { listLogFiles, logFilePath } from '../daemon/folder/index.ts';

const TIMEOUT_MS = 120_000;
const FILE_BYTES = 64 * 1024;
const DEBUG = { MESH_LOG_LEVEL: 'debug', MESH_LOG_FILE_BYTES: `${FILE_BYTES}` };

const folderOf = (mesh: MeshProcess): string => path.join(mesh.data, 'logs');
const filesOf = (mesh: MeshProcess): string[] =>
  listLogFiles(folderOf(mesh)).map((number) => logFilePath(folderOf(mesh), number));
const textOf = (mesh: MeshProcess): string =>
  filesOf(mesh)
    .map((file) => fs.readFileSync(file, 'utf8'))
    .join('');

/** Writes messages until the log has so many files more. */
async function fill(mesh: MeshProcess, files: number): Promise<void> {
  const last = (): number => listLogFiles(folderOf(mesh)).at(-1) ?? 0;
  const enough = last() + files;
  const some = Array.from({ length: 32 }, (_, n) => `the secret text ${n}`);
  while (last() < enough)
    await Promise.all(some.map((body) => mesh.client.publish({ channel: 'lobby', body })));
}

it(
  '--follow shows each line once, over new files, a kill and new starts; no secret is in it',
  async () => {
    const mesh = await MeshProcess.start({ env: { ...DEBUG, MESH_LOG_FILES: '1000' } });
    const following = startCommand(['logs', '--follow', '--json', '--lines', '100000', '--data', mesh.data]);
    await fill(mesh, 2);
    await mesh.kill();
    fs.appendFileSync(filesOf(mesh).at(-1) as string, '{"level":"debug","time":"20'); // as a kill in a write would
    await mesh.restart();
    await fill(mesh, 1);
    const locked = await runMesh(['start', '--data', mesh.data]);
    expect(locked.stderr).toContain('Another daemon uses this data folder');
    expect(textOf(mesh)).not.toContain('start failed'); // it is the other daemon's log
    await mesh.stop();
    const lines = textOf(mesh).trimEnd().split('\n');
    const followed = await until('everything was followed', () => {
      const shown = following.stdout().split('\n');
      return shown.length > lines.length && shown.slice(0, -1);
    });
    await following.end();
    const damaged = lines.indexOf('{"level":"debug","time":"20');
    expect(damaged).toBeGreaterThan(0);
    expect(followed.map((line) => JSON.parse(line))).toEqual(
      lines.map((line, at) => (at === damaged ? { damaged: line } : JSON.parse(line))),
    );
    const secrets = ['keys/key.pem', 'keys/peer.pem', 'token', 'agent-token'].map((name) => {
      const text = fs.readFileSync(path.join(mesh.data, name), 'utf8').trim();
      return text.split('\n').at(name.endsWith('.pem') ? 1 : 0) as string;
    });
    for (const secret of [...secrets, 'the secret text']) {
      expect(secret.length).toBeGreaterThan(10);
      expect(textOf(mesh)).not.toContain(secret);
    }
  },
  TIMEOUT_MS,
);

it(
  'is bounded, private, and what standard output gets; a start that fails is in it',
  async () => {
    const mesh = await MeshProcess.start({ env: { ...DEBUG, MESH_LOG_FILES: '2' } });
    await fill(mesh, 3);
    await mesh.stop();
    const files = filesOf(mesh);
    expect(files).toHaveLength(2);
    for (const file of files) {
      expect(fs.statSync(file).size).toBeLessThanOrEqual(FILE_BYTES);
      expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    }
    expect(fs.statSync(folderOf(mesh)).mode & 0o777).toBe(0o700);
    expect(mesh.output.endsWith(textOf(mesh))).toBe(true);
    fs.chmodSync(path.join(mesh.data, 'token'), 0o644);
    const failed = await runMesh(['start', '--data', mesh.data], { env: { MESH_API_PORT: '0', PORT: '0' } });
    expect(failed.code).toBe(1);
    const [line] = await mesh.mesh('logs', '--level', 'fatal');
    expect(line).toMatchObject({ phrase: 'start failed', code: 'key_exposed' });
  },
  TIMEOUT_MS,
);

it(
  'a disk that takes no more of it is told once, and costs lines of the log and nothing else',
  async () => {
    const mesh = await MeshProcess.create({
      env: { ...DEBUG, MESH_LOG_FILE_BYTES: '32MiB' },
      // No file of this process may have more than 16 MiB: the log is nearly there, the database is not.
      under: ['bash', '-c', 'ulimit -f 16384; exec "$0" "$@"'],
    });
    const room = 100;
    fs.mkdirSync(folderOf(mesh), { recursive: true });
    const file = logFilePath(folderOf(mesh), 1);
    fs.writeFileSync(file, '');
    fs.truncateSync(file, 16 * 1024 * 1024 - room - 1);
    fs.appendFileSync(file, '\n');
    await mesh.restart();
    for (let n = 0; n < 50; n++) await mesh.client.publish({ channel: 'lobby', body: `${n}` });
    expect((await mesh.read('lobby')).map(({ body }) => body)).toEqual(
      Array.from({ length: 50 }, (_, n) => `${n}`),
    );
    const told = (): number => mesh.output.split('cannot be written').length - 1;
    await until('it is told', () => told() > 0);
    expect(await mesh.stop()).toEqual({ code: 0, signal: null });
    expect(told()).toBe(1);
    expect(fs.statSync(file).size).toBe(16 * 1024 * 1024);
    const { stdout, code } = await runMesh(['logs', '--lines', '1', '--data', mesh.data]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\(damaged line\) \{"level":"/);
  },
  TIMEOUT_MS,
);

it(
  'there is none where MESH_LOG_FILES is 0, and "mesh logs" says so',
  async () => {
    const mesh = await MeshProcess.start({ env: { MESH_LOG_FILES: '0' } });
    await mesh.stop();
    expect(fs.existsSync(folderOf(mesh))).toBe(false);
    const { code, stderr } = await runMesh(['logs', '--data', mesh.data]);
    expect(code).toBe(1);
    expect(stderr).toContain('MESH_LOG_FILES');
  },
  TIMEOUT_MS,
);
