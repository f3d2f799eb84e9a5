import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lookAtLock, lookForDaemon } from './presence.ts';
import { type System, thisSystem } from './system.ts';
import { deadPid, listing, tempFolder } from './testing/subject.ts';

const isLinux = process.platform === 'linux';
/** A system that tells nothing of its processes. */
const SILENT: System = { ...thisSystem(), proc: '/nowhere' };

/** Takes the lock as a daemon does. */
function hold(storePath: string): void {
  const db = new Database(`${storePath}.lock`);
  onTestFinished(() => void db.close());
  db.pragma('journal_mode = MEMORY');
  db.exec('BEGIN EXCLUSIVE');
}

function writeApi(folder: string, pid: number, url = 'http://127.0.0.1:1'): void {
  fs.writeFileSync(path.join(folder, 'api.json'), JSON.stringify({ url, pid, version: '', started: '' }));
}

function scene(): {
  folder: string;
  storePath: string;
  look: (system?: System) => ReturnType<typeof lookForDaemon>;
} {
  const folder = tempFolder();
  const storePath = path.join(folder, 'store.db');
  return {
    ...{ folder, storePath },
    look: (system = thisSystem()) => {
      const before = listing(folder);
      const found = lookForDaemon(system, folder, storePath);
      expect(listing(folder)).toEqual(before);
      return found;
    },
  };
}

describe('a data folder', () => {
  it('without a lock and api.json has no daemon, and none of both is made', () => {
    const { folder, storePath, look } = scene();
    expect(look()).toEqual({ kind: 'none', lock: { state: 'free', pids: [] } });
    expect(lookForDaemon(thisSystem(), path.join(folder, 'a/b'), '/nowhere/store.db').kind).toBe('none');
    fs.writeFileSync(`${storePath}.lock`, '');
    expect(look().kind).toBe('none');
  });

  it('whose lock is held by the process of api.json has a daemon', () => {
    const { folder, storePath, look } = scene();
    hold(storePath);
    writeApi(folder, process.pid);
    expect(look()).toMatchObject({ kind: 'running', pid: process.pid, lock: { state: 'held' } });
    expect(look(SILENT)).toMatchObject({ kind: 'running', lock: { state: 'held', pids: [] } });
  });

  it.runIf(isLinux)(
    'whose api.json names a port that its process holds has a daemon with another database',
    async () => {
      const { folder, look } = scene();
      const server = net.createServer().listen(0, '127.0.0.1');
      onTestFinished(() => void server.close());
      await new Promise((resolve) => server.once('listening', resolve));
      writeApi(folder, process.pid, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
      expect(look()).toMatchObject({ kind: 'running', lock: { state: 'free' } });
    },
  );

  it('whose api.json names a process that ended, or that is somebody else by now, was left behind', () => {
    const { folder, look } = scene();
    writeApi(folder, deadPid());
    expect(look()).toMatchObject({ kind: 'stale', why: expect.stringContaining('does not run') });
    // The number is given again: this process neither holds the lock nor the port.
    writeApi(folder, process.pid);
    for (const system of [thisSystem(), SILENT])
      expect(look(system)).toMatchObject({ kind: 'stale', why: expect.stringContaining('not its daemon') });
  });

  it('that is in use without an api.json that leads there is told with the process, where the system names it', () => {
    const { folder, storePath, look } = scene();
    hold(storePath);
    expect(look()).toMatchObject({
      kind: 'hidden',
      why: 'is missing',
      lock: { state: 'held', pids: isLinux ? [process.pid] : [] },
    });
    writeApi(folder, deadPid());
    expect(look().kind).toBe('hidden');
  });

  it.each([
    ['not json', 'names no'],
    ['[]', 'names no'],
    ['{"url":"http://example.org:80","pid":1}', 'names no'],
    ['{"url":"http://127.0.0.1:80","pid":-1}', 'names no'],
    ['{"url":"http://127.0.0.1:80","pid":"1"}', 'names no'],
    [`{"url":"http://127.0.0.1:80","pid":1${' '.repeat(5000)}}`, 'cannot be read'],
  ])('with api.json %j is told, and nobody is asked', (text, why) => {
    const { folder, look } = scene();
    fs.writeFileSync(path.join(folder, 'api.json'), text);
    expect(look()).toMatchObject({ kind: 'stale', why: expect.stringContaining(why) });
  });

  it.runIf(isLinux)('with a pipe for api.json keeps nobody waiting', () => {
    const { folder } = scene();
    if (spawnSync('mkfifo', [path.join(folder, 'api.json')]).status !== 0) return;
    expect(lookForDaemon(thisSystem(), folder, path.join(folder, 'store.db')).kind).toBe('stale');
  });
});

describe('a lock', () => {
  it('that is no database is none that is free', () => {
    const storePath = path.join(tempFolder(), 'store.db');
    fs.writeFileSync(`${storePath}.lock`, 'This is a letter and no database.'.repeat(100));
    expect(lookAtLock(SILENT, storePath)).toEqual({ state: 'unknown', pids: [] });
  });
});
