import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { UsageError } from '../exit.ts';
import { assertOwner } from './owner.ts';

/** A folder of somebody who is not root, whoever runs the test. @returns its path and its owner */
function foreignFolder(): { folder: string; owner: number } {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-owner-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true }));
  if (process.getuid?.() === 0) fs.chownSync(folder, 4242, 4242);
  return { folder, owner: fs.statSync(folder).uid };
}

function wordsOf(work: () => void): string {
  try {
    work();
  } catch (error) {
    if (error instanceof UsageError) return error.detail;
    throw error;
  }
  return '';
}

it('sends root away from the folder of somebody else, with what to type', () => {
  const { folder, owner } = foreignFolder();
  const usersFile = path.join(folder, 'passwd');
  const words = (): string => wordsOf(() => assertOwner(folder, { uid: 0, usersFile }));
  expect(words()).toContain(`sudo -u '#${owner}' mesh uninstall --data ${folder}`);
  fs.writeFileSync(usersFile, `root:x:0:0::/root:/bin/sh\nanna:x:${owner}:7::/home/anna:/bin/sh\n`);
  expect(words()).toContain(`${folder} belongs to the user anna`);
  expect(words()).toContain(`sudo -u anna mesh uninstall --data ${folder}`);
  expect(words()).toContain('sudo mesh service remove --system');
});

it('lets everybody else, and root in its own folder, go on', () => {
  const { folder, owner } = foreignFolder();
  const usersFile = '/nonexistent';
  for (const uid of [owner, owner + 1, undefined]) assertOwner(folder, { uid, usersFile });
  assertOwner(path.join(folder, 'not-there'), { uid: 0, usersFile });
  assertOwner('/', { uid: 0, usersFile });
});
