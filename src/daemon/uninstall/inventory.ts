/**
 * What lies in a data folder, file by file: what an uninstall would remove, and what it keeps and why. Only names that
 * this program gives are removed; everything else belongs to somebody else. Symbolic links are never followed.
 */
import fs from 'node:fs';
import path from 'node:path';
import { MeshError } from '../../core/errors.ts';
import { APPLICATION_ID } from '../../store/migrations.ts';
import { LOG_FOLDER, logFileNumber } from '../folder/log-names.ts';

export interface Item {
  /** absolute path */
  readonly path: string;
  /** what it is, in words */
  readonly what: string;
  readonly bytes: number;
  readonly action: 'remove' | 'keep';
  /** why it is kept, a sentence; '' for what is removed */
  readonly why: string;
}

export interface FolderFacts {
  /** absolute path without symbolic links */
  readonly dataFolder: string;
  /** absolute paths as the options have them, inside or elsewhere */
  readonly storePath: string;
  readonly keyFolder: string;
  /** the keys are removed too */
  readonly withKeys: boolean;
}

/** What each key file is, and why it is kept. */
const KEYS: Readonly<Record<string, readonly [what: string, why: string]>> = {
  'key.pem': ['the identity', 'Without it nobody can sign as you again; --keys removes it.'],
  'pub.pem': ['public key of the identity', 'It goes with the identity; --keys removes it.'],
  'peer.pem': ['the key of the links', 'Others know this daemon by it; --keys removes it.'],
};
const UNKNOWN_WHY = 'It is not known here, so it is left.';
/** What `files.ts` leaves behind if a process is killed in its middle; drafts of tokens end in twelve characters. */
const TEMPORARY = /\.[0-9a-f]{12}\.tmp$/;
const TOKEN_BYTES_MAX = 256;
/** Several times what a daemon writes into `api.json`. */
const API_FILE_BYTES_MAX = 4096;
/** The header of an SQLite database has its application id here, as four bytes. */
const APPLICATION_OFFSET = 68;

/** What is to become of a name. */
type Verdict = { readonly what: string; readonly why: string };

function remove(what: string): Verdict {
  return { what, why: '' };
}

function storeVerdict(rest: string): Verdict | undefined {
  if (/^(?:-wal|-shm|-journal)?$/.test(rest)) return remove('messages and state');
  if (rest === '.lock') return remove('lock of the database');
  if (/^\.schema\d+-\d{8}T\d{6}Z\.bak\.part$/.test(rest)) return remove('an unfinished copy of the database');
  if (/^\.schema\d+-\d{8}T\d{6}Z\.bak$/.test(rest))
    return {
      what: 'the database before an upgrade',
      why: 'It is a backup: remove it yourself if nobody needs it.',
    };
  if (/^\.(?:recovering|recovered)(?:-journal)?$/.test(rest))
    return remove('an unfinished recovery of the database');
  if (rest === '.recover') return remove('a note that the database is damaged');
  if (/^\.damaged-\d{8}T\d{6}Z(?:-\d+)?$/.test(rest))
    return {
      what: 'the database before it was recovered',
      why: 'What could not be read of it may be missed: remove it yourself if nothing is.',
    };
  return undefined;
}

/** What a small file says, '' for one that is too large, none, or a link. */
function smallText(file: string, bytesMax: number): string {
  const stats = fs.lstatSync(file, { throwIfNoEntry: false });
  return stats?.isFile() === true && stats.size <= bytesMax ? fs.readFileSync(file, 'utf8') : '';
}

function tokenVerdict(file: string): Verdict {
  const isOurs = /^mesh_[\w-]{43}\s*$/.test(smallText(file, TOKEN_BYTES_MAX));
  return isOurs ? remove('a token of the local API') : { what: 'no token of ours', why: UNKNOWN_WHY };
}

function isApiFile(file: string): boolean {
  try {
    const value: unknown = JSON.parse(smallText(file, API_FILE_BYTES_MAX));
    if (typeof value !== 'object' || value === null) return false;
    return ['url', 'pid', 'version', 'started'].every((name) => Object.hasOwn(value, name));
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

function verdictOf(name: string, facts: FolderFacts): Verdict {
  const { dataFolder, storePath } = facts;
  const file = path.join(dataFolder, name);
  const store = path.basename(storePath);
  if (isStoreInside(facts) && name.startsWith(store)) {
    const verdict = storeVerdict(name.slice(store.length));
    if (verdict?.why === '' && isForeignDatabase(storePath))
      return { what: 'of a database that is not ours', why: UNKNOWN_WHY };
    if (verdict !== undefined) return verdict;
  }
  if (name === 'token' || name === 'agent-token') return tokenVerdict(file);
  if (name === 'api.json')
    return isApiFile(file)
      ? remove('where the API listened')
      : { what: 'no api.json of ours', why: UNKNOWN_WHY };
  if ((name.startsWith('api.json.') && TEMPORARY.test(name)) || /^(?:agent-)?token\.[\w-]{12}$/.test(name))
    return remove('left by a start that was killed');
  if (name === '.env') return { what: 'options', why: 'You wrote it.' };
  if (/^mesh\.db(?:-wal|-shm|-journal)?$/.test(name))
    return { what: 'the database of mesh/1', why: 'This daemon never writes it.' };
  return { what: '', why: UNKNOWN_WHY };
}

function item(file: string, { what, why }: Verdict): Item {
  const stats = fs.lstatSync(file);
  const bytes = stats.isFile() ? stats.size : 0;
  if (why !== '' || stats.isFile())
    return { path: file, what, bytes, action: why === '' ? 'remove' : 'keep', why };
  const kind = stats.isSymbolicLink() ? 'It is a symbolic link, which is not followed.' : 'It is no file.';
  return { path: file, what, bytes, action: 'keep', why: kind };
}

/** The files of a folder in the data folder; one that is a link, or no folder, is left as it is. */
function itemsIn(folder: string, judge: (name: string) => Verdict): Item[] {
  if (!fs.lstatSync(folder).isDirectory()) return [item(folder, remove('a folder of the daemon'))];
  return fs
    .readdirSync(folder)
    .sort()
    .map((name) => item(path.join(folder, name), judge(name)));
}

function logVerdict(name: string): Verdict {
  return logFileNumber(name) === undefined ? { what: '', why: UNKNOWN_WHY } : remove('log');
}

function keyVerdict(name: string, withKeys: boolean): Verdict {
  const isLeft = TEMPORARY.test(name);
  const [what, why] = KEYS[isLeft ? name.replace(TEMPORARY, '') : name] ?? ['', UNKNOWN_WHY];
  if (why === UNKNOWN_WHY) return { what, why };
  return { what: isLeft ? `${what}, left by a start that was killed` : what, why: withKeys ? '' : why };
}

function copyVerdict(name: string): Verdict {
  return /^mesh\.db(?:-wal|-shm|-journal)?$/.test(name)
    ? remove('a copy of the history of mesh/1')
    : { what: '', why: UNKNOWN_WHY };
}

/** Directly in the data folder: what lies anywhere else says nothing about it. */
function isStoreInside({ dataFolder, storePath }: FolderFacts): boolean {
  return path.dirname(storePath) === dataFolder;
}

function areKeysInside({ dataFolder, keyFolder }: FolderFacts): boolean {
  return path.dirname(keyFolder) === dataFolder;
}

/** What options have put elsewhere: it is named, and not touched. */
function elsewhere(facts: FolderFacts): Item[] {
  const { storePath, keyFolder } = facts;
  const places = [
    { place: storePath, isInside: isStoreInside(facts), what: 'the database (MESH_STORE_PATH)' },
    { place: keyFolder, isInside: areKeysInside(facts), what: 'the keys (MESH_KEY_DIR)' },
  ];
  return places
    .filter(({ place, isInside }) => !isInside && fs.existsSync(place))
    .map(({ place, what }) => ({
      ...{ path: place, what, bytes: 0, action: 'keep' as const },
      why: 'It lies outside the data folder, or deeper in it: remove it yourself.',
    }));
}

/** The order in which things go: what marks the folder as ours goes last, so that a broken-off removal can be repeated. */
const LAST = ['token', 'store.db.lock'];

/** Everything in the folder. What the file system refuses is thrown. */
export function takeInventory(facts: FolderFacts): Item[] {
  const { dataFolder, keyFolder, withKeys } = facts;
  const items: Item[] = [];
  for (const name of fs.readdirSync(dataFolder).sort()) {
    const file = path.join(dataFolder, name);
    if (name === LOG_FOLDER) items.push(...itemsIn(file, logVerdict));
    else if (file === keyFolder) items.push(...itemsIn(file, (one) => keyVerdict(one, withKeys)));
    else if (/^mesh1-copy-\w{6}$/.test(name)) items.push(...itemsIn(file, copyVerdict));
    else items.push(item(file, verdictOf(name, facts)));
  }
  const rank = ({ path: file }: Item): number => LAST.indexOf(path.basename(file));
  return [...items, ...elsewhere(facts)].sort((a, b) => rank(a) - rank(b));
}

function isOurDatabase(file: string): boolean {
  const stats = fs.lstatSync(file, { throwIfNoEntry: false });
  if (stats?.isFile() !== true) return false;
  const fd = fs.openSync(file, 'r');
  try {
    const id = Buffer.alloc(4);
    return fs.readSync(fd, id, 0, 4, APPLICATION_OFFSET) === 4 && id.readUInt32BE() === APPLICATION_ID;
  } finally {
    fs.closeSync(fd);
  }
}

/** One with content that is not ours. An empty file is what a start that was killed at once leaves. */
function isForeignDatabase(file: string): boolean {
  const stats = fs.lstatSync(file, { throwIfNoEntry: false });
  return stats !== undefined && stats.size > 0 && !isOurDatabase(file);
}

function arePrivateKeysIn(folder: string): boolean {
  if (fs.lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return false; // a link leads elsewhere
  return ['key.pem', 'peer.pem'].every((name) => fs.existsSync(path.join(folder, name)));
}

/**
 * Throws MeshError `not_data_folder` for a folder without a sign that a daemon of ours has lived in it: a token, the
 * database, or both private keys. Keys and a database that options have put elsewhere are none: with them any folder
 * would do. An empty folder passes.
 */
export function assertDataFolder(facts: FolderFacts): void {
  const { dataFolder, storePath, keyFolder } = facts;
  if (fs.readdirSync(dataFolder).length === 0) return;
  const isTokenThere = ['token', 'agent-token'].some(
    (name) => tokenVerdict(path.join(dataFolder, name)).why === '',
  );
  if (isTokenThere) return;
  if (areKeysInside(facts) && arePrivateKeysIn(keyFolder)) return;
  if (isStoreInside(facts) && isOurDatabase(storePath)) return;
  throw new MeshError('not_data_folder', `${dataFolder} has no token, no keys and no database of a daemon.`);
}
