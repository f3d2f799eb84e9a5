import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { flawsOf, joinFlaws, nearestExisting, type Rule, readSmall, userName } from './files.ts';
import { fail, mendText, shellQuoted, warn } from './finding.ts';
import { thisSystem } from './system.ts';
import { tempFolder } from './testing/subject.ts';
import { bytesText, durationText, listText } from './words.ts';

const SECRET: Rule = { kind: 'file', need: 0o400, isSecret: true };
const FILE: Rule = { kind: 'file', need: 0o600, isSecret: false };
const FOLDER: Rule = { kind: 'folder', need: 0o700, isSecret: false };

describe('the mode of', () => {
  it.each([
    ['a secret', SECRET, 0o600, undefined],
    ['a secret', SECRET, 0o400, undefined],
    ['a secret', SECRET, 0o640, /^fail has mode 0640, so that its group can read it/],
    ['a secret', SECRET, 0o604, /^fail has mode 0604, so that every user of this machine can read it/],
    ['a secret', SECRET, 0o620, /^fail .* its group can write it/],
    ['a secret', SECRET, 0o200, /^fail has mode 0200, which forbids its owner/],
    ['a database', FILE, 0o600, undefined],
    ['a database', FILE, 0o644, /^warn .* every user of this machine can read it/],
    ['a database', FILE, 0o662, /^fail .* every user of this machine can write it/],
    ['a database', FILE, 0o400, /^fail .* forbids its owner/],
    ['a folder', FOLDER, 0o700, undefined],
    ['a folder', FOLDER, 0o711, /^warn .* can look into it/],
    ['a folder', FOLDER, 0o770, /^fail .* its group can replace what is in it/],
    ['a folder', FOLDER, 0o500, /^fail .* forbids its owner/],
    ['a folder', FOLDER, 0o1777, /^fail /],
  ])('%s (%o, %o) is judged, whoever runs the check', (_name, rule, mode, expected) => {
    const file = path.join(tempFolder(), "it's");
    if (rule.kind === 'folder') fs.mkdirSync(file);
    else fs.writeFileSync(file, '');
    fs.chmodSync(file, mode);
    const judge = () => {
      const stats = fs.statSync(file);
      return flawsOf(thisSystem(), { file, stats, rule, owner: stats.uid });
    };
    const [flaw] = judge();
    if (expected === undefined) return expect(flaw).toBeUndefined();
    expect(`${flaw?.state} ${flaw?.what}`).toMatch(expected);
    if (typeof flaw?.mend !== 'object') return expect(flaw?.mend).toContain('--data');
    expect(spawnSync('/bin/sh', ['-c', flaw.mend.command]).status).toBe(0);
    expect(judge()).toEqual([]);
  });
});

describe('the owner of a file', () => {
  it('who is not the user of the daemon is told before the mode, and both are mended in one line', () => {
    const file = path.join(tempFolder(), 'file');
    fs.writeFileSync(file, '', { mode: 0o644 });
    fs.chmodSync(file, 0o644);
    const stats = fs.statSync(file);
    const owner = stats.uid + 4321;
    const flaws = flawsOf({ ...thisSystem(), uid: 0 }, { file, stats, rule: SECRET, owner });
    const joined = joinFlaws(flaws.map((flaw) => ({ name: file, flaw })));
    expect(joined).toMatchObject({
      state: 'fail',
      what: expect.stringMatching(/belongs to .+, and the daemon's user is user \d+\. .* has mode 0644/),
      mend: { command: `chown ${owner} '${file}' && chmod 600 '${file}'` },
    });
    const other = flawsOf({ ...thisSystem(), uid: 7 }, { file, stats, rule: SECRET, owner });
    expect(other[0]?.mend).toMatchObject({ command: expect.stringMatching(/^sudo chown/) });
    expect(flawsOf({ ...thisSystem(), platform: 'win32' }, { file, stats, rule: SECRET, owner })).toEqual([]);
  });

  it('has a name where the system knows one', () => {
    const usersFile = path.join(tempFolder(), 'passwd');
    fs.writeFileSync(usersFile, 'root:x:0:0::/root:/bin/sh\nagent:x:1000:1000::/home/agent:/bin/sh\n');
    expect(userName({ ...thisSystem(), usersFile }, 1000)).toBe('agent');
    expect(userName({ ...thisSystem(), usersFile }, 1001)).toBe('user 1001');
    expect(userName({ ...thisSystem(), usersFile: '/nowhere' }, 0)).toBe('user 0');
  });
});

describe('reading a small file', () => {
  it('never waits and never reads much', () => {
    const folder = tempFolder();
    const at = (name: string) => path.join(folder, name);
    fs.writeFileSync(at('small'), 'text');
    fs.writeFileSync(at('large'), Buffer.alloc(101));
    expect(readSmall(at('small'), 100)).toMatchObject({ kind: 'there', text: 'text' });
    expect(readSmall(at('large'), 100)).toEqual({ kind: 'unreadable', why: 'it has 101 bytes' });
    expect(readSmall(at('none'), 100)).toEqual({ kind: 'missing' });
    expect(readSmall(folder, 100)).toEqual({ kind: 'unreadable', why: 'it is not a file' });
    if (spawnSync('mkfifo', [at('pipe')]).status === 0)
      expect(readSmall(at('pipe'), 100)).toEqual({ kind: 'unreadable', why: 'it is not a file' });
    expect(nearestExisting(at('small/a/b'))).toBe(at('small'));
    expect(nearestExisting(at('none/a/b'))).toBe(folder);
  });
});

describe('words', () => {
  it('quote any path for a shell', () => {
    for (const text of ["a'b", 'a b', '$HOME `id` "x"', '*', 'a\nb', '\\', "''"]) {
      const { stdout } = spawnSync('/bin/sh', ['-c', `printf %s ${shellQuoted(text)}`], { encoding: 'utf8' });
      expect(stdout).toBe(text);
    }
  });

  it('give sizes and times as people say them', () => {
    expect([0, 1023, 1024, 4 * 2 ** 30, 3e15].map(bytesText)).toEqual([
      '0 bytes',
      '1023 bytes',
      '1.0 KiB',
      '4.0 GiB',
      '2728.5 TiB',
    ]);
    expect([0, 1000, 90_000, 120_000, 3_700_000, 8e7, 2e8].map(durationText)).toEqual([
      '0 seconds',
      '1 second',
      '90 seconds',
      '2 minutes',
      '62 minutes',
      '22 hours',
      '2 days',
    ]);
    expect(listText(['a', 'b', 'c'], 2)).toBe('a, b and 1 more');
  });

  it('join a sentence and its command, and end the sentence where there is none', () => {
    expect(mendText(fail('token', 'x', { text: 'Close it:', command: 'chmod 600 x' }))).toBe(
      'Close it: chmod 600 x',
    );
    expect(mendText(warn('token', 'x', { text: 'Close it:', command: '' }))).toBe('Close it.');
  });
});
