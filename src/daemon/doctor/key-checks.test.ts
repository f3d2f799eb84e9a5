import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadKeys } from '../keys.ts';
import type { Finding } from './finding.ts';
import { checkKeyFolder, checkKeys } from './key-checks.ts';
import { strayKeyNote } from './stray-key.ts';
import { listing, makeDatabase, runMend, running, STATUS, subjectOf, tempFolder } from './testing/subject.ts';

interface Scene {
  readonly folder: string;
  readonly at: (name: string) => string;
  readonly ids: { readonly identity: string; readonly peer: string };
  readonly check: (
    status?: Partial<typeof STATUS>,
  ) => Promise<[identity: Finding, pub: Finding, peer: Finding]>;
}

/** A data folder with keys as the daemon makes them. Each check must leave it as it was and tell no secret. */
function scene(): Scene {
  const folder = tempFolder();
  const keyFolder = path.join(folder, 'keys');
  const keys = loadKeys(keyFolder);
  const at = (name: string) => path.join(keyFolder, name);
  const secrets = ['key.pem', 'peer.pem'].map(
    (name) => fs.readFileSync(at(name), 'utf8').split('\n')[1] ?? '',
  );
  return {
    ...{ folder, at, ids: { identity: keys.identities[0].id, peer: keys.peer.id } },
    check: async (status) => {
      const before = listing(folder);
      const plain = await subjectOf(folder);
      const findings = checkKeys(status === undefined ? plain : running(plain, status));
      expect(listing(folder)).toEqual(before);
      for (const secret of secrets) expect(JSON.stringify(findings)).not.toContain(secret);
      return findings as [Finding, Finding, Finding];
    },
  };
}

const states = (findings: readonly Finding[]) => findings.map(({ state }) => state);

describe('keys', () => {
  it('as the daemon makes them are fine, with the daemon that uses them too', async () => {
    const { check, ids, folder } = scene();
    expect(states(await check())).toEqual(['ok', 'ok', 'ok']);
    expect(states(await check(ids))).toEqual(['ok', 'ok', 'ok']);
    expect(checkKeyFolder(await subjectOf(folder))).toMatchObject({ check: 'key-folder', state: 'ok' });
  });

  it.each(['key.pem', 'peer.pem'])(
    'that others can read (%s) fail until the named command is run',
    async (name) => {
      const { check, at } = scene();
      fs.chmodSync(at(name), 0o644);
      const failed = (await check()).find(({ state }) => state === 'fail') as Finding;
      expect(failed.what).toContain(`${at(name)} has mode 0644`);
      expect(failed.command).toBe(`chmod 600 '${at(name)}'`);
      runMend(failed);
      expect(states(await check())).toEqual(['ok', 'ok', 'ok']);
    },
  );

  it('in a folder that others can look into warn, and fail where they can write', async () => {
    const { at, folder } = scene();
    fs.chmodSync(at(''), 0o755);
    expect(checkKeyFolder(await subjectOf(folder))).toMatchObject({ state: 'warn' });
    fs.chmodSync(at(''), 0o777);
    const failed = checkKeyFolder(await subjectOf(folder));
    expect(failed.state).toBe('fail');
    runMend(failed);
    expect(checkKeyFolder(await subjectOf(folder)).state).toBe('ok');
  });

  it('that hold something else fail without telling it', async () => {
    const { check, at } = scene();
    for (const name of ['key.pem', 'pub.pem', 'peer.pem']) fs.writeFileSync(at(name), 'hunter2 is no key\n');
    const findings = await check();
    expect(states(findings)).toEqual(['fail', 'fail', 'fail']);
    expect(JSON.stringify(findings)).not.toContain('hunter2');
  });

  it('of which peer.pem is junk or no file are whole again once it is moved away', async () => {
    const { check, at } = scene();
    fs.writeFileSync(`${at('peer.pem')}.old`, 'an older one');
    fs.writeFileSync(at('peer.pem'), 'junk');
    const [, , junk] = await check();
    expect(junk).toMatchObject({ state: 'fail', mend: expect.stringContaining('a new peer id') });
    expect(junk.command).toBe(`mv '${at('peer.pem')}' '${at('peer.pem')}.old2'`);
    fs.rmSync(at('peer.pem'));
    fs.mkdirSync(at('peer.pem'));
    runMend((await check())[2]);
    expect(fs.readFileSync(`${at('peer.pem')}.old`, 'utf8')).toBe('an older one');
    expect(loadKeys(at('')).isNewIdentity).toBe(false);
    expect(states(await check())).toEqual(['ok', 'ok', 'ok']);
  });

  it('beside a key.pem in the data folder warn, and the command puts that one in their place', async () => {
    const { folder, at, ids, check } = scene();
    const other = scene();
    const stray = path.join(folder, 'key.pem');
    fs.copyFileSync(at('key.pem'), stray);
    expect(await check()).toHaveLength(3); // a copy of the same key
    fs.copyFileSync(other.at('key.pem'), stray);
    fs.chmodSync(stray, 0o600);
    const found = checkKeys(await subjectOf(folder));
    expect(states(found)).toEqual(['ok', 'warn', 'ok', 'ok']);
    expect(strayKeyNote(folder, at(''))).toContain(found[1]?.command);
    runMend(found[1] as Finding);
    expect(loadKeys(at('')).identities[0].id).toBe(other.ids.identity);
    expect(ids.identity).not.toBe(other.ids.identity);
    expect([strayKeyNote(folder, at('')), strayKeyNote(at(''), at(''))]).toEqual(['', '']);
  });

  it('of which pub.pem belongs to another name both, and moving it away mends it', async () => {
    const { check, at, ids } = scene();
    const other = scene();
    fs.copyFileSync(other.at('pub.pem'), at('pub.pem'));
    const [, pub] = await check();
    expect(pub.state).toBe('fail');
    expect(pub.what).toContain(other.ids.identity.slice(0, 8));
    expect(pub.what).toContain(ids.identity.slice(0, 8));
    runMend(pub);
    expect(states(await check())).toEqual(['ok', 'warn', 'ok']);
  });

  it('of which key.pem is gone mean a lost identity; all gone means one only if there is a database', async () => {
    const { check, at, folder } = scene();
    fs.rmSync(at('key.pem'));
    const [identity, pub] = await check();
    expect(identity).toMatchObject({ state: 'fail', what: expect.stringContaining('pub.pem and peer.pem') });
    expect(identity.mend).toContain('Restore key.pem');
    expect(pub.state).toBe('skipped');
    fs.rmSync(at('pub.pem'));
    fs.rmSync(at('peer.pem'));
    expect(states(await check())).toEqual(['skipped', 'skipped', 'skipped']);
    makeDatabase(path.join(folder, 'store.db'));
    expect((await check())[0]).toMatchObject({ state: 'warn', mend: expect.stringContaining('backup') });
  });

  it('of which peer.pem is gone or the same as key.pem', async () => {
    const { check, at } = scene();
    fs.rmSync(at('peer.pem'));
    expect((await check())[2]).toMatchObject({ state: 'warn', what: expect.stringContaining('a new one') });
    fs.copyFileSync(at('key.pem'), at('peer.pem'));
    const peer = (await check())[2];
    expect(peer).toMatchObject({ state: 'fail', what: expect.stringContaining('the same key') });
    runMend(peer);
    expect((await check())[2].state).toBe('warn');
  });

  it('that were replaced while the daemon runs', async () => {
    const { check, ids } = scene();
    expect(states(await check({ ...ids, identity: STATUS.identity }))).toEqual(['fail', 'ok', 'ok']);
    expect(states(await check({ ...ids, peer: STATUS.peer }))).toEqual(['ok', 'ok', 'fail']);
  });

  it('that are not there yet are no fault', async () => {
    const subject = await subjectOf(tempFolder());
    expect(states([checkKeyFolder(subject), ...checkKeys(subject)])).toEqual(Array(4).fill('skipped'));
  });

  it('lie where MESH_KEY_DIR says', async () => {
    const { at } = scene();
    const subject = await subjectOf(tempFolder(), { env: { MESH_KEY_DIR: at('') } });
    expect(states(checkKeys(subject))).toEqual(['ok', 'ok', 'ok']);
  });
});
