import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { LogFile } from '../../daemon/log-file.ts';
import { LogFeed, type LogPlace, placeOfFirst, placeOfLast } from './feed.ts';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-feed-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true }));
});

function writer(bytesMax = 200, filesMax = 3): LogFile {
  const file = new LogFile({ folder, bytesMax, filesMax, onTrouble: (text) => expect(text).toBe('') });
  onTestFinished(() => file.close());
  file.open();
  return file;
}

function feedFrom(place: LogPlace): LogFeed {
  const feed = new LogFeed(folder, place);
  onTestFinished(() => feed.close());
  return feed;
}

const put = (number: number, text: string): void =>
  fs.writeFileSync(path.join(folder, `mesh-${number}.log`), text);
const line = (n: number): string => `line ${n} ${'x'.repeat(20)}\n`;
const numberOf = (text: string): number => Number(text.split(' ')[1]);

describe('a feed of the log', () => {
  it('gives each line once while its writer goes on, over many files', () => {
    const file = writer(200, 100);
    const feed = feedFrom({ number: 1, offset: 0 });
    const read: number[] = [];
    for (let n = 0; n < 300; n++) {
      file.write(line(n));
      if (n % 7 === 0) read.push(...[...feed.lines()].map(numberOf));
    }
    read.push(...[...feed.lines()].map(numberOf));
    expect(read).toEqual(Array.from({ length: 300 }, (_, n) => n));
    expect(feed.takeGap()).toBe(false);
  });

  it('still has a file that is deleted under it, and says where lines are missing', () => {
    const file = writer(200, 2);
    file.write(line(0));
    const feed = feedFrom({ number: 1, offset: 0 });
    const read = [...feed.lines()].map(numberOf);
    for (let n = 1; n < 100; n++) file.write(line(n));
    read.push(...[...feed.lines()].map(numberOf));
    expect(new Set(read).size).toBe(read.length);
    expect(read.slice(0, 2)).toEqual([0, 1]); // the rest of the file that it had open
    expect(read.at(-1)).toBe(99);
    expect(feed.takeGap()).toBe(true);
    expect(feed.takeGap()).toBe(false);
  });

  it('waits for the end of a line, and takes it as it is where a newer file exists', () => {
    put(1, 'a\nhal');
    const feed = feedFrom({ number: 1, offset: 0 });
    expect([...feed.lines()]).toEqual(['a']);
    fs.appendFileSync(path.join(folder, 'mesh-1.log'), 'f\ncut');
    expect([...feed.lines()]).toEqual(['half']);
    put(2, 'next\n');
    expect([...feed.lines()]).toEqual(['cut', 'next']);
  });

  it('waits for a file that is not there yet', () => {
    const feed = feedFrom({ number: 1, offset: 0 });
    expect([...feed.lines()]).toEqual([]);
    put(1, 'a\n');
    expect([...feed.lines()]).toEqual(['a']);
  });

  it('never holds more than a piece of a line without end', () => {
    put(1, `${'x'.repeat(3_000_000)}\nend\n`);
    const lines = [...feedFrom({ number: 1, offset: 0 }).lines()];
    expect(lines.at(-1)).toBe('end');
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(1_200_000);
    expect(lines.slice(0, -1).join('')).toHaveLength(3_000_000);
  });

  it('does not wait at what is no file', () => {
    fs.mkdirSync(path.join(folder, 'mesh-1.log'));
    expect(() => [...feedFrom({ number: 1, offset: 0 }).lines()]).toThrow('is not a file');
  });

  it('follows no symbolic link', () => {
    fs.writeFileSync(path.join(folder, 'secret'), 'secret\n');
    fs.symlinkSync(path.join(folder, 'secret'), path.join(folder, 'mesh-1.log'));
    expect(() => [...feedFrom({ number: 1, offset: 0 }).lines()]).toThrow('mesh-1.log cannot be read: ELOOP');
    expect(() => placeOfLast(folder, 1)).toThrow('ELOOP');
  });
});

describe('the place of the last lines', () => {
  const lastOf = (count: number): string[] => {
    const feed = feedFrom(placeOfLast(folder, count));
    return [...feed.lines(), ...feed.rest()];
  };

  it('is found over files, empty ones and a line that was cut off', () => {
    put(1, 'a\nb\n');
    put(2, '');
    put(3, 'c\n');
    put(4, 'd\ne');
    expect(lastOf(0)).toEqual([]);
    expect(lastOf(1)).toEqual(['e']);
    expect(lastOf(2)).toEqual(['d', 'e']);
    expect(lastOf(4)).toEqual(['b', 'c', 'd', 'e']);
    expect(lastOf(99)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('is found beyond one piece of reading', () => {
    const lines = Array.from({ length: 5000 }, (_, n) => line(n).trimEnd());
    put(7, `${lines.join('\n')}\n`);
    for (const count of [1, 2, 2500, 4999, 5000, 5001]) expect(lastOf(count)).toEqual(lines.slice(-count));
  });

  it('is the first one that may be new enough, or the last', () => {
    put(1, 'old\n');
    put(2, 'new\n');
    fs.utimesSync(path.join(folder, 'mesh-1.log'), 1000, 1000);
    expect(placeOfFirst(folder)).toEqual({ number: 1, offset: 0 });
    expect(placeOfFirst(folder, 2_000_000)).toEqual({ number: 2, offset: 0 });
    expect(placeOfFirst(folder, Date.now() + 1e6)).toEqual({ number: 2, offset: 0 });
  });
});
