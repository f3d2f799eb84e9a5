/** Databases as mesh/1 and its likely forks wrote them, and a look at a folder that notices any change in it. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';

export interface LegacyMessage {
  readonly id?: unknown;
  readonly channel?: unknown;
  readonly sender?: unknown;
  readonly body?: unknown;
  readonly payload?: unknown;
  readonly timestamp?: unknown;
  readonly signature?: unknown;
}

/** Columns in the order id, channel, sender, body, payload, timestamp, signature. */
export const SHAPES = {
  /** what mesh/1 itself wrote: no signatures, an index of the channel and its times */
  mesh1: `CREATE TABLE mesh_messages (message_id TEXT PRIMARY KEY, channel_id TEXT NOT NULL, sender_id TEXT NOT NULL,
      body TEXT NOT NULL, payload TEXT, timestamp TEXT NOT NULL, created_at TEXT NOT NULL DEFAULT (datetime('now')));
    CREATE INDEX by_channel ON mesh_messages (channel_id);
    CREATE INDEX by_time ON mesh_messages (channel_id, timestamp);`,
  signed: `CREATE TABLE messages (message_id TEXT PRIMARY KEY, channel_id TEXT, sender_id TEXT, body TEXT, payload TEXT,
      timestamp TEXT, signature TEXT);
    CREATE INDEX by_channel ON messages (channel_id);`,
  camel:
    'CREATE TABLE log ("messageId", "channelId", "senderId", "body", "payload", "timestamp", "signature");',
  short:
    'CREATE TABLE "the ""messages""" (id INTEGER PRIMARY KEY, channel, sender, body, timestamp INTEGER);',
} as const;

export type Shape = keyof typeof SHAPES;
const TABLE: Record<Shape, string> = {
  mesh1: 'mesh_messages (message_id, channel_id, sender_id, body, payload, timestamp)',
  signed: 'messages (message_id, channel_id, sender_id, body, payload, timestamp, signature)',
  camel: 'log ("messageId", "channelId", "senderId", "body", "payload", "timestamp", "signature")',
  short: '"the ""messages""" (id, channel, sender, body, timestamp)',
};

/** Time of the message with a number, a second apart. */
export const timeOf = (n: number): string => new Date(Date.UTC(2025, 0, 1) + n * 1000).toISOString();

/** A message with number `n` in lobby. */
export function legacyMessage(n: number, fields: LegacyMessage = {}): LegacyMessage {
  return {
    id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
    channel: 'lobby',
    sender: 'peer-abcd1234',
    body: `message ${n}`,
    payload: null,
    timestamp: timeOf(n),
    signature: null,
    ...fields,
  };
}

export const legacyMessages = (count: number, fields: LegacyMessage = {}): LegacyMessage[] =>
  Array.from({ length: count }, (_, n) => legacyMessage(n, fields));

/** Adds messages to an open database. */
export function insertLegacy(
  db: Database.Database,
  messages: readonly LegacyMessage[],
  shape: Shape = 'mesh1',
): void {
  const fields = {
    mesh1: ['id', 'channel', 'sender', 'body', 'payload', 'timestamp'],
    short: ['id', 'channel', 'sender', 'body', 'timestamp'],
    signed: ['id', 'channel', 'sender', 'body', 'payload', 'timestamp', 'signature'],
    camel: ['id', 'channel', 'sender', 'body', 'payload', 'timestamp', 'signature'],
  }[shape] as (keyof LegacyMessage)[];
  const insert = db.prepare<unknown[]>(
    `INSERT INTO ${TABLE[shape]} VALUES (${fields.map(() => '?').join()})`,
  );
  db.transaction(() => {
    for (const message of messages) insert.run(...fields.map((field) => message[field]));
  })();
}

/** Makes a database, closed. @returns its path */
export function makeLegacy(
  file: string,
  messages: readonly LegacyMessage[] = legacyMessages(3),
  shape: Shape = 'mesh1',
): string {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const db = new Database(file);
  db.exec(SHAPES[shape]);
  insertLegacy(db, messages, shape);
  db.close();
  return file;
}

/** Names, modes, owners, times of writing and contents of the files in a folder whose names begin as `prefix` says. */
export function traceOf(folder: string, prefix = ''): string[] {
  return fs
    .readdirSync(folder)
    .filter((name) => name.startsWith(prefix))
    .sort()
    .map((name) => {
      const file = path.join(folder, name);
      const stat = fs.statSync(file, { bigint: true });
      if (!stat.isFile()) return name;
      const hash = createHash('sha256').update(fs.readFileSync(file)).digest('hex');
      return `${name} ${stat.mode} ${stat.uid} ${stat.ino} ${stat.mtimeNs} ${hash}`;
    });
}
