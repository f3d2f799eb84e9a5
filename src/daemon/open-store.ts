/** Opens the database of a daemon, and says what had to be done for it. */
import { idFromText } from '../core/bytes.ts';
import type { Ed25519Verify } from '../core/message/verified.ts';
import { sha256 } from '../crypto/index.ts';
import { openStore, type Recovered, type SqliteStore } from '../store/index.ts';
import { type Keys, loadKeys } from './keys.ts';
import { clearCopies, type Placed } from './legacy/place.ts';
import type { Options } from './options.ts';
import type { Log } from './runner.ts';

export interface Opening {
  readonly placed: Placed;
  readonly options: Options;
  readonly dataFolder: string;
  readonly log: Log;
  readonly verify: Ed25519Verify;
  readonly keyFolder: string;
  /** a damaged row was met */
  readonly onDamaged: () => void;
}

export interface OpenedStore {
  readonly store: SqliteStore;
  /** for the start screen */
  readonly notes: string[];
  readonly recovered: Recovered | undefined;
  /** loads the keys, once; only for whoever holds the lock of the database */
  readonly keysOf: () => Keys;
}

function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`;
}

/** What a recovery has done, in plain words. */
export function recoveredText(done: Recovered): string {
  const { messages, joined, wanted, lost, ownLost, partial, folder, why } = done;
  const sentences = [
    `What was wrong: ${why.replace(/\.$/, '')}.`,
    `${counted(messages, 'message')} and ${counted(joined, 'joined channel')} could be read and were taken over.`,
  ];
  if (wanted > 0)
    sentences.push(
      `Of ${counted(wanted, 'message')} only the header was there: the content is being fetched.`,
    );
  if (lost > 0)
    sentences.push(`${counted(lost, 'message')} could not be read and may come again from neighbours.`);
  if (ownLost > 0)
    sentences.push(
      `${counted(ownLost, 'message')} of yours that nobody had confirmed cannot be sent any more: send them again.`,
    );
  if (partial.length > 0)
    sentences.push(`Not whole: ${[...new Set(partial.map((table) => WORDS[table] ?? table))].join(', ')}.`);
  return `${sentences.join(' ')} The damaged files are kept in ${folder}.`;
}

/** What the tables hold, for people. */
const WORDS: Readonly<Record<string, string>> = {
  meta: 'settings of the database',
  sqlite_sequence: 'settings of the database',
  public_key: 'authors',
  channel: 'channels',
  own: 'delivery states of your messages',
  message: 'messages',
  retention: 'retention of channels',
  tag: 'floors of channels',
  idempotency: 'idempotency keys',
  contact: 'contacts',
  wake: 'channels that wake the agent',
  inbox_cursor: 'inbox of the agent',
  inbox: 'inbox of the agent',
  carried: 'carried channels',
  leaf_floor: 'how far back leaves keep channels',
  mailbox: 'mailboxes kept for others',
  address: 'addresses of peers',
  author: 'ends of chains',
};

/** Opens our database where a mesh/1 daemon has left room for it. */
export function openPlaced({
  placed,
  options,
  dataFolder,
  log,
  verify,
  keyFolder,
  onDamaged,
}: Opening): OpenedStore {
  const notes = [...placed.notes];
  let keys: Keys | undefined;
  const keysOf = (): Keys => {
    keys ??= loadKeys(keyFolder);
    return keys;
  };
  let recovered: Recovered | undefined;
  const identities = () => keysOf().identities.flatMap(({ id }) => idFromText(id) ?? []);
  const store = openStore({
    path: placed.storePath,
    network: options.network,
    sha256,
    recovery: { verify, identities },
    onRecovered: (done) => {
      recovered = done;
      log.error({ ...done }, 'database recovered');
      notes.push(`The database was damaged and has been made anew. ${recoveredText(done)}`);
    },
    onWarning: (text) => {
      log.warn({ text }, 'damaged row in the database');
      onDamaged();
    },
    onTorn: (text) => notes.push(text),
    onMigrated: ({ from, to, copy, goBack }) => {
      log.info({ from, to, copy }, 'database brought to a newer schema');
      notes.push(
        `The database was brought to schema ${to}; a copy of it with schema ${from} is ${copy}. ${goBack}`,
      );
    },
  });
  clearCopies(dataFolder, placed);
  if (placed.legacy !== undefined)
    log.info({ file: placed.legacy.file, store: placed.storePath }, 'database of mesh/1 found');
  return { store, notes, recovered, keysOf };
}
