/** What really lies on the disk, read beside the daemon and without its code. */
import path from 'node:path';
import Database from 'better-sqlite3';
import type { MeshProcess } from './mesh-process.ts';

export interface Row {
  readonly id: Buffer;
  readonly bytes: Buffer;
  readonly signature: Buffer;
  readonly body: string;
  readonly payload: Buffer;
  readonly channel: string;
}

/** Of a message that was put off only the signed header is there, and that does not count. */
const HAS_CONTENT = 'content = 0';

/** Asks the database for rows, beside the daemon that has it open. */
function query<T>(mesh: MeshProcess, sql: string): T[] {
  const db = new Database(path.join(mesh.data, 'store.db'), { readonly: true, fileMustExist: true });
  try {
    return db.prepare<[], T>(sql).all();
  } finally {
    db.close();
  }
}

/** Every stored message in the order of arrival. */
export function storedRows(mesh: MeshProcess): Row[] {
  return query<Row>(
    mesh,
    `SELECT message.id, bytes, signature, body, payload, channel.name AS channel
      FROM message JOIN channel ON channel.id = message.channel WHERE ${HAS_CONTENT} ORDER BY arrival`,
  );
}

/** Ids of stored messages as base64url text. */
export function storedIds(mesh: MeshProcess): Set<string> {
  const rows = query<{ id: Buffer }>(mesh, `SELECT id FROM message WHERE ${HAS_CONTENT}`);
  return new Set(rows.map(({ id }) => id.toString('base64url')));
}

const count = (mesh: MeshProcess, where: string): number =>
  query<{ count: number }>(mesh, `SELECT count(*) AS count FROM message WHERE ${where}`)[0]?.count ?? 0;

/** How many messages are stored. */
export const storedCount = (mesh: MeshProcess): number => count(mesh, HAS_CONTENT);

/** How many messages were put off: their content is still to come. */
export const wantedCount = (mesh: MeshProcess): number => count(mesh, 'content = 1');
