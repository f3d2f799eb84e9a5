import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resolveDataFolder } from './data-folder.ts';

let root: string;
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-where-'));
});
afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

type Given = Partial<Parameters<typeof resolveDataFolder>[0]>;
const resolve = (given: Given = {}) =>
  resolveDataFolder({ cwd: root, env: {}, flag: undefined, platform: 'linux', home: '/home/u', ...given });

describe('the data folder', () => {
  it('is what --data says, else MESH_DATA_DIR; empty means not given', () => {
    const env = { MESH_DATA_DIR: 'b', XDG_DATA_HOME: '/x' };
    expect(resolve({ flag: 'a', env })).toBe(path.join(root, 'a'));
    expect(resolve({ flag: '/a/b/', env })).toBe('/a/b');
    expect(resolve({ flag: '', env })).toBe(path.join(root, 'b'));
    expect(resolve({ env: { ...env, MESH_DATA_DIR: '' } })).toBe('/x/openclaw-messaging');
    expect(resolve({ flag: '~/m' })).toBe('/home/u/m');
    expect(resolve({ flag: '~' })).toBe('/home/u');
    expect(resolve({ flag: '~m' })).toBe(path.join(root, '~m'));
  });

  it('is data in a checkout and in the folders within it', () => {
    const inner = path.join(root, 'docs', 'guides');
    fs.mkdirSync(inner, { recursive: true });
    fs.writeFileSync(path.join(root, 'package.json'), '{"name":"openclaw-messaging"}');
    const elsewhere = '/home/u/.local/share/openclaw-messaging';
    expect(resolve()).toBe(elsewhere); // an installed package has no src
    fs.mkdirSync(path.join(root, 'src'));
    expect(resolve()).toBe(path.join(root, 'data'));
    expect(resolve({ cwd: inner })).toBe(path.join(root, 'data'));
    for (const text of ['{"name":"other"}', '{', '[]', 'null']) {
      fs.writeFileSync(path.join(root, 'package.json'), text);
      expect(resolve()).toBe(elsewhere);
    }
  });

  it('is the folder that the platform has for a user', () => {
    expect(resolve()).toBe('/home/u/.local/share/openclaw-messaging');
    expect(resolve({ env: { XDG_DATA_HOME: 'relative' } })).toBe('/home/u/.local/share/openclaw-messaging');
    expect(resolve({ platform: 'darwin' })).toBe('/home/u/Library/Application Support/openclaw-messaging');
    const windows = resolve({ platform: 'win32', env: { LOCALAPPDATA: '/local' } });
    expect(windows).toBe(path.join('/local', 'openclaw-messaging'));
    expect(resolve({ platform: 'win32' })).toBe('/home/u/AppData/Local/openclaw-messaging');
  });
});
