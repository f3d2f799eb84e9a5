/**
 * Grants: what a bearer token allows. Today there are two, whose tokens lie in the data folder; named and revocable
 * grants come later and fit the same shapes.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fromBase64url, toBase64url } from '../core/bytes.ts';
import { MeshError } from '../core/errors.ts';
import type { Scope } from './client/types.ts';

export interface Grant {
  /** names it in logs; not secret */
  readonly id: string;
  readonly scopes: 'all' | readonly Scope[];
  /** the one local identity that it may write as, or null for each */
  readonly identity: string | null;
}

/** Everything: the owner's own token. */
export const OWNER: Grant = { id: 'owner', scopes: 'all', identity: null };

export interface Grants {
  /** The grant of a token, compared in constant time; undefined if there is none. */
  find(token: string): Grant | undefined;
}

export interface GrantEntry {
  readonly token: string;
  readonly grant: Grant;
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** A fixed set of grants. Tokens are kept and compared as hashes, so that neither length nor prefix shows in time. */
export function createGrants(entries: readonly GrantEntry[]): Grants {
  const known = entries.map(({ token, grant }) => ({ hash: digest(token), grant }));
  return {
    find(token) {
      const hash = digest(token);
      let found: Grant | undefined;
      for (const one of known) if (timingSafeEqual(one.hash, hash)) found = one.grant;
      return found;
    },
  };
}

/** Throws `forbidden` if the grant lacks the scope. */
export function requireScope(grant: Grant, scope: Scope): void {
  if (grant.scopes === 'all' || grant.scopes.includes(scope)) return;
  throw new MeshError('forbidden', `The grant "${grant.id}" lacks the scope "${scope}".`);
}

const TOKEN = /^mesh_([\w-]{43})$/;
/** More than a token and its line end: what is longer is no token file. */
const FILE_BYTES_MAX = 256;

function fileCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** The token in `file`, or undefined if there is no such file. */
function readToken(file: string): string | undefined {
  let handle: number;
  try {
    handle = fs.openSync(file, 'r');
  } catch (error) {
    if (fileCode(error) === 'ENOENT') return undefined;
    throw new MeshError('key_unreadable', `${file} (${String(fileCode(error))}).`, { cause: error });
  }
  try {
    const stat = fs.fstatSync(handle);
    if (!stat.isFile()) throw new MeshError('key_unreadable', `${file} is not a file.`);
    // Windows has no such bits; there the profile folder protects the file.
    if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0) {
      const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
      const quoted = `'${file.replaceAll("'", "'\\''")}'`;
      throw new MeshError('key_exposed', `${file} has mode ${mode}. Run: chmod 600 ${quoted}`);
    }
    const buffer = Buffer.alloc(FILE_BYTES_MAX);
    const text = buffer.toString('latin1', 0, fs.readSync(handle, buffer)).trim();
    const encoded = TOKEN.exec(text)?.[1];
    if (encoded === undefined || fromBase64url(encoded) === undefined) {
      throw new MeshError('key_unreadable', `${file} holds no token; move it away and a new one is made.`);
    }
    return text;
  } finally {
    fs.closeSync(handle);
  }
}

/** Makes `file` with this content appear whole or not at all, and never in the place of another. */
function createWhole(file: string, content: string): void {
  const draft = `${file}.${toBase64url(randomBytes(9))}`;
  fs.writeFileSync(draft, content, { mode: 0o600, flag: 'wx', flush: true });
  try {
    fs.linkSync(draft, file);
  } catch (error) {
    if (fileCode(error) === 'EEXIST') return; // somebody was faster; theirs is read
    // A file system without hard links: the rename could only replace a token made in this very moment.
    fs.renameSync(draft, file);
  } finally {
    fs.rmSync(draft, { force: true });
  }
}

/**
 * The token in a file, created (0600) where there is none, with the grant that it stands for.
 * Throws `key_exposed` if others can read the file, `key_unreadable` if it holds no token.
 */
export function loadOrCreateToken(file: string, grant: Grant): GrantEntry {
  const existing = readToken(file);
  if (existing !== undefined) return { token: existing, grant };
  try {
    createWhole(file, `mesh_${toBase64url(randomBytes(32))}\n`);
  } catch (error) {
    throw new MeshError('data_folder', `${path.dirname(file)} (${String(fileCode(error))}).`, {
      cause: error,
    });
  }
  const token = readToken(file);
  if (token === undefined) throw new MeshError('data_folder', `${file} vanished while it was made.`);
  return { token, grant };
}
