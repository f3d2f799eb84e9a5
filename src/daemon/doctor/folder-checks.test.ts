import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkAgentToken, checkDataFolder, checkToken } from './folder-checks.ts';
import { listing, runMend, running, subjectOf, tempFolder } from './testing/subject.ts';

const TOKEN = `mesh_${'A'.repeat(43)}`;

describe('the data folder', () => {
  it('that is not there yet is no fault and is not made', async () => {
    const base = tempFolder();
    const folder = path.join(base, 'a', 'b');
    expect(checkDataFolder(await subjectOf(folder))).toMatchObject({ state: 'skipped' });
    expect(listing(base)).toHaveLength(1);
  });

  it('that cannot be made, or is a file, fails', async () => {
    const file = path.join(tempFolder(), 'file');
    fs.writeFileSync(file, '');
    expect(checkDataFolder(await subjectOf(file))).toMatchObject({
      state: 'fail',
      mend: expect.stringContaining('--data'),
    });
    expect(checkDataFolder(await subjectOf(path.join(file, 'x', 'y')))).toMatchObject({
      state: 'fail',
      what: expect.stringContaining(`${file} is not a folder`),
    });
  });

  it('is fine for its owner only, and the command makes it so', async () => {
    const folder = tempFolder();
    expect(checkDataFolder(await subjectOf(folder))).toMatchObject({ state: 'ok' });
    fs.chmodSync(folder, 0o757);
    const failed = checkDataFolder(await subjectOf(folder));
    expect(failed).toMatchObject({ state: 'fail', command: `chmod 700 '${folder}'` });
    runMend(failed);
    expect(checkDataFolder(await subjectOf(folder)).state).toBe('ok');
  });

  it('of somebody else is told with both names; root may look at any', async () => {
    const folder = tempFolder();
    const uid = fs.statSync(folder).uid + 1234;
    const stranger = await subjectOf(folder, { system: { uid } });
    expect(checkDataFolder(stranger)).toMatchObject({
      state: 'fail',
      what: expect.stringContaining(`user ${uid}`),
    });
    expect(checkDataFolder(running(stranger)).state).toBe('warn');
    expect(checkDataFolder(await subjectOf(folder, { system: { uid: 0 } })).state).toBe('ok');
  });
});

describe('the token', () => {
  it('is fine for its owner only, and is never told', async () => {
    const folder = tempFolder();
    const file = path.join(folder, 'token');
    fs.writeFileSync(file, `${TOKEN}\n`, { mode: 0o600 });
    const fine = checkToken(await subjectOf(folder));
    expect(fine.state).toBe('ok');
    fs.chmodSync(file, 0o640);
    const failed = checkToken(await subjectOf(folder));
    expect(failed).toMatchObject({ state: 'fail', command: `chmod 600 '${file}'` });
    runMend(failed);
    expect(checkToken(await subjectOf(folder)).state).toBe('ok');
    expect(JSON.stringify([fine, failed])).not.toContain('AAAA');
  });

  it('that holds something else fails without telling it, and the command moves it away', async () => {
    const folder = tempFolder();
    fs.writeFileSync(path.join(folder, 'token'), 'hunter2\n', { mode: 0o600 });
    const failed = checkToken(await subjectOf(folder));
    expect(failed.state).toBe('fail');
    expect(JSON.stringify(failed)).not.toContain('hunter2');
    runMend(failed);
    expect(checkToken(await subjectOf(folder)).state).toBe('skipped');
  });

  it('that is missing matters only while the daemon runs', async () => {
    const folder = tempFolder();
    const subject = await subjectOf(folder);
    expect(checkToken(subject).state).toBe('skipped');
    expect(checkToken(running(subject))).toMatchObject({ state: 'fail', command: `kill ${process.pid}` });
    // The token of agents is missing, and the owner's is there: the daemon can be asked to stop, if it answers.
    expect(checkAgentToken(running(subject))).toMatchObject({ command: `mesh stop --data '${folder}'` });
    const silent = { ...running(subject), answer: { ok: false, detail: 'Nothing came.' } as const };
    expect(checkAgentToken(silent)).toMatchObject({ command: `kill ${process.pid}` });
  });
});
