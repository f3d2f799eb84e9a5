import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { MiB } from '../../core/limits.ts';
import { checkDisk } from './disk-checks.ts';
import type { Finding } from './finding.ts';
import type { FreeSpace } from './system.ts';
import { subjectOf, tempFolder } from './testing/subject.ts';

const GiB = 1024 * MiB;

async function check(free: FreeSpace, env: Record<string, string> = {}, proc = '/nowhere'): Promise<Finding> {
  const folder = path.join(tempFolder(), 'not', 'yet');
  const subject = await subjectOf(folder, { env, system: { freeSpace: () => free, proc } });
  const findings = checkDisk(subject);
  expect(findings).toHaveLength(1);
  expect(fs.existsSync(folder)).toBe(false);
  return findings[0] as Finding;
}

describe('the disk', () => {
  it.each([
    [100 * GiB, 1e6, 'ok', '100.0 GiB are free'],
    [100 * GiB, undefined, 'ok', '100.0 GiB'],
    [1 * GiB, 1e6, 'warn', 'lets the database grow by 4.0 GiB'],
    [255 * MiB, 1e6, 'fail', 'below 256.0 MiB'],
    [0, 1e6, 'fail', '0 bytes are free'],
    [100 * GiB, 500, 'warn', 'only 500 more files'],
    [100 * GiB, 3, 'fail', 'only 3 more files'],
  ] as const)('with %d bytes and %s inodes free is %s', async (bytes, inodes, state, what) => {
    const found = await check({ bytes, inodes });
    expect(found).toMatchObject({ check: 'disk', state, what: expect.stringContaining(what) });
    expect(found.mend === '').toBe(state === 'ok');
  });

  it('is large enough for a database with a small limit', async () => {
    const free = { bytes: 1 * GiB, inodes: 1e6 };
    expect(await check(free, { MESH_STORE_BYTES: '500MiB' })).toMatchObject({ state: 'ok' });
  });

  it('that is mounted read-only fails with the command, its folder quoted', async () => {
    const proc = tempFolder();
    fs.mkdirSync(path.join(proc, 'self'));
    const mounts = '22 1 0:20 / / ro,relatime - ext4 /dev/a rw\n';
    fs.writeFileSync(path.join(proc, 'self', 'mountinfo'), mounts);
    expect(await check({ bytes: GiB, inodes: 1e6 }, {}, proc)).toMatchObject({
      state: 'fail',
      command: "sudo mount -o remount,rw '/'",
    });
  });

  it('that does not say how much is free is skipped with the reason; the real one says it', async () => {
    const freeSpace = (): FreeSpace => {
      throw new Error('ENOSYS: not here');
    };
    const silent = await subjectOf(tempFolder(), { system: { freeSpace } });
    expect(checkDisk(silent)).toMatchObject([{ state: 'skipped', what: expect.stringContaining('ENOSYS') }]);
    const real = await subjectOf(tempFolder(), { env: { MESH_STORE_BYTES: '1MiB' } });
    expect(checkDisk(real)[0]?.what).toMatch(/\d iB|iB are free/);
  });
});
