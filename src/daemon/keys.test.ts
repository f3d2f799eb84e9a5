import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MeshError } from '../core/errors.ts';
import { generatePrivateKey, toPrivatePem, toPublicPem } from '../crypto/index.ts';
import { traceOf } from '../store/legacy.fixture.ts';
import { createFileDurably, replaceFileDurably } from './files.ts';
import { loadKeys } from './keys.ts';

let base: string;
let folder: string;
const file = (name: string) => path.join(folder, name);
const read = (name: string) => fs.readFileSync(file(name), 'utf8');
const write = (name: string, text: string, mode = 0o600) => fs.writeFileSync(file(name), text, { mode });

function failure(): MeshError {
  try {
    loadKeys(folder);
  } catch (error) {
    if (error instanceof MeshError) return error;
    throw error;
  }
  throw new Error('the keys were loaded');
}

beforeEach(() => {
  base = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-keys-'));
  folder = path.join(base, 'keys');
});
afterEach(() => {
  vi.restoreAllMocks();
  fs.rmSync(base, { recursive: true });
});

describe('the key files', () => {
  it('are made with mode 0600 in a folder of mode 0700, and are the same at the next start', () => {
    const first = loadKeys(folder);
    expect(first.isNewIdentity).toBe(true);
    expect(first.peer.id).not.toBe(first.identities[0].id);
    expect(fs.readdirSync(folder).sort()).toEqual(['key.pem', 'peer.pem', 'pub.pem']);
    expect(fs.statSync(folder).mode & 0o777).toBe(0o700);
    for (const name of ['key.pem', 'peer.pem']) expect(fs.statSync(file(name)).mode & 0o777).toBe(0o600);
    const second = loadKeys(folder);
    expect(second.isNewIdentity).toBe(false);
    expect([second.peer.id, second.identities[0].id]).toEqual([first.peer.id, first.identities[0].id]);
  });

  it('take over the key of mesh/1 as the identity and add a key for links', () => {
    const key = generatePrivateKey();
    fs.mkdirSync(folder);
    write('key.pem', toPrivatePem(key));
    write('pub.pem', toPublicPem(key));
    expect(loadKeys(folder).isNewIdentity).toBe(false);
    expect(read('key.pem')).toBe(toPrivatePem(key));
    expect(fs.existsSync(file('peer.pem'))).toBe(true);
  });

  it.each<[string, (pem: string) => string]>([
    ['as mesh/1 wrote it', (pem) => pem],
    ['with the line ends of Windows', (pem) => pem.replaceAll('\n', '\r\n')],
    ['with text around it', (pem) => `my old key\n\n${pem}\nkeep it safe\n`],
    ['without its last line end', (pem) => pem.trimEnd()],
  ])('take over a key of mesh/1 %s byte for byte, under the id that mesh/1 gave it', (_how, written) => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519', {
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    fs.mkdirSync(folder);
    write('key.pem', written(privateKey));
    write('pub.pem', written(publicKey), 0o644);
    const before = traceOf(folder);
    const raw = createPublicKey(publicKey).export({ type: 'spki', format: 'der' }).subarray(-32);
    for (const keys of [loadKeys(folder), loadKeys(folder)]) {
      expect(keys.identities.map(({ id }) => id)).toEqual([raw.toString('base64url')]);
      expect(keys.isNewIdentity).toBe(false);
    }
    expect(traceOf(folder).filter((line) => !line.startsWith('peer.pem'))).toEqual(before);
    expect(fs.readdirSync(folder)).toContain('peer.pem');
  });

  it('keep a key of mesh/1 whose pub.pem is lost: mesh/1 itself would have replaced both', () => {
    const key = generatePrivateKey();
    fs.mkdirSync(folder);
    write('key.pem', toPrivatePem(key));
    const before = traceOf(folder);
    expect(loadKeys(folder).isNewIdentity).toBe(false);
    expect(traceOf(folder, 'key.pem')).toEqual(before);
    expect(read('pub.pem')).toBe(toPublicPem(key));
  });

  it.each([0o644, 0o640, 0o604])('refuse a key of mesh/1 that others can read (mode %o)', (mode) => {
    fs.mkdirSync(folder);
    write('key.pem', toPrivatePem(generatePrivateKey()));
    fs.chmodSync(file('key.pem'), mode);
    const before = traceOf(folder);
    expect(failure()).toMatchObject({ code: 'key_exposed' });
    expect(failure().detail).toContain(`Run: chmod 600 '${file('key.pem')}'`);
    expect(traceOf(folder)).toEqual(before);
    fs.chmodSync(file('key.pem'), 0o600);
    expect(loadKeys(folder).isNewIdentity).toBe(false);
  });

  it('are made anew where mesh/1 had none', () => {
    fs.mkdirSync(folder);
    expect(loadKeys(folder).isNewIdentity).toBe(true);
  });

  it('are never written again, whatever is in them', () => {
    loadKeys(folder);
    write('key.pem', 'rubbish');
    expect(failure().code).toBe('key_unreadable');
    expect(read('key.pem')).toBe('rubbish');
    write('key.pem', '');
    expect(failure().code).toBe('key_unreadable');
    expect(read('key.pem')).toBe('');
  });

  it('that other users can read are refused with the command that mends it', () => {
    loadKeys(folder);
    fs.chmodSync(file('peer.pem'), 0o640);
    expect(failure()).toMatchObject({ code: 'key_exposed' });
    expect(failure().detail).toContain(`chmod 600 '${file('peer.pem')}'`);
  });

  it('get a lost pub.pem back and refuse one of another key', () => {
    loadKeys(folder);
    const text = read('pub.pem');
    fs.rmSync(file('pub.pem'));
    loadKeys(folder);
    expect(read('pub.pem')).toBe(text);
    write('pub.pem', toPublicPem(generatePrivateKey()));
    expect(failure()).toMatchObject({ code: 'key_unreadable' });
  });

  it('without key.pem stop the start instead of making a second identity', () => {
    loadKeys(folder);
    fs.rmSync(file('key.pem'));
    expect(failure().detail).toContain('pub.pem and peer.pem is still there');
    expect(fs.existsSync(file('key.pem'))).toBe(false);
  });

  it('are refused if one key serves links and identity', () => {
    loadKeys(folder);
    fs.copyFileSync(file('key.pem'), file('peer.pem'));
    expect(failure().detail).toContain('are the same key');
  });

  it('cannot be made where the folder is a file', () => {
    fs.writeFileSync(folder, '');
    expect(failure().code).toBe('data_folder');
  });
});

describe('a durable file', () => {
  it('is flushed before it gets its name, and its folder after', () => {
    const calls: string[] = [];
    const record = (name: 'fsyncSync' | 'linkSync' | 'renameSync') => {
      const original = fs[name] as (...args: unknown[]) => unknown;
      vi.spyOn(fs, name).mockImplementation((...args: unknown[]) => {
        calls.push(name);
        original(...args);
      });
    };
    for (const name of ['fsyncSync', 'linkSync', 'renameSync'] as const) record(name);
    createFileDurably(path.join(base, 'a'), 'x');
    expect(calls).toEqual(['fsyncSync', 'linkSync', 'fsyncSync']);
    calls.length = 0;
    replaceFileDurably(path.join(base, 'a'), 'y');
    expect(calls).toEqual(['fsyncSync', 'renameSync', 'fsyncSync']);
    expect(fs.readdirSync(base)).toEqual(['a']);
  });

  it('is never created over another one, with or without hard links', () => {
    const target = path.join(base, 'a');
    fs.writeFileSync(target, 'first');
    expect(() => createFileDurably(target, 'second')).toThrow('EEXIST');
    vi.spyOn(fs, 'linkSync').mockImplementation(() => {
      throw Object.assign(new Error('no links here'), { code: 'EPERM' });
    });
    expect(() => createFileDurably(target, 'second')).toThrow('EEXIST');
    expect(fs.readFileSync(target, 'utf8')).toBe('first');
    createFileDurably(path.join(base, 'b'), 'second');
    expect(fs.readFileSync(path.join(base, 'b'), 'utf8')).toBe('second');
    expect(fs.readdirSync(base).sort()).toEqual(['a', 'b']);
  });

  it('leaves no draft behind if it cannot be put in place', () => {
    fs.mkdirSync(path.join(base, 'a'));
    expect(() => replaceFileDurably(path.join(base, 'a'), 'x')).toThrow();
    expect(fs.readdirSync(base)).toEqual(['a']);
  });
});
