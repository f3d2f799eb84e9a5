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

/** Every stored message in the order of arrival. */
export function storedRows(mesh: MeshProcess): Row[] {
  const db = new Database(path.join(mesh.data, 'store.db'), { readonly: true, fileMustExist: true });
  try {
    const sql = `SELECT message.id, bytes, signature, body, payload, channel.name AS channel
      FROM message JOIN channel ON channel.id = message.channel ORDER BY arrival`;
    return db.prepare<[], Row>(sql).all();
  } finally {
    db.close();
  }
}

/** Ids of stored messages as base64url text. */
export function storedIds(mesh: MeshProcess): Set<string> {
  return new Set(storedRows(mesh).map((row) => row.id.toString('base64url')));
}
