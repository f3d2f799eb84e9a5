import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeLegacy, traceOf } from '../../store/legacy.fixture.ts';
import { clearCopies, placeStore } from './place.ts';

let base: string;
let data: string;
const at = (name: string) => path.join(data, name);

beforeEach(() => {
  base = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-place-'));
  data = path.join(base, 'data');
  fs.mkdirSync(data);
});
afterEach(() => fs.rmSync(base, { recursive: true }));

function makeOurs(file: string): void {
  const db = new Database(file);
  db.pragma(`application_id = ${0x6d657368}`);
  db.close();
}

/** Where our database lies, where mesh/1's does, and the notes. */
async function place(storePath?: string) {
  const { storePath: own, legacy, notes } = await placeStore(data, storePath);
  return { own, old: legacy?.file, notes };
}

describe('where the databases lie', () => {
  it('without a trace of mesh/1 is as the options say', async () => {
    expect(await place()).toEqual({ own: at('store.db'), old: undefined, notes: [] });
    expect(await place(at('mine.db'))).toEqual({ own: at('mine.db'), old: undefined, notes: [] });
    makeOurs(at('mesh.db'));
    expect(await place(at('mesh.db'))).toEqual({ own: at('mesh.db'), old: undefined, notes: [] });
  });

  it('with mesh.db in the data folder is store.db beside it', async () => {
    makeLegacy(at('mesh.db'));
    const before = traceOf(data);
    const found = await place();
    expect(found).toMatchObject({ own: at('store.db'), old: at('mesh.db') });
    expect(found.notes).toEqual([
      `The database of mesh/1 lies at ${at('mesh.db')} and stays as it is. Its messages are unverified history: mesh read CHANNEL --legacy.`,
    ]);
    expect(await place(path.join(base, 'elsewhere.db'))).toMatchObject({ old: at('mesh.db') });
    expect(traceOf(data)).toEqual(before);
  });

  it('with MESH_STORE_PATH on the database of mesh/1 is beside that, and stays there when it goes', async () => {
    const old = makeLegacy(path.join(base, 'var', 'mesh.db'));
    const found = await place(old);
    expect(found).toMatchObject({ own: `${old}.mesh2`, old });
    expect(found.notes[0]).toContain(
      `MESH_STORE_PATH names the database of mesh/1, ${old}, which stays as it is`,
    );
    makeOurs(`${old}.mesh2`);
    fs.rmSync(old);
    expect(await place(old)).toEqual({ own: `${old}.mesh2`, old: undefined, notes: [] });
    fs.writeFileSync(old, '');
    expect(await place(old)).toMatchObject({ own: `${old}.mesh2` });
    makeOurs(old);
    expect(await place(old)).toMatchObject({ own: old });
  });

  it('leaves the file of another program to the store, which refuses it', async () => {
    const db = new Database(at('photos.db'));
    db.exec('CREATE TABLE photos (name TEXT)');
    db.close();
    expect(await place(at('photos.db'))).toMatchObject({ own: at('photos.db'), old: undefined });
    fs.writeFileSync(at('mesh.db'), 'not a database');
    expect(await place()).toEqual({ own: at('store.db'), old: undefined, notes: [] });
  });

  it('says if mesh.db cannot be looked into', async () => {
    fs.mkdirSync(at('mesh.db'));
    expect((await place()).notes).toEqual([
      `${at('mesh.db')} may be a database of mesh/1 and could not be read (it is not a file). It stays as it is.`,
    ]);
  });

  it('gives the copy of a database in WAL mode back, at once or at the next start', async () => {
    const old = makeLegacy(path.join(base, 'mesh.db'));
    const db = new Database(old);
    db.pragma('journal_mode = WAL');
    db.close();
    const [first, second] = [await placeStore(data, old), await placeStore(data, old)];
    expect(second.notes[0]).toContain('a copy as of this start is read');
    clearCopies(data, second);
    expect(fs.readdirSync(data)).toEqual([path.basename(second.legacy?.copyFolder ?? '')]);
    second.discard();
    first.discard();
    expect(fs.readdirSync(data)).toEqual([]);
    expect(fs.readdirSync(base).sort()).toEqual(['data', 'mesh.db']);
  });
});
