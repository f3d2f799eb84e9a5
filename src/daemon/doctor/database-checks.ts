/**
 * Checks of the database. While a daemon runs only the header is read: the file is its. When none runs, and the last one
 * ended in order, the whole file is read as SQLite reads an immutable one: without locks and without a `-wal` or `-shm`
 * beside it. A `-wal` with content means that the main file alone is no consistent database; then its header says as
 * little as its pages, and the next start puts both together.
 *
 * {@link checkIntegrity} looks at pages only; `scrub-checks.ts` goes through the rows.
 *
 * Source: sqlite.org/fileformat2.html, section 1.3 (the header); sqlite.org/uri.html (`immutable`).
 */
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ERRORS } from '../../core/errors.ts';
import { MiB } from '../../core/limits.ts';
import { APPLICATION_ID, SCHEMA_VERSION } from '../../store/migrations.ts';
import { findKept, KEPT_MAX } from '../../store/recovery.ts';
import { findCopies, goBackText } from '../../store/sqlite-copy.ts';
import { damagedLogText, judgeLog } from '../../store/sqlite-log.ts';
import { BESIDE } from '../legacy/place.ts';
import { accessText, codeOf, flawsOf, joinFlaws, look, type Rule, unusedName } from './files.ts';
import { type Finding, fail, ok, shellQuoted, skipped, warn, wrong } from './finding.ts';
import { unreadable } from './folder-checks.ts';
import { lookAtLock } from './presence.ts';
import { type Subject, statusOf, storeLimit } from './subject.ts';
import { bytesText, countText } from './words.ts';

const RULE: Rule = { kind: 'file', need: 0o600, isSecret: false };
/** The header, and behind it how the first page begins: kind and number of cells of the table of tables. */
const HEADER_BYTES = 108;
const EMPTY_LEAF = 0x0d;
const MAGIC = 'SQLite format 3\0';
/** A larger database is not read as a whole: nobody waits that long for a first look (guess: a few seconds). */
const QUICK_CHECK_BYTES_MAX = 512 * MiB;
/** Damaged places that are told (guess: the first ones say which table it is). */
const DAMAGES_MAX = 3;

/** Modes and owners of the database, the files beside it, and the lock. None is opened. */
export function checkDatabaseFiles({ storePath, system, owner }: Subject): Finding {
  const flaws: Parameters<typeof joinFlaws>[0][number][] = [];
  const names: string[] = [];
  let access = '';
  for (const file of ['', '-wal', '-shm', '.lock'].map((suffix) => `${storePath}${suffix}`)) {
    const found = look(file);
    if (found.kind === 'missing') continue;
    if (found.kind === 'unreadable') return unreadable('database-files', file, found.why);
    if (!found.stats.isFile())
      return fail(
        'database-files',
        `${file} is not a file.`,
        'Move it away, or name another database in MESH_STORE_PATH.',
      );
    for (const flaw of flawsOf(system, { file, stats: found.stats, rule: RULE, owner }))
      flaws.push({ name: file, flaw });
    names.push(path.basename(file));
    if (access === '') access = accessText(system, found.stats);
  }
  if (names.length === 0)
    return skipped('database-files', `There is no database ${storePath} yet; "mesh start" makes it.`);
  const flaw = joinFlaws(flaws);
  if (flaw !== undefined) return wrong(flaw.state, 'database-files', flaw.what, flaw.mend);
  return ok('database-files', `Only their owner can read and write ${names.join(', ')} (${access}).`);
}

interface Header {
  readonly isSqlite: boolean;
  /** there is no table in it: its first start was broken off */
  readonly isBlank: boolean;
  readonly applicationId: number;
  readonly schema: number;
  /** what the pages that it counts take */
  readonly expectedBytes: number;
  readonly actualBytes: number;
}

/** The header of a database file, undefined if the file is empty, or the system's code for why it cannot be read. */
function readHeader(file: string): Header | undefined | string {
  let fd: number | undefined;
  try {
    fd = fs.openSync(file, fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0));
    const { size } = fs.fstatSync(fd);
    if (size === 0) return undefined;
    const bytes = Buffer.alloc(HEADER_BYTES);
    const isWhole = fs.readSync(fd, bytes, 0, HEADER_BYTES, 0) === HEADER_BYTES;
    const pageSize = bytes.readUInt16BE(16);
    return {
      isSqlite: isWhole && bytes.toString('latin1', 0, MAGIC.length) === MAGIC,
      isBlank: bytes[100] === EMPTY_LEAF && bytes.readUInt16BE(103) === 0,
      expectedBytes: bytes.readUInt32BE(28) * (pageSize === 1 ? 65536 : pageSize),
      schema: bytes.readUInt32BE(60),
      applicationId: bytes.readUInt32BE(68),
      actualBytes: size,
    };
  } catch (error) {
    return codeOf(error);
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

function sizeOf(file: string): number {
  const found = look(file);
  return found.kind === 'there' ? found.stats.size : 0;
}

/** Whether a database holds something, as far as its first page says; the journal counts as something. */
export function holdsSomething(storePath: string): boolean {
  if (sizeOf(`${storePath}-wal`) > 0) return true;
  const header = look(storePath).kind === 'there' ? readHeader(storePath) : undefined;
  return typeof header === 'object' && !header.isBlank;
}

/** Whether the next start would bring a database to a newer schema. */
export function isOfOldSchema(storePath: string): boolean {
  const header = look(storePath).kind === 'there' ? readHeader(storePath) : undefined;
  return typeof header === 'object' && header.schema < SCHEMA_VERSION && !header.isBlank;
}

/** What to do with a database that cannot be used: `mv` takes only what is there, and the sentence names the rest. */
function damaged({ storePath, system }: Subject, check: 'database' | 'integrity', what: string): Finding {
  const files = ['', '-wal', '-shm'].map((suffix) => `${storePath}${suffix}`);
  const [main, wal, shm] = files.map((file) => path.basename(file));
  const recovery =
    'Stop the daemon if it runs, and start it: it keeps the damaged files aside and makes a new database of all that can be read; the identity stays, for the keys are separate files; messages are fetched again from neighbours, and what none of them has is lost.';
  const text = `${recovery} If you have a backup or the start is refused, move ${main}, ${wal} and ${shm} away together, and put the backup in their place or start empty. To move away what is there of the three:`;
  const there = files.filter((file) => look(file).kind === 'there').map(shellQuoted);
  const away = shellQuoted(unusedName(`${storePath}.damaged`));
  const command = system.platform === 'win32' ? '' : `mkdir -m 700 ${away} && mv ${there.join(' ')} ${away}`;
  return fail(check, what, { text, command });
}

/** A file that was named for the database and is somebody else's: it stays where it is. */
function foreign(subject: Subject, what: string): Finding {
  if (subject.options.storePath === undefined) return damaged(subject, 'database', what);
  return fail('database', what, 'Name another file in MESH_STORE_PATH; this one is left as it is.');
}

/** Is it a database of ours, of a schema that this version knows, and as long as it says? */
export function checkDatabase(subject: Subject): Finding {
  const { storePath, options } = subject;
  const found = look(storePath);
  if (found.kind === 'missing') return skipped('database', 'There is no database yet.');
  if (found.kind === 'unreadable') return unreadable('database', storePath, found.why);
  if (!found.stats.isFile()) return skipped('database', `${storePath} is not a file.`);
  const header = readHeader(storePath);
  if (typeof header === 'string') return unreadable('database', storePath, header);
  if (header === undefined) return ok('database', `${storePath} is empty; the next start makes its tables.`);
  if (!header.isSqlite) return damaged(subject, 'database', `${storePath} is no SQLite database.`);
  const { applicationId, schema, expectedBytes, actualBytes } = header;
  const hasJournal = sizeOf(`${storePath}-wal`) > 0;
  if (applicationId === 0 && schema === 0 && header.isBlank && !hasJournal)
    return ok('database', `${storePath} has no tables yet; the next start makes them.`);
  if (hasJournal && applicationId === 0)
    return skipped('database', `All of ${storePath} still stands in the journal beside it.`);
  if (applicationId === 0 && storePath === options.storePath) {
    const next = `if it is of mesh/1, the next start leaves it as it is and makes ${storePath}${BESIDE}`;
    return skipped('database', `${storePath} is none of ours; ${next}.`);
  }
  if (applicationId !== APPLICATION_ID) return foreign(subject, `${storePath} belongs to another program.`);
  if (schema > SCHEMA_VERSION) {
    const what = `${storePath} has schema ${schema}, and this version knows ${SCHEMA_VERSION}.`;
    return fail('database', what, ERRORS.store_newer.do);
  }
  if (!hasJournal && actualBytes < expectedBytes)
    return damaged(
      subject,
      'database',
      `${storePath} has ${actualBytes} bytes of ${expectedBytes}: its end is lost.`,
    );
  const next = schema < SCHEMA_VERSION ? `, which the next start brings to ${SCHEMA_VERSION}` : '';
  return ok('database', `${storePath} has schema ${schema}${next}.`);
}

interface Inside {
  /** what SQLite found, `ok` alone for nothing */
  readonly damages: readonly string[];
  /** the network that its messages belong to, '' if it does not say */
  readonly network: string;
}

/** Reads a database of which nobody writes. Neither locks nor makes a file. Throws what SQLite throws. */
async function readInside(file: string): Promise<Inside> {
  const { DatabaseSync } = await import('node:sqlite');
  const url = pathToFileURL(file);
  url.searchParams.set('immutable', '1');
  const db = new DatabaseSync(url, { readOnly: true });
  try {
    const damages = db
      .prepare(`PRAGMA quick_check(${DAMAGES_MAX})`)
      .all()
      .map((row) => String(Object.values(row)[0]));
    if (damages[0] !== 'ok') return { damages, network: '' };
    const isNew = db.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'meta'").get()?.n === 0;
    const network = isNew
      ? undefined
      : db.prepare("SELECT value FROM meta WHERE key = 'network'").get()?.value;
    return { damages, network: typeof network === 'string' ? network : '' };
  } finally {
    db.close();
  }
}

/** Why the pages are not read now, or undefined. */
function noReading({ storePath, presence, system }: Subject, bytesMax: number): string | undefined {
  if (sizeOf(storePath) === 0) return 'There is nothing in the database to read.';
  if (presence.kind === 'running') return 'The database is not read while the daemon runs.';
  if (lookAtLock(system, storePath).state !== 'free')
    return 'The database is not read, because somebody else may be using it.';
  if (sizeOf(`${storePath}-wal`) > 0)
    return 'The last daemon did not end in order; the next start puts database and journal together. Stop it then, and run this again.';
  if (sizeOf(storePath) > bytesMax)
    return `The database has ${bytesText(sizeOf(storePath))}; one of more than ${bytesText(bytesMax)} is not read as a whole.`;
  return undefined;
}

/** A journal of which SQLite would drop commits. While somebody may be writing it, it says nothing. */
function damagedLog(subject: Subject): Finding | undefined {
  const { storePath, presence, system } = subject;
  if (sizeOf(storePath) === 0 || presence.kind === 'running') return undefined;
  if (lookAtLock(system, storePath).state !== 'free') return undefined;
  try {
    const state = judgeLog(storePath);
    return state.kind === 'damaged'
      ? damaged(subject, 'integrity', damagedLogText(storePath, state))
      : undefined;
  } catch (error) {
    return unreadable('integrity', `${storePath}-wal`, codeOf(error));
  }
}

/** Reads all pages and the network's name, if nobody uses the database. @param bytesMax for tests */
export async function checkIntegrity(subject: Subject, bytesMax = QUICK_CHECK_BYTES_MAX): Promise<Finding> {
  const { storePath, options, system } = subject;
  const found = look(storePath);
  if (found.kind === 'unreadable') return unreadable('integrity', storePath, found.why);
  const lost = damagedLog(subject);
  if (lost !== undefined) return lost;
  const reason = noReading(subject, bytesMax);
  if (reason !== undefined) return skipped('integrity', reason);
  let inside: Inside;
  try {
    inside = await readInside(storePath);
  } catch (error) {
    const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) : 0;
    const text = error instanceof Error ? error.message : String(error);
    if (code === 14) return skipped('integrity', `${storePath} was not read: ${text}.`); // SQLITE_CANTOPEN
    return damaged(subject, 'integrity', `${storePath} is not readable: ${text}.`);
  }
  if (lookAtLock(system, storePath).state !== 'free')
    return skipped('integrity', 'A daemon started while the database was read.');
  if (inside.damages[0] !== 'ok')
    return damaged(
      subject,
      'integrity',
      `${storePath} is damaged: ${inside.damages.join('; ').replace(/\s+/g, ' ')}.`,
    );
  if (inside.network !== '' && inside.network !== options.network) {
    const what = `MESH_NETWORK is "${options.network}", and ${storePath} holds messages of "${inside.network}".`;
    return fail('integrity', what, 'Set MESH_NETWORK back, or use another data folder for another network.');
  }
  return ok('integrity', 'SQLite read all pages of the database and found them whole.');
}

/** The share of its limit from which on the size of a database is worth a word (guess). */
const NEARLY = 0.9;

const STORE_FULL =
  'Own messages go only by age, and what came in the running hour goes only after it: raise MESH_STORE_BYTES and restart the daemon, free space on the disk, leave channels, or shorten their retention.';

/** The size of the database against what it may have. */
export function checkDatabaseSize(subject: Subject): Finding {
  const { storePath } = subject;
  const found = look(storePath);
  if (found.kind === 'unreadable') return unreadable('database-size', storePath, found.why);
  if (found.kind === 'missing') return skipped('database-size', 'There is no database yet.');
  const { bytes: max, isDaemons } = storeLimit(subject);
  const bytes = sizeOf(storePath) + sizeOf(`${storePath}-wal`);
  const has = `The database has ${bytesText(bytes)}`;
  const limit = isDaemons
    ? `the running daemon keeps at most ${bytesText(max)} of messages`
    : `MESH_STORE_BYTES allows ${bytesText(max)} of messages`;
  if (statusOf(subject)?.problems.some(({ code }) => code === 'store_full'))
    return fail(
      'database-size',
      `${has}, and ${limit}: there is no room, and sending is refused.`,
      STORE_FULL,
    );
  if (bytes < max * NEARLY) return ok('database-size', `${has}; ${limit}.`);
  const what = `${has}, and ${limit}: what is oldest is removed to make room.`;
  const mend =
    'Raise MESH_STORE_BYTES if the disk has room, leave channels, or give them a shorter retention.';
  return warn('database-size', what, mend);
}

/** `2025-10-09 14:30 UTC`, from the name of a copy */
function copyDate(copy: string): string {
  return copy.replace(/^.*-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)\d\dZ\.bak$/s, '$1-$2-$3 $4:$5 UTC');
}

/** What an earlier start has left beside the database. */
function findBeside({ storePath, refused }: Subject, find: (file: string) => string[]): string[] {
  if (refused.has('MESH_STORE_PATH')) return []; // the check of the files says so
  try {
    return find(storePath);
  } catch {
    return []; // no such folder, or not ours to look at: other checks say so
  }
}

/** The damaged files that recoveries have left beside the database; nothing if there are none. */
export function checkKept(subject: Subject): Finding[] {
  const kept = findBeside(subject, findKept);
  if (kept.length === 0) return [];
  const what = `The database was damaged and made anew ${countText(kept.length, 'time')}; the damaged files are kept in ${kept.join(', ')}.`;
  const often =
    kept.length < KEPT_MAX ? '' : ' As long as there are so many, a damaged database is not made anew again.';
  const command = subject.system.platform === 'win32' ? '' : `rm -r ${kept.map(shellQuoted).join(' ')}`;
  const text = `If that happens again, the disk may be failing.${often} When nothing is missed, delete them:`;
  return [warn('database-files', what, { text, command })];
}

/** The copies that migrations have left beside the database; nothing if there are none. */
export function checkCopies(subject: Subject): Finding[] {
  const { storePath } = subject;
  const copies = findBeside(subject, findCopies);
  const newest = copies.at(-1);
  if (newest === undefined) return [];
  const list = copies.map((copy) => `${copy} (${bytesText(sizeOf(copy))}, of ${copyDate(copy)})`).join(', ');
  const may = copies.length === 1 ? 'It' : 'They';
  const what = `Beside the database ${copies.length === 1 ? 'lies' : 'lie'} ${countText(copies.length, 'copy', 'copies')} from before it was changed for a newer version: ${list}. ${may} may be deleted once the new version is trusted.`;
  return [ok('database-files', `${what} ${goBackText(storePath, newest)}`)];
}
