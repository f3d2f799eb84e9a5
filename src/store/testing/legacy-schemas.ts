/** Databases of every schema that was ever released, for tests of the way from there. */
import Database from 'better-sqlite3';
import type { PersistOp } from '../../core/persistence.ts';
import { MIGRATIONS, migrate, SCHEMA_VERSION } from '../migrations.ts';
import { WALL_MS } from './messages.ts';
import { writeSchema1 } from './schema-1.ts';

/** Numbers of the schemas that the newest replaced. */
export const OLD_SCHEMAS: readonly number[] = Array.from({ length: SCHEMA_VERSION - 1 }, (_, i) => i + 1);

/** Writes a database of an old schema and closes it. Later ones than the first are what released steps made of it. */
export function writeOldDatabase(file: string, schema: number, ops: readonly PersistOp[]): void {
  writeSchema1(file, ops).close();
  const db = new Database(file);
  db.pragma('foreign_keys = ON');
  migrate(db, { wallMs: WALL_MS, migrations: MIGRATIONS.slice(0, schema) });
  db.close();
}
