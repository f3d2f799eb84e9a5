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
        /^SCAN (?:message|m|own|o|public_key|k|idempotency|author|hour_sum|minute_sum)\b(?! USING)|TEMP B-TREE/.test(
          step,
        ),
      ),
    );
    expect(slow).toEqual([]);
  });

  it('walk the index that was made for them', () => {
    const indexOf = (part: string): string =>
      plans()
        .find(({ sql }) => sql.includes(part))
        ?.steps.join() ?? '';
    expect(indexOf('FROM own o INDEXED BY own_waiting')).toContain('own_waiting (arrival>?)');
    expect(indexOf('FROM own o INDEXED BY own_alone')).toContain('own_alone (arrival>?)');
    expect(indexOf('(time, id) >= (?, ?) AND (time, id) < (?, ?)')).toContain(
      'message_order (tag=? AND (time,id)>(?,?)',
    );
    expect(indexOf('channel = ? AND arrival > ?')).toContain('message_shown (channel=? AND rowid>?)');
    expect(indexOf('expires <= ?')).toContain('message_expires (expires>? AND expires<?)');
    expect(indexOf('(m.time, m.id) < (?, ?)')).toContain('message_page (channel=? AND (time,id)>(?,?)');
    expect(indexOf('m.content = 0 AND m.channel = ? AND m.author = ?')).toContain(
      'message_held (channel=? AND author=?)',
    );
    expect(indexOf('(m.time, m.id) > (?, ?) AND m.time < ?')).toContain(
      'message_order (tag=? AND (time,id)>(?,?)',
    );
    expect(indexOf('AND m.arrival > ? ORDER')).toContain('message_wanted (arrival>?)');
    expect(indexOf('FROM message h INDEXED BY message_header')).toMatch(
      /INDEX sqlite_autoindex_message_1 \(id=\?\).*COVERING INDEX message_header/,
    );
    expect(indexOf('FROM amendment WHERE target = ? AND amends = 2 AND channel')).toContain(
      'PRIMARY KEY (target=? AND amends=? AND channel=? AND author=? AND time>?)',
    );
    expect(indexOf('ORDER BY content DESC')).toContain('author_weight (tag=?');
    expect(indexOf('gone = 1 AND created <= ?')).toContain('idempotency_age (created<?)');
    expect(indexOf('FROM minute_sum INDEXED BY minute_age')).toContain('minute_age (start<?)');
    expect(indexOf('INDEXED BY tag_idle WHERE count = 0\n')).toContain('channel_tag (tag=?)');
    expect(indexOf('INDEXED BY channel_idle')).toContain('channel_idle');
    expect(indexOf('messages > 0 ORDER BY start')).toContain('PRIMARY KEY (tag=? AND start>?)');
  });
});
