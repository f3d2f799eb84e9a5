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
      FROM message JOIN channel ON channel.id = message.channel ORDER BY arrival`,
  );
}

/** Ids of stored messages as base64url text. */
export function storedIds(mesh: MeshProcess): Set<string> {
  const rows = query<{ id: Buffer }>(mesh, 'SELECT id FROM message');
  return new Set(rows.map(({ id }) => id.toString('base64url')));
}

/** How many messages are stored. */
export function storedCount(mesh: MeshProcess): number {
  return query<{ count: number }>(mesh, 'SELECT count(*) AS count FROM message')[0]?.count ?? 0;
}
