import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  insertLegacy,
  type LegacyMessage,
  legacyMessage,
  legacyMessages,
  makeLegacy,
  SHAPES,
  type Shape,
  timeOf,
} from './legacy.fixture.ts';
import { examineLegacy } from './legacy-file.ts';
import { LEGACY_COUNT_MAX, LegacyReader, type LegacyRow } from './legacy-reader.ts';

let base: string;
const open: LegacyReader[] = [];
beforeAll(() => {
  base = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-legacy-'));
});
afterEach(() => {
  for (const reader of open.splice(0)) reader.close();
});
afterAll(() => fs.rmSync(base, { recursive: true }));

async function readerOf(file: string): Promise<LegacyReader> {
  const examined = await examineLegacy(file, base);
  if (examined.kind !== 'legacy') throw new Error(JSON.stringify(examined));
  const reader = LegacyReader.open(examined.source);
  open.push(reader);
  return reader;
}

const freshFile = () => path.join(fs.mkdtempSync(path.join(base, 'x')), 'mesh.db');
const reader = (messages: readonly LegacyMessage[], shape: Shape = 'mesh1') =>
  readerOf(makeLegacy(freshFile(), messages, shape));

const all = (from: LegacyReader, channel = 'lobby', before?: string): LegacyRow[] =>
  [...from.runs({ channel, before })].flat();
const bodies = (rows: readonly LegacyRow[]) => rows.map((row) => row.body);
const counted = (from: LegacyReader): Record<string, number> => {
  const sums: Record<string, number> = {};
  for (const run of from.channels()) for (const [name, n] of run) sums[name] = (sums[name] ?? 0) + n;
  return sums;
};

const EVERY_SHAPE = Object.keys(SHAPES) as Shape[];

describe.each(EVERY_SHAPE)('the shape %s', (shape) => {
  const withIds = (messages: readonly LegacyMessage[]) =>
    shape === 'short' ? messages.map((message, i) => ({ ...message, id: i + 1 })) : messages;

  it('is read newest first, each message once, also from any position on', async () => {
    const mixed = [
      ...legacyMessages(700),
      ...legacyMessages(5).map((one, i) => ({ ...one, id: `d${i}`, channel: 'dev' })),
    ];
    const from = await reader(withIds(mixed), shape);
    const rows = all(from);
    expect(bodies(rows)).toEqual(Array.from({ length: 700 }, (_, n) => `message ${699 - n}`));
    expect(rows.at(-1)).toMatchObject({ channel: 'lobby', sender: 'peer-abcd1234', timestamp: timeOf(0) });
    expect(bodies(all(from, 'lobby', rows[600]?.position))).toEqual(bodies(rows.slice(601)));
    expect(all(from, 'dev')).toHaveLength(5);
    expect(all(from, 'LOBBY')).toEqual([]);
    expect(counted(from)).toEqual({ lobby: 700, dev: 5 });
    expect([from.has(rows[3]?.position ?? ''), from.has('987654')]).toEqual([true, false]);
  });
});

describe('the order', () => {
  it('is by time where there is an index, with equal times by arrival', async () => {
    const times = [5, 1, 3, 3, 3, 2];
    const from = await reader(times.map((time, n) => legacyMessage(n, { timestamp: timeOf(time) })));
    const rows = all(from);
    expect(rows.map((row) => row.body.at(-1)).join('')).toBe('043251');
    for (const [at, row] of rows.entries())
      expect(bodies(all(from, 'lobby', row.position))).toEqual(bodies(rows.slice(at + 1)));
  });

  it('is by arrival where there is none', async () => {
    const from = await reader(
      [5, 1, 3].map((time, n) => legacyMessage(n, { timestamp: timeOf(time) })),
      'signed',
    );
    expect(bodies(all(from))).toEqual(['message 2', 'message 1', 'message 0']);
  });
});

describe('rows that mesh/1 never wrote', () => {
  it('are skipped if a field is of the wrong type, missing or too large', async () => {
    const wrong: LegacyMessage[] = [
      { id: null },
      { id: Buffer.from('x') },
      { id: 'x'.repeat(2000) },
      { sender: null },
      { sender: Buffer.from('x') },
      { body: null },
      { body: 7 },
      { body: Buffer.from([0xff]) },
      { timestamp: null },
      { timestamp: Buffer.from('x') },
      { timestamp: 'x'.repeat(2000) },
      { channel: null },
      { channel: Buffer.from('lobby') },
      { channel: 7 },
      { body: 'x'.repeat(8 * 1024 * 1024 + 1) },
      { payload: 'x'.repeat(8 * 1024 * 1024 + 1) },
    ];
    const messages = wrong.map((fields, n) => ({ ...legacyMessage(n), ...fields }));
    const from = await reader([legacyMessage(90), ...messages, legacyMessage(91)], 'camel');
    expect(bodies(all(from))).toEqual(['message 91', 'message 90']);
    expect(counted(from)).toEqual({ lobby: 15 });
  });

  it('are read as far as they make sense', async () => {
    const from = await reader(
      [
        legacyMessage(0, { id: 12, timestamp: 1735689600, payload: Buffer.from('{}'), signature: 5 }),
        legacyMessage(1, { body: '', payload: '{"a":', timestamp: '', signature: 'zzz' }),
        legacyMessage(2, { body: 'nul \u0000 and \u001b[2J', sender: '' }),
      ],
      'camel',
    );
    expect(all(from)).toMatchObject([
      { body: 'nul \u0000 and \u001b[2J', sender: '' },
      { body: '', payload: '{"a":', timestamp: '', signature: 'zzz' },
      { id: '12', timestamp: 1735689600, payload: null, signature: null },
    ]);
  });

  it('with text that is not UTF-8 neither stop the reading nor pass for another channel', async () => {
    const file = makeLegacy(freshFile(), legacyMessages(2));
    const db = new Database(file);
    const insert = 'INSERT INTO mesh_messages (message_id, channel_id, sender_id, body, timestamp) VALUES';
    db.exec(`${insert} ('a', CAST(x'ff' AS TEXT), 's', 'b', 't')`);
    db.exec(`${insert} ('b', 'zz', CAST(x'61ff' AS TEXT), CAST(x'80' AS TEXT), CAST(x'c3' AS TEXT))`);
    db.exec(`${insert} (CAST(x'fe' AS TEXT), 'zz', 's', 'last', 'u')`);
    db.close();
    const from = await readerOf(file);
    expect(counted(from)).toEqual({ lobby: 2, zz: 2 });
    expect(all(from, '\ufffd')).toEqual([]);
    expect(all(from, 'zz').map(({ id, sender, body }) => [id, sender, body])).toContainEqual([
      'b',
      'a\ufffd',
      '\ufffd',
    ]);
  });

  it('of one time in great number are still walked by an index', async () => {
    const from = await reader(legacyMessages(3000, { timestamp: timeOf(0) }));
    expect(all(from)).toHaveLength(3000);
  });
});

describe('a run', () => {
  it('is short: by rows, and by bytes where messages are long', async () => {
    const [many, long] = [
      await reader(legacyMessages(1000)),
      await reader(legacyMessages(10, { body: 'x'.repeat(600_000) })),
    ];
    const sizes = (from: LegacyReader) => [...from.runs({ channel: 'lobby' })].map((run) => run.length);
    expect(Math.max(...sizes(many))).toBe(256);
    expect(sizes(long)).toEqual([2, 2, 2, 2, 2, 0]);
  });

  it('of a table without an index visits a fixed number of rows, whatever channel is asked for', async () => {
    const from = await reader(legacyMessages(10_000), 'camel');
    const runs = [...from.runs({ channel: 'nobody' })];
    expect(runs).toHaveLength(Math.floor(10_000 / 2048) + 1);
    expect(runs.flat()).toEqual([]);
  });

  it('leaves the database free when it is given up', async () => {
    const file = makeLegacy(freshFile(), legacyMessages(1000));
    const from = await readerOf(file);
    const runs = from.runs({ channel: 'lobby' });
    runs.next();
    const writer = new Database(file, { timeout: 0 });
    insertLegacy(writer, [legacyMessage(2000)]); // between two runs
    runs.return(undefined);
    writer.exec('BEGIN EXCLUSIVE; COMMIT');
    writer.close();
  });
});

describe('channels', () => {
  it('are counted up to a limit, and named with dm: and all', async () => {
    const many = legacyMessages(LEGACY_COUNT_MAX + 10);
    const others = Array.from({ length: 40 }, (_, n) =>
      legacyMessage(n, { id: `c${n}`, channel: `dm:${n}` }),
    );
    const from = await reader([...many, ...others]);
    const found = counted(from);
    expect(found).toMatchObject({ lobby: LEGACY_COUNT_MAX, 'dm:0': 1, 'dm:39': 1 });
    expect(Object.keys(found)).toHaveLength(41);
  });
});
