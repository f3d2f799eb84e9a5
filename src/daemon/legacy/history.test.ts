import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createVerifier } from '../../crypto/index.ts';
import {
  type LegacyMessage,
  legacyMessage,
  legacyMessages,
  makeLegacy,
  type Shape,
  traceOf,
} from '../../store/legacy.fixture.ts';
import { examineLegacy } from '../../store/legacy-file.ts';
import { DatabaseHistory } from './history.ts';
import type { LegacyMessageView } from './view.ts';

const { verify } = createVerifier();
let base: string;
beforeAll(() => {
  base = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-legacy-'));
});
afterAll(() => fs.rmSync(base, { recursive: true }));

async function historyOf(
  messages: readonly LegacyMessage[],
  shape: Shape = 'mesh1',
): Promise<DatabaseHistory> {
  const file = makeLegacy(path.join(fs.mkdtempSync(path.join(base, 'x')), 'mesh.db'), messages, shape);
  const examined = await examineLegacy(file, base);
  if (examined.kind !== 'legacy') throw new Error(JSON.stringify(examined));
  return new DatabaseHistory(examined.source, verify);
}

/** All pages, as a client walks them. */
async function walk(
  history: DatabaseHistory,
  limit: number,
  channel = 'lobby',
): Promise<LegacyMessageView[]> {
  const found: LegacyMessageView[] = [];
  for (;;) {
    const page = await history.messages({ channel, limit, before: found[0]?.position });
    if (page.length === 0) return found;
    found.unshift(...page);
  }
}

const bodies = (views: readonly LegacyMessageView[]) => views.map(({ body }) => body);

describe('the unverified history', () => {
  it.each<Shape>(['mesh1', 'signed', 'camel'])(
    'pages through the shape %s, oldest first, without gap or repeat',
    async (shape) => {
      const other = legacyMessages(50).map((one, n) => ({ ...one, id: `o${n}`, channel: 'other' }));
      const history = await historyOf([...legacyMessages(1500), ...other, legacyMessage(1500)], shape);
      const expected = Array.from({ length: 1501 }, (_, n) => `message ${n}`);
      expect(bodies(await walk(history, 700))).toEqual(expected);
      expect(bodies(await walk(history, 1000))).toEqual(expected);
      expect(bodies(await history.messages({ channel: 'lobby', limit: 2 }))).toEqual(expected.slice(-2));
      expect(await history.messages({ channel: 'nobody', limit: 2 })).toEqual([]);
      expect(await history.channels()).toEqual([
        { channel: 'lobby', messages: 1501 },
        { channel: 'other', messages: 50 },
      ]);
    },
  );

  it('has the private messages of the past, which mesh/1 kept in clear', async () => {
    const channel = 'dm:peer-a:peer-b';
    const history = await historyOf([legacyMessage(0, { channel, body: 'between us' })]);
    expect(await history.messages({ channel, limit: 1 })).toMatchObject([{ channel, body: 'between us' }]);
    expect(await history.channels()).toEqual([{ channel, messages: 1 }]);
  });

  it('ends a page early where messages are long, and goes on', async () => {
    const history = await historyOf(legacyMessages(12, { body: 'x'.repeat(1_000_000) }));
    const page = await history.messages({ channel: 'lobby', limit: 1000 });
    expect(page).toHaveLength(5);
    expect(page.every(({ shortened, body }) => shortened && body.length === 65_536)).toBe(true);
    expect(await walk(history, 1000)).toHaveLength(12);
  });

  it('lists at most a thousand channels', async () => {
    const many = Array.from({ length: 1200 }, (_, n) => legacyMessage(n, { channel: `c${n}` }));
    for (const shape of ['mesh1', 'camel'] as const)
      expect(await (await historyOf(many, shape)).channels()).toHaveLength(1000);
  });

  it('refuses limits and positions that make no sense', async () => {
    const history = await historyOf(legacyMessages(3));
    const code = (limit: number, before?: string) =>
      history.messages({ channel: 'lobby', limit, before }).then(
        () => 'ok',
        (error: { code: string }) => error.code,
      );
    for (const limit of [0, 1001, 1.5, Number.NaN]) expect(await code(limit)).toBe('bad_request');
    for (const before of ['', 'x', '1e3', "1' OR '1", '9'.repeat(20)])
      expect(await code(1, before)).toBe('bad_request');
    for (const before of ['4711', '-1', '9'.repeat(19)]) expect(await code(1, before)).toBe('not_found');
    expect(await code(1, '3')).toBe('ok');
  });

  it('says which file cannot be read any more', async () => {
    const history = await historyOf(legacyMessages(3));
    fs.rmSync(history.file);
    const failure = { code: 'store_failed', detail: expect.stringContaining(history.file) };
    await expect(history.channels()).rejects.toMatchObject(failure);
    await expect(history.messages({ channel: 'lobby', limit: 1 })).rejects.toMatchObject(failure);
    expect(fs.existsSync(history.file)).toBe(false);
  });

  it('changes nothing', async () => {
    const history = await historyOf(legacyMessages(2000));
    const folder = path.dirname(history.file);
    const before = traceOf(folder);
    await walk(history, 1000);
    await history.channels();
    expect(traceOf(folder)).toEqual(before);
  });
});
