import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { sha256 } from '../../crypto/index.ts';
import { openStore } from '../../store/index.ts';
import { loadKeys } from '../keys.ts';
import { assertDataFolder, type FolderFacts, readFacts, removeAll, takeInventory } from './index.ts';

let base: string;
let data: string;
beforeEach(() => {
  base = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-uninstall-')));
  onTestFinished(() => fs.rmSync(base, { recursive: true }));
  data = path.join(base, 'data');
});

const put = (name: string, text = 'x'): void => {
  fs.mkdirSync(path.dirname(path.join(data, name)), { recursive: true });
  fs.writeFileSync(path.join(data, name), text);
};
const TOKEN = `mesh_${'A'.repeat(43)}\n`;
const API = JSON.stringify({ url: 'http://127.0.0.1:1', pid: 1, version: '0.1.0', started: '' });
const FOREIGN_DATABASE = 'SQLite format 3\0'.padEnd(200, '\0');

/** A folder as a daemon leaves it. */
function live(): void {
  fs.mkdirSync(data, { mode: 0o700 });
  loadKeys(path.join(data, 'keys'));
  openStore({ path: path.join(data, 'store.db'), network: 'test', sha256 }).close();
  put('token', TOKEN);
  put('agent-token', TOKEN);
  put('logs/mesh-3.log');
}

const facts = (withKeys = false, env: Record<string, string> = {}): FolderFacts =>
  readFacts(data, { env, cwd: base, withKeys }) as FolderFacts;
const names = (action: string, of = facts()): string[] =>
  takeInventory(of)
    .filter((item) => item.action === action)
    .map((item) => path.relative(data, item.path));
const left = (): string[] =>
  fs.existsSync(data)
    ? fs
        .readdirSync(data, { recursive: true, withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map((entry) => path.relative(data, path.join(entry.parentPath, entry.name)))
        .sort()
    : ['gone'];
const KEYS = ['keys/key.pem', 'keys/peer.pem', 'keys/pub.pem'];

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
  return '';
}

describe('the inventory', () => {
  it('removes what a daemon makes, and keeps the keys', () => {
    live();
    expect(names('remove').sort()).toEqual([
      ...['agent-token', 'logs/mesh-3.log', 'store.db', 'store.db.lock', 'token'],
    ]);
    expect(names('keep')).toEqual(KEYS);
    expect(names('remove', facts(true))).toEqual(expect.arrayContaining(KEYS));
  });

  it('knows what a killed start leaves behind, and copies', () => {
    live();
    const temporary = ['api.json.0123456789ab.tmp', 'token.AbCd-_012345', 'store.db-wal', 'store.db-shm'];
    const more = [
      ...['store.db.schema2-20260101T000000Z.bak.part', 'mesh1-copy-Ab12Cd/mesh.db'],
      ...['store.db.recovering', 'store.db.recovered', 'store.db.recover'],
    ];
    for (const name of [...temporary, ...more]) put(name);
    put('api.json', API);
    put('keys/key.pem.0123456789ab.tmp');
    expect(names('remove')).toEqual(expect.arrayContaining([...temporary, ...more, 'api.json']));
    expect(names('keep')).toContain('keys/key.pem.0123456789ab.tmp');
    expect(names('remove', facts(true))).toContain('keys/key.pem.0123456789ab.tmp');
  });

  it('keeps backups, what mesh/1 left, options, and what it does not know, each with a reason', () => {
    live();
    const kept = ['store.db.schema2-20260101T000000Z.bak', 'mesh.db', 'mesh.db-wal', '.env', 'notes.txt'];
    const near = [
      'store.db2',
      'logs/notes',
      'logs/mesh-x.log',
      'keys/old.pem',
      'mesh1-copy-Ab12Cd/other',
      'x/y',
    ];
    const damaged = 'store.db.damaged-20260101T000000Z';
    for (const name of [...kept, ...near, `${damaged}/store.db`]) put(name);
    const items = takeInventory(facts(true)).filter(({ action }) => action === 'keep');
    expect(items.map((item) => path.relative(data, item.path)).sort()).toEqual(
      [...kept, ...near.slice(0, -1), 'x', damaged].sort(),
    );
    for (const { why } of items) expect(why).toMatch(/^[A-Z].*\.$/);
  });

  it('keeps a file called token that holds none', () => {
    live();
    put('agent-token', 'my own notes');
    expect(names('keep')).toContain('agent-token');
  });

  it.each([['{"my":"settings"}'], ['null'], ['no JSON'], [JSON.stringify({ url: 'x'.repeat(5000) })]])(
    'keeps an api.json that no daemon wrote: %s',
    (text) => {
      live();
      put('api.json', text);
      expect(names('keep')).toContain('api.json');
    },
  );

  it('keeps a database of another program with its companions, beside a token of ours', () => {
    live();
    put('store.db', FOREIGN_DATABASE);
    for (const end of ['-wal', '-shm', '-journal']) put(`store.db${end}`);
    const all = ['', '-journal', '-shm', '-wal', '.lock'].map((end) => `store.db${end}`);
    expect(
      names('keep')
        .filter((name) => name.startsWith('store'))
        .sort(),
    ).toEqual(all);
    put('store.db', ''); // what a start leaves that was killed at once
    expect(names('remove')).toEqual(expect.arrayContaining(all));
    fs.rmSync(path.join(data, 'store.db')); // a removal that was broken off
    expect(names('remove')).toEqual(expect.arrayContaining(all.slice(1)));
  });

  it('names a database and keys that options have put elsewhere, and does not touch them', () => {
    live();
    fs.renameSync(path.join(data, 'keys'), path.join(base, 'my-keys'));
    for (const end of ['', '.lock'])
      fs.renameSync(path.join(data, `store.db${end}`), path.join(base, `my.db${end}`));
    const there = facts(true, { MESH_KEY_DIR: 'my-keys', MESH_STORE_PATH: 'my.db' });
    expect(takeInventory(there).filter(({ action }) => action === 'keep')).toMatchObject([
      { path: path.join(base, 'my.db') },
      { path: path.join(base, 'my-keys') },
    ]);
    removeAll(there);
    expect(left()).toEqual(['gone']);
    expect(fs.readdirSync(base).sort()).toEqual(['my-keys', 'my.db', 'my.db.lock']);
  });
});

describe('the removal', () => {
  it('leaves the keys, then nothing, and can be repeated', () => {
    live();
    expect(removeAll(facts()).every(({ why }) => why === '')).toBe(true);
    expect(left()).toEqual(KEYS);
    expect(removeAll(facts())).toEqual([]);
    expect(removeAll(facts(true))).toHaveLength(3);
    expect(left()).toEqual(['gone']);
    expect(readFacts(data, { env: {}, cwd: base, withKeys: false })).toBeUndefined();
  });

  it('refuses while the database is in use, and removes nothing', () => {
    live();
    const store = openStore({ path: path.join(data, 'store.db'), network: 'test', sha256 });
    onTestFinished(() => store.close());
    const before = left();
    expect(codeOf(() => removeAll(facts(true)))).toBe('daemon_runs');
    expect(left()).toEqual(before);
  });

  it('follows no symbolic link', () => {
    live();
    const outside = path.join(base, 'outside');
    fs.mkdirSync(outside);
    for (const name of ['mesh-1.log', 'key.pem', 'store.db-wal'])
      fs.writeFileSync(path.join(outside, name), 'mine');
    fs.rmSync(path.join(data, 'logs'), { recursive: true });
    fs.renameSync(path.join(data, 'keys'), path.join(data, 'real-keys'));
    fs.symlinkSync(outside, path.join(data, 'logs'));
    fs.symlinkSync(outside, path.join(data, 'keys'));
    fs.symlinkSync(path.join(outside, 'store.db-wal'), path.join(data, 'store.db-wal'));
    removeAll(facts(true));
    for (const name of fs.readdirSync(outside))
      expect(fs.readFileSync(path.join(outside, name), 'utf8')).toBe('mine');
    expect(fs.readdirSync(data).sort()).toEqual(['keys', 'logs', 'real-keys', 'store.db-wal']);
    expect(fs.readdirSync(outside)).toHaveLength(3);
  });

  it('goes on after a file that cannot be removed, says why, and can be repeated then', () => {
    live();
    put('api.json', API);
    const inventory = takeInventory(facts());
    fs.rmSync(path.join(data, 'logs/mesh-3.log'));
    put('logs/mesh-3.log/in-its-place'); // nobody can unlink a folder, not even the superuser
    fs.rmSync(path.join(data, 'api.json')); // somebody was faster: that is no failure
    const failed = removeAll(facts(), inventory).filter(({ why }) => why !== '');
    expect(failed.map(({ item }) => path.relative(data, item.path))).toEqual([
      ...['logs/mesh-3.log', 'token', 'store.db.lock'],
    ]);
    expect(left()).toEqual([...KEYS, 'logs/mesh-3.log/in-its-place', 'store.db.lock', 'token']);
    fs.rmSync(path.join(data, 'logs'), { recursive: true });
    expect(removeAll(facts()).filter(({ why }) => why !== '')).toEqual([]);
    expect(left()).toEqual(KEYS);
  });

  it("leaves an empty folder, which may be anybody's", () => {
    fs.mkdirSync(data);
    expect(removeAll(facts(true))).toEqual([]);
    expect(fs.existsSync(data)).toBe(true);
  });

  it.each([
    ['a folder of somebody', () => put('notes.txt')],
    [
      'one with files of our names',
      () => {
        for (const name of ['token', 'store.db', 'logs/mesh-1.log']) put(name);
      },
    ],
    ['one with a single key', () => put('keys/key.pem')],
    ['one with a database of another program', () => put('store.db', FOREIGN_DATABASE)],
  ])('refuses %s', (_what, make) => {
    make();
    const before = left();
    expect(codeOf(() => assertDataFolder(facts(true)))).toBe('not_data_folder');
    expect(codeOf(() => removeAll(facts(true)))).toBe('not_data_folder');
    expect(left()).toEqual(before);
  });

  it.each([
    ['MESH_KEY_DIR', { MESH_KEY_DIR: 'mine/keys' }],
    ['MESH_STORE_PATH', { MESH_STORE_PATH: 'mine/store.db' }],
    ['MESH_KEY_DIR through a link', { MESH_KEY_DIR: 'data/keys' }],
  ])('refuses a folder of somebody whose only sign lies elsewhere: %s', (_what, env) => {
    loadKeys(path.join(base, 'mine', 'keys'));
    openStore({ path: path.join(base, 'mine', 'store.db'), network: 'test', sha256 }).close();
    put('store.db', FOREIGN_DATABASE);
    for (const name of ['store.db-wal', 'api.json', 'logs/mesh-1.log', 'token']) put(name, 'theirs');
    if (Object.values(env).includes('data/keys'))
      fs.symlinkSync(path.join(base, 'mine/keys'), path.join(data, 'keys'));
    const before = left();
    expect(codeOf(() => assertDataFolder(facts(true, env)))).toBe('not_data_folder');
    expect(codeOf(() => removeAll(facts(true, env)))).toBe('not_data_folder');
    expect(left()).toEqual(before);
    expect(fs.readdirSync(path.join(base, 'mine', 'keys'))).toHaveLength(3);
  });

  it('takes a link to the folder for the folder itself', () => {
    live();
    const link = path.join(base, 'link');
    fs.symlinkSync(data, link);
    removeAll(readFacts(link, { env: {}, cwd: base, withKeys: true }) as FolderFacts);
    expect(left()).toEqual(['gone']);
  });
});
