/**
 * A real process that uses a store, for tests of the lock and of sudden death. Run as
 * `node process.ts <path> hold|write|migrate <first or point>`; says on standard output what it did, one line each.
 *
 * - `hold`: opens the store, says `open` or an error code, and then waits until it is killed.
 * - `migrate`: opens the database and kills itself at the {@link MigrationPoint} that is named.
 * - `write`: stores own messages numbered from `first` on, {@link BATCH} in each transaction, each batch cut into several
 *   effects with an expiry and delivery states among them; says `ack <number of the next message>` after each.
 */
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MeshError } from '../../core/errors.ts';
import type { VerifiedMessage } from '../../core/message/verified.ts';
import type { PersistOp } from '../../core/persistence.ts';
import { openStore } from '../sqlite.ts';
import { openFile } from '../sqlite-file.ts';
import type { Store } from '../store.ts';
import { createAuthor, joined, NETWORK, published, sha256, signedMessage, WALL_MS } from './messages.ts';

export const BATCH = 20;
export const PROCESS_FILE = fileURLToPath(import.meta.url);

const author = createAuthor(7);

/** Message number `n`, the same in every process. Every eighth expires at once. */
export function numbered(n: number): VerifiedMessage {
  const time = { timeMs: WALL_MS + n * 10 };
  return signedMessage(author, { body: `${n}`, time, expiresMs: n % 8 === 7 ? WALL_MS : 0 });
}

function batch(first: number): PersistOp[][] {
  const messages = Array.from({ length: BATCH }, (_, i) => numbered(first + i));
  const ids = messages.map(({ message }) => message.idText);
  return [
    [joined('dev')],
    ...messages.map((message, i) => [published(message, `key ${first + i}`)]),
    [{ kind: 'delivery', ids, state: 'relayed', by: '' }],
    [{ kind: 'expire', wallMs: WALL_MS }],
  ];
}

function write(store: Store, first: number): never {
  for (let n = first; ; n += BATCH) {
    store.transact(batch(n));
    fs.writeSync(1, `ack ${n + BATCH}\n`);
  }
}

/** Ends at once and without any cleaning up, as with kill -9. */
function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

function main([path = '', mode, first]: string[]): void {
  try {
    if (mode === 'migrate')
      openFile({ path, network: NETWORK, migration: { at: (point) => point === first && die() } });
    const store = openStore({ path, network: NETWORK, sha256 });
    if (mode === 'write') write(store, Number(first));
    fs.writeSync(1, 'open\n');
    process.stdin.on('end', () => store.close()).resume();
  } catch (error) {
    if (!(error instanceof MeshError)) throw error;
    fs.writeSync(1, `${error.code}\n`);
  }
}

if (process.argv[1] === PROCESS_FILE) main(process.argv.slice(2));
