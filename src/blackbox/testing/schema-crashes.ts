/**
 * kill -9 at one call to the system after the other while a database of an old schema is brought to the newest. After each:
 * what lies on the disk is whole, be it old or new, so is each copy that has its name, and the next start finishes.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'vitest';
import type { PersistOp } from '../../core/persistence.ts';
import { SCHEMA_VERSION } from '../../store/migrations.ts';
import { findCopies } from '../../store/sqlite-copy.ts';
import { writeOldDatabase } from '../../store/testing/legacy-schemas.ts';
import { createAuthor, joined, published, received, signedMessage } from '../../store/testing/messages.ts';
import { PROCESS_FILE } from '../../store/testing/process.ts';
import { makeFolder } from './mesh-process.ts';
import { killedAt } from './trace.ts';

const CHANNEL = 'dev';
const [ann, bob] = [createAuthor(1), createAuthor(2)];
const MESSAGES = Array.from({ length: 60 }, (_, i) =>
  signedMessage(i % 2 === 0 ? ann : bob, { channel: CHANNEL, body: `${i} ${'x'.repeat(i * 40)}`, nonce: i }),
);
export const OPS: readonly PersistOp[] = [
  joined(CHANNEL),
  ...MESSAGES.map((message, i) => (i % 2 === 0 ? published(message, `key ${i}`) : received(message))),
];
export const IDS = MESSAGES.map(({ message }) => message.idText).sort();

/** Ids that a database holds, with whatever schema it has; a sound database only. */
export function held(file: string): { ids: string[]; schema: number } {
  const db = new Database(file, { readonly: true });
  try {
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(db.pragma('foreign_key_check')).toEqual([]);
    const rows = db.prepare<[], { id: Buffer }>('SELECT id FROM message').all();
    const ids = rows.map(({ id }) => id.toString('base64url')).sort();
    return { ids, schema: db.pragma('user_version', { simple: true }) as number };
  } finally {
    db.close();
  }
}

/** Opens the database in a process that dies at this call. @returns whether it lived to the end */
async function openUnder(file: string, call: string, when: number): Promise<boolean> {
  const [program = '', ...args] = [...killedAt(call, when), process.execPath, PROCESS_FILE, file, 'hold'];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.resume();
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  if (signal !== 'SIGKILL') expect(code).toBe(0);
  return signal !== 'SIGKILL';
}

/** @param step kills at every so many calls of this name. @returns how many kills there were */
export async function sweepSchemaCrashes(schema: number, call: string, step: number): Promise<number> {
  for (let kills = 0; ; kills++) {
    const file = path.join(makeFolder(), 'store.db');
    writeOldDatabase(file, schema, OPS);
    const isAlive = await openUnder(file, call, 1 + kills * step);
    expect(held(file).ids).toEqual(IDS);
    for (const copy of findCopies(file)) expect(held(copy)).toEqual({ ids: IDS, schema });
    if (!isAlive) expect(await openUnder(file, 'fsync', 9999)).toBe(true);
    expect(held(file)).toEqual({ ids: IDS, schema: SCHEMA_VERSION });
    const [back = ''] = findCopies(file);
    expect(held(back)).toEqual({ ids: IDS, schema });
    expect(fs.readdirSync(path.dirname(file)).filter((name) => name.endsWith('.part'))).toEqual([]);
    if (isAlive) return kills;
  }
}
