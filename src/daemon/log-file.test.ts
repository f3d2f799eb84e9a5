import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { LIMITS } from '../core/limits.ts';
import { listLogFiles, logFilePath } from './folder/log-names.ts';
import { LogFile, type LogFileOptions } from './log-file.ts';

let folder: string;
let told: string[];
let now: number;

beforeEach(() => {
  const base = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-log-'));
  onTestFinished(() => fs.rmSync(base, { recursive: true }));
  folder = path.join(base, 'data', 'logs');
  told = [];
  now = 0;
});

function create(options: Partial<LogFileOptions> = {}): LogFile {
  const onTrouble = (sentence: string): void => void told.push(sentence);
  const file = new LogFile({
    ...{ folder, bytesMax: 1000, filesMax: 3, onTrouble, monotonicMs: () => now },
    ...options,
  });
  onTestFinished(() => file.close());
  file.open();
  return file;
}

const line = (n: number): string => `${JSON.stringify({ n, text: 'x'.repeat(80) })}\n`;
const text = (): string =>
  listLogFiles(folder)
    .map((number) => fs.readFileSync(logFilePath(folder, number), 'utf8'))
    .join('');
const numbers = (): number[] =>
  text()
    .trimEnd()
    .split('\n')
    .map((one) => JSON.parse(one).n as number);
const phrases = (): unknown[] =>
  text()
    .trimEnd()
    .split('\n')
    .map((one) => JSON.parse(one).phrase ?? JSON.parse(one).n);

/** A folder that cannot be made: a file has its name. */
function block(): void {
  fs.mkdirSync(path.dirname(folder), { recursive: true });
  fs.writeFileSync(folder, '');
}

describe('the log on disk', () => {
  it('holds what it is given, in files that only their owner can read', () => {
    create().write(line(1));
    expect(text()).toBe(line(1));
    expect(fs.statSync(folder).mode & 0o777).toBe(0o700);
    expect(fs.statSync(logFilePath(folder, 1)).mode & 0o777).toBe(0o600);
  });

  it('closes its folder and file to others that were left open', () => {
    create().write(line(1));
    fs.chmodSync(folder, 0o755);
    fs.chmodSync(logFilePath(folder, 1), 0o644);
    create().write(line(2));
    expect(fs.statSync(folder).mode & 0o777).toBe(0o700);
    expect(fs.statSync(logFilePath(folder, 1)).mode & 0o777).toBe(0o600);
    expect(numbers()).toEqual([1, 2]);
  });

  it('makes no file that it would not find again: the last number is used, and then it says what to do', () => {
    fs.mkdirSync(folder, { recursive: true });
    const last = path.join(folder, 'mesh-999999999999.log');
    fs.writeFileSync(last, '');
    const file = create();
    for (let n = 0; n < 100; n++) {
      file.write(line(n));
      now += 20_000;
    }
    expect(fs.readdirSync(folder)).toEqual(['mesh-999999999999.log']);
    expect(fs.statSync(last).size).toBeLessThanOrEqual(1000);
    expect(told).toEqual([
      expect.stringContaining('no number follows mesh-999999999999.log; remove that file'),
    ]);
    fs.rmSync(last);
    now += 20_000;
    file.write(line(100));
    expect(listLogFiles(folder)).toEqual([1]);
    expect(phrases()).toEqual(['lines of the log were lost', 100]);
  });

  it('is bounded: the oldest file goes, at each moment, and the newest lines are there', () => {
    const file = create();
    for (let n = 0; n < 500; n++) {
      file.write(line(n));
      const files = listLogFiles(folder);
      const sizes = files.map((number) => fs.statSync(logFilePath(folder, number)).size);
      expect(files.length).toBeLessThanOrEqual(3);
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(3000);
    }
    const kept = numbers();
    expect(kept.at(-1)).toBe(499);
    expect(kept).toEqual(kept.map((_, i) => 500 - kept.length + i));
    expect(kept.length).toBeGreaterThan(20);
  });

  it('goes on where the last process ended, and ends a line that was cut off', () => {
    create().write(line(1));
    fs.appendFileSync(logFilePath(folder, 1), '{"n":2,"te');
    create().write(line(3));
    expect(listLogFiles(folder)).toEqual([1]);
    expect(text()).toBe(`${line(1)}{"n":2,"te\n${line(3)}`);
  });

  it('keeps to limits that were lowered meanwhile', () => {
    const file = create({ filesMax: 9 });
    for (let n = 0; n < 100; n++) file.write(line(n));
    expect(listLogFiles(folder)).toHaveLength(9);
    create({ filesMax: 2 }).write(line(100));
    expect(listLogFiles(folder)).toHaveLength(2);
    expect(numbers().at(-1)).toBe(100);
  });

  it('touches nothing before it is opened, and then writes what was held', () => {
    const file = new LogFile({ folder, bytesMax: 1000, filesMax: 3, onTrouble: () => undefined });
    file.write(line(1));
    expect(fs.existsSync(folder)).toBe(false);
    file.open();
    file.close();
    file.write(line(2));
    expect(text()).toBe(line(1));
  });

  it('holds a bounded number of lines before, and says how many it dropped', () => {
    const file = new LogFile({ folder, bytesMax: 1e6, filesMax: 3, onTrouble: () => undefined });
    for (let n = 0; n < LIMITS.logLinesHeldMax + 7; n++) file.write(`{"n":${n}}\n`);
    file.open();
    expect(text()).toContain('"lines":7,"phrase":"lines of the log were lost"');
    file.close();
  });

  it('leaves other files in its folder alone', () => {
    fs.mkdirSync(folder, { recursive: true });
    const names = ['mesh-0.log', 'mesh-01.log', 'mesh-x.log', 'notes.txt'];
    for (const name of names) fs.writeFileSync(path.join(folder, name), 'mine');
    const file = create({ filesMax: 2 });
    for (let n = 0; n < 50; n++) file.write(line(n));
    for (const name of names) expect(fs.readFileSync(path.join(folder, name), 'utf8')).toBe('mine');
  });

  it('replaces a line that is too long', () => {
    create({ bytesMax: 1e6 }).write(`${JSON.stringify({ text: 'x'.repeat(LIMITS.logLineBytesMax) })}\n`);
    expect(phrases()).toEqual(['line left out of the log, too long']);
  });

  it('writes into a new file when somebody has deleted the one it had', () => {
    const file = create();
    file.write(line(1));
    fs.rmSync(logFilePath(folder, 1));
    now += 5_000;
    file.write(line(2));
    expect(text()).toBe(line(2));
  });
});

describe('a log that cannot be written', () => {
  it('says so once, loses nothing but lines, counts them, and goes on when it can', () => {
    block();
    const file = create();
    for (let n = 0; n < 3; n++) file.write(line(n));
    now = 9_999;
    file.write(line(3));
    now = 10_000;
    file.write(line(4));
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(/^The log in .*logs cannot be written \(E.*MESH_LOG_FILES=0/);
    fs.rmSync(folder);
    now = 20_000;
    file.write(line(5));
    file.write(line(6));
    expect(phrases()).toEqual(['lines of the log were lost', 5, 6]);
    expect(text()).toContain('"lines":5');
    expect(told).toHaveLength(1);
  });

  it.each([
    ['a symbolic link', (file: string) => fs.symlinkSync('/dev/null', file)],
    ['a folder', (file: string) => fs.mkdirSync(file)],
  ])('is one whose file is %s', (_what, make) => {
    fs.mkdirSync(folder, { recursive: true });
    make(logFilePath(folder, 1));
    create().write(line(1));
    expect(told).toHaveLength(1);
  });
});
