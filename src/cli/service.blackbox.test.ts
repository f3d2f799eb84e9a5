/** Services with real daemons, begun by a small `systemctl` of the tests; a real systemd is tried in `.ci/service.sh`. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { MeshProcess } from '../blackbox/testing/mesh-process.ts';
import { installService } from './service/install.ts';
import { removeService, showService } from './service/remove.ts';
import { createMachine } from './service/testing/machine.ts';

const TIMEOUT_MS = 120_000;
const user = { scope: 'user', isPrint: false } as const;

it(
  'a service is installed once, runs the daemon of its folder, and goes without the data',
  async () => {
    const t = createMachine();
    const told = (): Record<string, unknown> => JSON.parse(t.stdout().trimEnd().split('\n').at(-1) ?? '');
    const context = t.context({ json: true, env: { MESH_PEERS: 'relay.example:5000' } });
    await installService(user, context, t.machine);
    const { pid } = JSON.parse(fs.readFileSync(path.join(t.dataFolder, 'api.json'), 'utf8')) as {
      pid: number;
    };
    expect(told()).toEqual({
      ...{ file: t.unit, dataFolder: t.dataFolder, node: process.execPath, program: t.machine.mesh },
      environmentFile: path.join(t.home, '.config', 'openclaw-messaging', 'mesh.env'),
      ...{ pid, changed: true, unseen: ['MESH_PEERS'] },
    });
    const changes = (): string[] => t.takeCalls().filter((call) => !call.includes('show'));
    expect(changes()).toEqual([
      ...['--user daemon-reload', '--user reset-failed mesh.service'],
      ...['--user enable mesh.service', '--user restart mesh.service'],
    ]);
    expect(fs.statSync(t.unit).mode & 0o777).toBe(0o644);
    expect(fs.statSync(t.dataFolder).mode & 0o777).toBe(0o700);

    await installService(user, context, t.machine);
    expect([told().pid, told().changed]).toEqual([pid, false]);
    expect(changes()).toEqual([]);
    fs.appendFileSync(t.unit, '# as another version wrote it\n');
    await installService(user, context, t.machine);
    expect(told().changed).toBe(true);
    expect(told().pid).not.toBe(pid);
    expect(fs.readFileSync(t.unit, 'utf8')).not.toContain('another version');

    expect(await showService(context, t.machine, 'user')).toBe(0);
    expect(told()).toMatchObject({
      installed: 'own',
      dataFolder: t.dataFolder,
      enabled: true,
      running: true,
    });
    t.takeCalls();
    await removeService(context, t.machine, 'user');
    expect(changes()).toEqual(['--user disable --now mesh.service', '--user daemon-reload']);
    expect(fs.existsSync(t.unit)).toBe(false);
    expect(fs.readdirSync(t.dataFolder)).toEqual(
      expect.arrayContaining(['keys', 'logs', 'store.db', 'token']),
    );
  },
  TIMEOUT_MS,
);

it(
  'a daemon that somebody else has started is named, and one that ends at once is told',
  async () => {
    const t = createMachine();
    const mesh = await MeshProcess.start();
    const context = t.context({ data: mesh.data });
    await expect(installService(user, context, t.machine)).rejects.toMatchObject({
      ...{ code: 'daemon_runs', detail: expect.stringContaining(`Process ${mesh.pid}`) },
    });
    expect(fs.existsSync(t.unit)).toBe(false);
    await mesh.stop();
    fs.chmodSync(path.join(mesh.data, 'token'), 0o644);
    await expect(installService(user, context, t.machine)).rejects.toMatchObject({
      ...{ code: 'service_failed', detail: expect.stringContaining('It ended at once. "mesh logs') },
    });
  },
  TIMEOUT_MS,
);
