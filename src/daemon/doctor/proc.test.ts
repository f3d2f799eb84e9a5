import fs from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isAlive, listenersOf, lockHolders, mountOf, processName, programOf, userOf } from './proc.ts';
import { deadPid, tempFolder } from './testing/subject.ts';

const isLinux = process.platform === 'linux';

/** A folder that looks like `/proc`. */
function fakeProc(
  files: Readonly<Record<string, string>>,
  links: Readonly<Record<string, string>> = {},
): string {
  const proc = tempFolder();
  for (const [name, text] of Object.entries({ ...files, ...links })) {
    const file = path.join(proc, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    if (name in links) fs.symlinkSync(text, file);
    else fs.writeFileSync(file, text);
  }
  return proc;
}

const LISTEN = (port: number, inode: number, state = '0A') =>
  `   0: 0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0000 100 0 0 10 0\n`;

describe('who listens on a port', () => {
  it('is read from the sockets of all processes that we may see', () => {
    const proc = fakeProc(
      { 'net/tcp': LISTEN(5000, 77) + LISTEN(5001, 78) + LISTEN(5002, 79, '01'), '12/comm': 'node\n' },
      {
        '12/fd/3': 'socket:[77]',
        '12/fd/4': '/dev/null',
        '13/fd/1': 'socket:[99]',
        '12/exe': '/usr/bin/node',
      },
    );
    expect(listenersOf(proc, 5000)).toEqual({ isKnown: true, pids: [12] });
    expect(listenersOf(proc, 5001)).toEqual({ isKnown: true, pids: [] }); // of another user
    expect(listenersOf(proc, 5002)).toEqual({ isKnown: true, pids: [] }); // a connection, no listener
    expect(processName(proc, 12)).toBe('process 12 (node)');
    expect(processName(proc, 13)).toBe('process 13');
  });

  it('is not made up where there is no such folder', () => {
    expect(listenersOf('/nowhere', 5000)).toEqual({ isKnown: false, pids: [] });
    expect(lockHolders('/nowhere', 1)).toEqual([]);
    expect(mountOf('/nowhere', '/')).toBeUndefined();
    expect(userOf('/nowhere', 1)).toBeUndefined();
  });

  it.runIf(isLinux)('is found for a real listener', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    expect(listenersOf('/proc', port)).toEqual({ isKnown: true, pids: [process.pid] });
    expect(programOf('/proc', process.pid)).toBe(path.basename(process.execPath));
    expect(userOf('/proc', process.pid)).toBe(process.getuid?.());
  });
});

describe('who holds a lock', () => {
  it('is read from the list of locks', () => {
    const locks =
      '1: POSIX  ADVISORY  WRITE 11 fe:00:500 1 2\n2: POSIX  ADVISORY  READ 12 fe:00:500 1 2\n3: POSIX  ADVISORY  WRITE 13 fe:00:501 1 2\n4: POSIX  ADVISORY  WRITE 0 fe:00:500 1 2\n';
    expect(lockHolders(fakeProc({ locks }), 500)).toEqual([11]);
  });

  it.runIf(isLinux)('is found for a real lock of SQLite', () => {
    const file = path.join(tempFolder(), 'x.lock');
    const db = new Database(file);
    onTestFinished(() => void db.close());
    db.exec('BEGIN EXCLUSIVE');
    expect(lockHolders('/proc', fs.statSync(file).ino)).toEqual([process.pid]);
  });
});

describe('a process', () => {
  it('is alive or not', () => {
    expect(isAlive(process.pid)).toBe(true);
    expect(isAlive(deadPid())).toBe(false);
  });
});

describe('the mount of a path', () => {
  const proc = () =>
    fakeProc({
      'self/mountinfo': [
        '22 1 0:20 / / rw,relatime - ext4 /dev/a rw',
        '23 22 0:21 / /mnt/my\\040disk ro,relatime - ext4 /dev/b rw',
        '24 22 0:22 / /srv rw,relatime shared:1 - ext4 /dev/c ro,errors=remount-ro',
        '25 22 0:23 / /srv/data rw,relatime - ext4 /dev/d rw',
      ].join('\n'),
    });

  it.each([
    ['/home/x', '/', false],
    ['/mnt/my disk', '/mnt/my disk', true],
    ['/mnt/my disk/x', '/mnt/my disk', true],
    ['/mnt/my disks', '/', false],
    ['/srv/x', '/srv', true],
    ['/srv/data/x', '/srv/data', false],
  ])('%s is %s', (file, folder, isReadOnly) => {
    expect(mountOf(proc(), file)).toEqual({ folder, isReadOnly });
  });
});
