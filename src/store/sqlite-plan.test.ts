import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createSqliteStore } from './sqlite.ts';
import { openFile } from './sqlite-file.ts';
import { NETWORK, sha256 } from './testing/messages.ts';

let folder = '';
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

/** Every statement that the store prepares at its start or in `restore`, with SQLite's plan for it. */
function plans(): { sql: string; steps: string[] }[] {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-plan-'));
  const { db, close } = openFile({ path: path.join(folder, 'store.db'), network: NETWORK });
  const prepare = db.prepare.bind(db);
  const sources: string[] = [];
  db.prepare = ((sql: string) => {
    sources.push(sql);
    return prepare(sql);
  }) as typeof db.prepare;
  const store = createSqliteStore(db, { network: NETWORK, sha256 }, close);
  store.restore();
  const found = sources
    .filter((sql) => /^\s*(?:SELECT|UPDATE|DELETE)/.test(sql))
    .map((sql) => {
      const parameters = Array.from({ length: sql.split('?').length - 1 }, () => 0);
      const rows = prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...parameters) as { detail: string }[];
      return { sql, steps: rows.map((row) => row.detail) };
    });
  store.close();
  return found;
}

describe('the statements of the store', () => {
  it('never scan or sort messages, own messages or keys', () => {
    const found = plans();
    expect(found.length).toBeGreaterThan(30);
    const slow = found.filter(({ steps }) =>
      steps.some((step) =>
        /^SCAN (?:message|m|own|o|public_key|k|idempotency)\b(?! USING)|TEMP B-TREE/.test(step),
      ),
    );
    // The newest of an author: rows with one time are sorted by id, and those are few.
    expect(slow.filter(({ steps }) => !steps.some((step) => step.includes('LAST TERM')))).toEqual([]);
  });

  it('walk the index that was made for them', () => {
    const indexOf = (part: string): string =>
      plans()
        .find(({ sql }) => sql.includes(part))
        ?.steps.join() ?? '';
    expect(indexOf('FROM own o INDEXED BY own_waiting')).toContain('own_waiting (arrival>?)');
    expect(indexOf('(time, id) > (?, ?) AND time < ?')).toContain('message_order (tag=? AND (time,id)>(?,?)');
    expect(indexOf('channel = ? AND arrival > ?')).toContain('message_shown (channel=? AND rowid>?)');
    expect(indexOf('expires <= ?')).toContain('message_expires (expires>? AND expires<?)');
    expect(indexOf('(m.time, m.id) < (?, ?)')).toContain('message_page (channel=? AND (time,id)>(?,?)');
    expect(indexOf('WHERE channel = ? AND author = ?')).toContain(
      'message_author (channel=? AND author=? AND time>?)',
    );
    expect(indexOf('m.source IS NULL AND')).toContain('message_own (channel=? AND author=?)');
  });
});
