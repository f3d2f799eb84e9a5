/**
 * A full disk: sending is refused with a code, what was acknowledged stays, messages of others are passed on, and the
 * daemon works again by itself when there is room. Once with a small file system, where one can be mounted, and once with
 * the process's own limit on files, which ends writes in the same place.
 */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { ERRORS } from '../../core/errors.ts';
import { storedIds } from '../testing/database.ts';
import { MeshProcess, makeFolder, runMesh } from '../testing/mesh-process.ts';
import { CAN_MOUNT, SmallDisk } from '../testing/small-disk.ts';
import { until } from '../testing/wait.ts';

const CHANNEL = '#full';
/** It looks once a minute where nothing happens. */
const LOOK_PATIENCE_MS = 90_000;

interface Shortage {
  readonly folder: string;
  /** a program under which a start finds no room */
  readonly under: readonly string[];
  begin(mesh: MeshProcess): void;
  end(mesh: MeshProcess): void;
}

function ofDisk(): Shortage {
  const disk = new SmallDisk();
  return { folder: disk.folder, under: [], begin: () => disk.fill(), end: () => disk.free() };
}

function ofProcess(): Shortage {
  const limit = (mesh: MeshProcess, soft: string): void => {
    execFileSync('prlimit', ['--pid', `${mesh.pid}`, `--fsize=${soft}:`]);
  };
  return {
    folder: makeFolder(),
    under: ['prlimit', '--fsize=0'],
    begin: (mesh) => limit(mesh, '0'),
    end: (mesh) => limit(mesh, 'unlimited'),
  };
}

async function playShortage(shortage: Shortage): Promise<void> {
  const relay = await MeshProcess.start({ folder: shortage.folder });
  await relay.client.join(CHANNEL);
  await relay.kill();
  await relay.restart();
  const [a, c] = (await Promise.all([0, 1].map(() => MeshProcess.start({ peers: [relay.url] })))) as [
    MeshProcess,
    MeshProcess,
  ];
  await Promise.all([a, c].map((mesh) => mesh.client.join(CHANNEL)));
  await relay.hasLinks(2);
  const say = (mesh: MeshProcess, body: string) => mesh.client.publish({ channel: CHANNEL, body });
  const kept = [await say(relay, 'before'), await say(a, 'by a leaf')].map(({ id }) => id);
  await until('the relay has them', () => kept.every((id) => storedIds(relay).has(id)));

  const refusal = (body: string): Promise<string> =>
    say(relay, body.padEnd(20_000)).then(
      () => 'none',
      ({ code }: { code: string }) => code,
    );
  /** The daemon looks at the room that is left now and then. If it does so just now, it refuses before the disk does. */
  const begin = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) {
      shortage.begin(relay);
      const code = await refusal(`refused ${i}`);
      if (code === 'store_failed') return;
      expect(code).toBe('store_full');
      shortage.end(relay);
      const body = `between ${i}`;
      kept.push(
        await until(
          'it sees that there is room',
          () =>
            say(relay, body).then(
              ({ id }) => id,
              () => undefined,
            ),
          LOOK_PATIENCE_MS,
        ),
      );
    }
    throw new Error('the disk was never what refused');
  };
  await begin();
  expect(await refusal('refused again')).toBe('store_failed');
  const { problems } = await relay.client.status();
  expect(problems).toMatchObject([
    { code: 'store_failed', detail: expect.stringMatching(/SQLITE_(?:FULL|IOERR)/) },
  ]);
  // What others say is passed on, though it cannot be kept here.
  const over = await say(a, 'over the full one');
  await until('the other leaf has it', () => storedIds(c).has(over.id));
  expect(storedIds(relay).has(over.id)).toBe(false);
  expect((await relay.read(CHANNEL)).map(({ id }) => id)).toEqual(kept);

  shortage.end(relay);
  await until('the problem is solved', async () => (await relay.client.status()).problems.length === 0);
  await relay.logged('and the log says so', ({ phrase }) => phrase === 'database works again');
  kept.push((await say(relay, 'after')).id);

  await begin();
  await relay.kill();
  const start = await runMesh(['start', '--data', relay.data], {
    under: shortage.under,
    env: { PORT: '0', MESH_API_PORT: '0' },
  });
  const said = start.stderr.replace(/\s+/g, ' ');
  expect(said).toContain(ERRORS.store_failed.do);
  expect(said).not.toMatch(/\bat .*\.ts:\d+/);
  expect(start.code).toBe(1);
  if (shortage.under.length === 0) shortage.end(relay);
  await relay.restart();
  const shown = (await relay.read(CHANNEL)).filter(({ id }) => id !== over.id);
  expect(shown.map(({ id }) => id)).toEqual(kept);
  await Promise.all([relay, a, c].map((mesh) => mesh.stop()));
}

describe('a daemon that finds no room', () => {
  it.runIf(CAN_MOUNT)('on its disk refuses what it cannot keep, passes on, and recovers', () =>
    playShortage(ofDisk()),
  );

  it.runIf(process.platform === 'linux')(
    'for its files refuses what it cannot keep, passes on, and recovers',
    () => playShortage(ofProcess()),
  );
});

describe.runIf(CAN_MOUNT)('a disk that may only be read', () => {
  it('stops the start with a word, changes nothing, and the start after it is writable again works', async () => {
    const disk = new SmallDisk();
    const mesh = await MeshProcess.start({ folder: disk.folder });
    const { id } = await mesh.client.publish({ channel: CHANNEL, body: 'kept' });
    await mesh.kill();
    disk.setReadOnly(true);
    const { stderr, code } = await runMesh(['start', '--data', mesh.data], {
      env: { PORT: '0', MESH_API_PORT: '0' },
    });
    expect(stderr).toContain(ERRORS.data_folder.title);
    expect(stderr).toMatch(/EROFS|read-only/);
    expect(code).toBe(1);
    const doctor = await runMesh(['doctor', '--data', mesh.data], { env: { PORT: '0', MESH_API_PORT: '0' } });
    expect(doctor.stdout).toMatch(/mounted read-only[\s\S]*remount,rw/);
    disk.setReadOnly(false);
    await mesh.restart();
    expect(await mesh.client.message(id)).toMatchObject({ body: 'kept' });
    await mesh.stop();
  });
});
