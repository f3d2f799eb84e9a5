import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { MeshError } from '../../api/client/index.ts';
import { UsageError } from '../exit.ts';
import { installService } from './install.ts';
import type { Machine } from './plan.ts';
import { removeService, servicesOf, showService } from './remove.ts';
import { createMachine, type TestMachine } from './testing/machine.ts';
import { ownHeader, STATE_FOLDER } from './unit.ts';

const install = (t: TestMachine, scope: 'user' | 'system' = 'user', data?: string): Promise<undefined> =>
  installService({ scope, isPrint: false }, t.context(data === undefined ? {} : { data }), t.machine);

async function failure(work: Promise<unknown>): Promise<MeshError> {
  const error = await work.then(
    () => new Error('it worked'),
    (reason: unknown) => reason,
  );
  if (error instanceof MeshError) return error;
  throw error;
}

function put(file: string, text: string): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
}
const own = (folder: string): string => `# ${ownHeader(folder)}\n[Service]\n`;

describe('mesh service install', () => {
  it('with --print shows the unit and does nothing, for whomever', async () => {
    for (const uid of [0, 4242]) {
      const t = createMachine({ uid });
      await installService({ scope: 'user', isPrint: true }, t.context(), t.machine);
      expect(t.stdout()).toContain(`start --data ${t.dataFolder}\n`);
      expect(t.takeCalls()).toEqual([]);
      expect(fs.readdirSync(t.home).sort()).toEqual(['bin', 'record']);
    }
  });

  it.each([
    ['root without --system', { uid: 0 }, 'user', 'You are root. Say --system'],
    ['--system without root', {}, 'system', 'run it as root'],
  ] as const)('refuses %s', async (_what, machine, scope, why) => {
    const t = createMachine({ ...machine, node: '/usr/bin/node', mesh: '/opt/mesh/bin/mesh.mjs' });
    const error = await failure(install(t, scope));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.detail).toContain(why);
    expect(t.takeCalls()).toEqual([]);
  });

  it('never touches a unit that it did not write', async () => {
    const t = createMachine();
    for (const text of ['[Service]\nExecStart=/mine\n', own('/other')]) {
      put(t.unit, text);
      const error = await failure(install(t));
      expect(error.code).toBe('service_foreign');
      expect(error.detail).toContain(t.unit);
      expect(fs.readFileSync(t.unit, 'utf8')).toBe(text);
    }
    fs.rmSync(t.unit);
    fs.symlinkSync('/dev/null', t.unit); // a unit that somebody has masked
    expect((await failure(install(t))).code).toBe('service_foreign');
    expect(t.takeCalls()).toEqual([]);
  });

  it('says what to do where nothing runs services', async () => {
    const t = createMachine();
    t.program('systemctl', '#!/bin/sh\necho "Failed to connect to bus" >&2\nexit 1\n');
    const error = await failure(install(t));
    expect([error.code, error.detail]).toEqual(['no_service_manager', 'Failed to connect to bus']);
    fs.rmSync(path.join(t.home, 'bin', 'systemctl'));
    const bare = { ...t.context(), io: { ...t.context().io, env: { PATH: path.join(t.home, 'bin') } } };
    const missing = await failure(installService({ scope: 'user', isPrint: false }, bare, t.machine));
    expect([missing.code, missing.detail]).toEqual([
      ...['no_service_manager', 'systemctl: spawn systemctl ENOENT'],
    ]);
    expect(fs.existsSync(t.unit)).toBe(false);
  });

  it('passes on what systemd refuses', async () => {
    const t = createMachine();
    t.program('systemctl', '#!/bin/sh\n[ "$2" = enable ] && { echo "Unit is bad" >&2; exit 1; }\nexit 0\n');
    expect((await failure(install(t))).detail).toContain(
      '"systemctl --user enable mesh.service" failed: Unit is bad',
    );
  });

  it('refuses a path that systemd cannot take, and one with a line end above all', async () => {
    const t = createMachine();
    const error = await failure(install(t, 'user', `${t.home}/a\nUser=root`));
    expect([error.code, fs.existsSync(t.unit)]).toEqual(['service_failed', false]);
  });
});

describe('mesh service install --system', () => {
  const programs = { node: '/usr/bin/node', mesh: '/opt/mesh/bin/mesh.mjs', uid: 0 };

  it('needs the user, and says how to make it', async () => {
    const t = createMachine(programs);
    put(t.machine.usersFile, 'root:x:0:0::/root:/bin/sh\nmeshed:x:1:1::/:/bin/sh\n');
    const error = await failure(install(t, 'system'));
    expect(error.detail).toContain('useradd --system');
    expect(fs.existsSync(t.machine.systemFolder)).toBe(false);
  });

  it.each([['node'], ['mesh']] as const)('refuses where %s lies in a home folder', async (name) => {
    const t = createMachine({ ...programs, [name]: '/home/anna/x' });
    expect((await failure(install(t, 'system'))).detail).toContain('/home/anna/x lies in a home folder');
  });

  it('keeps its data in one place', async () => {
    const t = createMachine(programs);
    const error = await failure(install(t, 'system', '/elsewhere'));
    expect(error.detail).toContain(STATE_FOLDER);
    await installService({ scope: 'system', isPrint: true }, t.context({ data: STATE_FOLDER }), t.machine);
    expect(t.stdout()).toContain('ProtectSystem=strict');
  });
});

describe('mesh service remove', () => {
  it('is content where there is nothing', async () => {
    const t = createMachine();
    await removeService(t.context(), t.machine, 'user');
    expect(t.stdout()).toContain('There is no service');
    expect(t.takeCalls()).toEqual([]);
  });

  it('leaves what it did not write', async () => {
    const t = createMachine();
    put(t.unit, '[Service]\n');
    expect((await failure(removeService(t.context(), t.machine, 'user'))).code).toBe('service_foreign');
    expect(fs.existsSync(t.unit)).toBe(true);
  });

  it('removes file and links where systemd does not answer, and says so', async () => {
    const t = createMachine();
    put(t.unit, own(t.dataFolder));
    const link = path.join(path.dirname(t.unit), 'default.target.wants', 'mesh.service');
    fs.mkdirSync(path.dirname(link));
    fs.symlinkSync(t.unit, link);
    t.program('systemctl', '#!/bin/sh\necho "no bus" >&2\nexit 1\n');
    await removeService(t.context({ json: true }), t.machine, 'user');
    expect(t.stderr()).toContain('Nobody could be told to stop it: no bus');
    expect(JSON.parse(t.stdout())).toEqual({ file: t.unit, removed: true });
    expect([t.unit, link].filter((file) => fs.lstatSync(file, { throwIfNoEntry: false }))).toEqual([]);
  });

  it('finds for an uninstall only services of that folder', () => {
    const t = createMachine();
    const system = path.join(t.machine.systemFolder, 'mesh.service');
    put(t.unit, own('/other'));
    put(system, own(t.dataFolder));
    expect(servicesOf(t.context(), t.machine).map(({ file }) => file)).toEqual([system]);
    expect(servicesOf(t.context(), { ...t.machine, platform: 'win32' })).toEqual([]);
  });

  it('knows its folder by whatever path it is named', async () => {
    const t = createMachine();
    fs.mkdirSync(t.dataFolder);
    const link = path.join(t.home, 'link');
    fs.symlinkSync(t.dataFolder, link);
    put(t.unit, own(link));
    expect(servicesOf(t.context(), t.machine)).toHaveLength(1);
    expect(servicesOf(t.context({ data: `${link}/../data/` }), t.machine)).toHaveLength(1);
    t.program('systemctl', '#!/bin/sh\necho "no bus" >&2\nexit 1\n');
    expect((await failure(install(t))).code).toBe('no_service_manager'); // and not service_foreign
  });
});

describe('mesh service status', () => {
  it('ends with 1 where none runs, and says which of it', async () => {
    const t = createMachine();
    expect(await showService(t.context(), t.machine, 'user')).toBe(1);
    expect(t.stdout()).toContain('No service is installed');
    put(t.unit, '[Service]\n');
    expect(await showService(t.context(), t.machine, 'user')).toBe(1);
    expect(t.stdout()).toContain('was not written by "mesh service install"');
    expect(t.stdout()).toContain('It does not run (inactive), and does not start by itself.');
    expect(t.stdout()).not.toContain('There is a service of');
  });

  it('names the one of the machine beside the one of the user, and the other way round', async () => {
    const t = createMachine();
    const system = path.join(t.machine.systemFolder, 'mesh.service');
    put(system, own(STATE_FOLDER));
    await showService(t.context(), t.machine, 'user');
    expect(t.stdout()).toContain(`of the machine too (${system}): "mesh service status --system" shows it.`);
    put(t.unit, own(t.dataFolder));
    await showService(t.context(), t.machine, 'system');
    expect(t.stdout()).toContain(`of your user too (${t.unit}): "mesh service status" shows it.`);
  });
});

describe('other systems', () => {
  const LAUNCHCTL = '#!/bin/sh\necho "$*" >> "$RECORD/calls"\ncase "$1$2" in print*/*/*) exit 113;; esac\n';
  const mac = { platform: 'darwin', uid: 501 } as const satisfies Partial<Machine>;

  it('macOS gets an agent of launchd; one that does not start is told', async () => {
    const t = createMachine(mac);
    t.program(
      'launchctl',
      `${LAUNCHCTL}[ "$1" = bootstrap ] && { echo "Bootstrap failed: 5" >&2; exit 5; }\nexit 0\n`,
    );
    const file = path.join(t.home, 'Library', 'LaunchAgents', 'openclaw-messaging.plist');
    expect((await failure(install(t))).detail).toContain('Bootstrap failed: 5');
    expect(fs.readFileSync(file, 'utf8')).toContain(`<string>${t.dataFolder}</string>`);
    expect(t.takeCalls().slice(-2)).toEqual([
      'bootout gui/501/openclaw-messaging',
      `bootstrap gui/501 ${file}`,
    ]);
    await removeService(t.context(), t.machine, 'user');
    expect(fs.existsSync(file)).toBe(false);
    expect((await failure(install(t, 'system'))).detail).toContain('--system is for Linux');
  });

  it('Windows gets the command to type', async () => {
    const t = createMachine({ platform: 'win32', uid: undefined });
    for (const work of [install(t), removeService(t.context(), t.machine, 'user')]) {
      const error = await failure(work);
      expect(error.code).toBe('no_service_manager');
      expect(error.detail).toContain('schtasks /Create /TN mesh');
    }
  });
});
