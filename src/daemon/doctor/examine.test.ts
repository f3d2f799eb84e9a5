import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { examine } from './examine.ts';
import { CHECKS, type Finding } from './finding.ts';
import type { DaemonAnswer, ExamineOptions } from './subject.ts';
import { listing, makeDatabase, QUIET, tempFolder } from './testing/subject.ts';

const ask = async (): Promise<DaemonAnswer> => {
  throw new Error('nobody runs here');
};

async function run(dataFolder: string, more: Partial<ExamineOptions> = {}): Promise<Finding[]> {
  const findings: Finding[] = [];
  for await (const one of examine({ dataFolder, env: QUIET, cwd: dataFolder, ask, ...more }))
    findings.push(one);
  return findings;
}

describe('an examination', () => {
  it('makes each check, in the order of the list, of a folder that is not there and stays so', async () => {
    const base = tempFolder();
    const findings = await run(path.join(base, 'data'));
    expect(findings.map(({ check }) => check)).toEqual([...CHECKS]);
    expect(findings.filter(({ state }) => state === 'fail')).toEqual([]);
    expect(listing(base)).toHaveLength(1);
  });

  it('says of everything that is wrong how to mend it, and of nothing else', async () => {
    const folder = tempFolder();
    makeDatabase(path.join(folder, 'store.db'));
    fs.chmodSync(path.join(folder, 'store.db'), 0o666);
    fs.writeFileSync(path.join(folder, 'token'), 'x', { mode: 0o600 });
    fs.writeFileSync(path.join(folder, 'api.json'), 'x');
    const findings = await run(folder, { env: { ...QUIET, PORT: 'x' } });
    for (const { state, what, mend } of findings) {
      expect(what).toMatch(/[.:!?)]$/);
      expect(mend !== '').toBe(state === 'warn' || state === 'fail');
    }
    expect(findings.map(({ check }) => check)).toEqual([...CHECKS]);
  });

  it('of a file, or of a path through one, fails once and looks at nothing else there', async () => {
    const file = path.join(tempFolder(), 'note.txt');
    fs.writeFileSync(file, 'mine');
    for (const dataFolder of [file, path.join(file, 'data')]) {
      const findings = await run(dataFolder, { cwd: path.dirname(file) });
      expect(findings.map(({ check }) => check)).toEqual([...CHECKS]);
      expect(findings.filter(({ state }) => state === 'fail')).toMatchObject([{ check: 'data-folder' }]);
      expect(findings.filter(({ command }) => command !== '')).toEqual([]);
      const rest = findings.slice(CHECKS.indexOf('data-folder') + 1);
      expect(new Set(rest.map(({ state }) => state))).toEqual(new Set(['skipped']));
    }
  });

  it('loses only the finding of a check that makes a mistake', async () => {
    let calls = 0;
    const wallMs = () => {
      calls++;
      throw new Error('no clock');
    };
    const env = { ...QUIET, MESH_BOOTSTRAP_URL: '/nowhere/list.json' };
    const findings = await run(tempFolder(), { env, system: { wallMs } });
    expect(calls).toBe(1);
    expect(findings.map(({ check }) => check)).toEqual([...CHECKS]);
    expect(findings.find(({ check }) => check === 'bootstrap')).toMatchObject({
      state: 'fail',
      what: expect.stringContaining('no clock'),
    });
  });

  it('leaves out what hangs on a variable that cannot be used', async () => {
    const folder = tempFolder();
    const env = { ...QUIET, MESH_STORE_PATH: folder, MESH_KEY_DIR: folder };
    const findings = await run(folder, { env });
    const skipped = findings.filter(({ what }) => what.includes('MESH_STORE_PATH cannot be used'));
    expect(skipped.map(({ check }) => check)).toEqual([
      'database-files',
      'database',
      'integrity',
      'scrub',
      'database-size',
    ]);
    expect(findings.find(({ check }) => check === 'options')).toMatchObject({ state: 'fail' });
  });
});
