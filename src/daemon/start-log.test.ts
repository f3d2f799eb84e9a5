import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { MeshError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { recordFailure } from './start-log.ts';

let data: string;
let logs: string;
beforeEach(() => {
  data = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-start-log-'));
  onTestFinished(() => fs.rmSync(data, { recursive: true }));
  logs = path.join(data, 'logs');
});

const lines = (): Record<string, unknown>[] =>
  fs
    .readFileSync(path.join(logs, 'mesh-1.log'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

it('a failed start is written down with its code, and an option without its value', () => {
  fs.mkdirSync(logs);
  recordFailure(data, new MeshError('key_exposed', 'FILE has mode 0644.'));
  recordFailure(data, new MeshError('bad_option', 'MESH_PEERS is "ws://me:hunter2@x", allowed: others.'));
  recordFailure(data, new TypeError('a mistake'));
  expect(lines()).toMatchObject([
    { level: 'fatal', phrase: 'start failed', code: 'key_exposed', error: expect.stringContaining('FILE') },
    { code: 'bad_option', options: ['MESH_PEERS'] },
    { code: 'internal', error: 'a mistake' },
  ]);
  expect(JSON.stringify(lines())).not.toContain('hunter2');
});

it("another daemon's log is left alone, and where there is none, none is made", () => {
  recordFailure(data, new MeshError('data_folder'));
  expect(fs.readdirSync(data)).toEqual([]);
  fs.mkdirSync(logs);
  recordFailure(data, new MeshError('store_locked'));
  expect(fs.readdirSync(logs)).toEqual([]);
});

it('failures without end keep to the number of files that is there', () => {
  fs.mkdirSync(logs);
  for (let n = 1; n <= 7; n++) fs.writeFileSync(path.join(logs, `mesh-${n}.log`), '');
  fs.truncateSync(path.join(logs, 'mesh-7.log'), LIMITS.logFileBytes);
  recordFailure(data, new MeshError('data_folder'));
  expect(fs.readdirSync(logs).sort()).toEqual([2, 3, 4, 5, 6, 7, 8].map((n) => `mesh-${n}.log`));
});
