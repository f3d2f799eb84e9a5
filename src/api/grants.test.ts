import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createGrants, loadOrCreateToken, OWNER, requireScope } from './grants.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-token-'));
  file = path.join(folder, 'token');
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

describe('the token file', () => {
  it('is made once, for this user only, and read from then on', () => {
    const first = loadOrCreateToken(file, OWNER);
    expect(first.token).toMatch(/^mesh_[\w-]{43}$/);
    expect(first.grant).toEqual({ id: 'owner', scopes: 'all', identity: null });
    expect(loadOrCreateToken(file, OWNER).token).toBe(first.token);
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    expect(fs.readdirSync(folder)).toEqual(['token']);
  });

  it.each([0o640, 0o604, 0o620, 0o666])('is refused with mode %o and the command that mends it', (mode) => {
    loadOrCreateToken(file, OWNER);
    fs.chmodSync(file, mode);
    expect(() => loadOrCreateToken(file, OWNER)).toThrow(
      expect.objectContaining({
        code: 'key_exposed',
        detail: `${file} has mode 0${mode.toString(8)}. Run: chmod 600 '${file}'`,
      }),
    );
  });

  it.each(['', 'mesh_', `mesh_${'x'.repeat(43)}`, `mesh_${'A'.repeat(44)}`, 'A'.repeat(5000)])(
    'is never replaced when it holds something else: %j',
    (content) => {
      fs.writeFileSync(file, content, { mode: 0o600 });
      expect(() => loadOrCreateToken(file, OWNER)).toThrow(
        expect.objectContaining({ code: 'key_unreadable' }),
      );
      expect(fs.readFileSync(file, 'utf8')).toBe(content);
    },
  );

  it('is refused where it is a folder, and where it cannot be made', () => {
    fs.mkdirSync(file);
    expect(() => loadOrCreateToken(file, OWNER)).toThrow(expect.objectContaining({ code: 'key_unreadable' }));
    const nowhere = path.join(folder, 'none', 'token');
    expect(() => loadOrCreateToken(nowhere, OWNER)).toThrow(expect.objectContaining({ code: 'data_folder' }));
  });
});

describe('grants', () => {
  const entry = { token: 'mesh_a', grant: { id: 'a', scopes: ['status'], identity: null } } as const;

  it('are found by the whole token only', () => {
    const grants = createGrants([entry]);
    expect(grants.find('mesh_a')).toBe(entry.grant);
    for (const wrong of ['', 'mesh_', 'mesh_a ', 'mesh_aa', 'MESH_A'])
      expect(grants.find(wrong)).toBeUndefined();
  });

  it('name the scope that they lack', () => {
    expect(() => requireScope(entry.grant, 'status')).not.toThrow();
    expect(() => requireScope(entry.grant, 'messages:write')).toThrow(/"messages:write"/);
  });
});
