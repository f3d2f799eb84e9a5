/**
 * The key files of a daemon: `key.pem` and `pub.pem` hold the identity (the names of mesh/1, whose key becomes the
 * first identity), `peer.pem` the key of the links. They are different keys, so that links do not say who talks.
 *
 * Invariants:
 * 1. A private key file that exists is never written again, whatever is in it.
 * 2. A new identity is made only where the folder has no trace of an old one. `key.pem` is created first, so a
 *    `pub.pem` or `peer.pem` without it means that the identity was lost, and the start stops.
 * 3. A key is used only after its file is on the disk.
 * 4. A private key that other users can read is refused: it may have been copied already.
 */
import type { KeyObject } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { toBase64url } from '../core/bytes.ts';
import { MeshError } from '../core/errors.ts';
import {
  createSigner,
  fromPrivatePem,
  fromPublicPem,
  generatePrivateKey,
  rawPublicKey,
  type Signer,
  toPrivatePem,
  toPublicPem,
} from '../crypto/index.ts';
import { createFileDurably, hasCode, makeFolderDurably } from './files.ts';

export interface NamedSigner extends Signer {
  /** id text of the public key, 43 characters */
  readonly id: string;
}

export interface Keys {
  /** signs handshakes and the peer record, nothing else */
  readonly peer: NamedSigner;
  /** sign messages; the first one is the default; never empty */
  readonly identities: readonly [NamedSigner, ...NamedSigner[]];
  /** true if the identity was made in this call */
  readonly isNewIdentity: boolean;
}

const IDENTITY = 'key.pem';
const PUBLIC = 'pub.pem';
const PEER = 'peer.pem';

function reason(error: unknown): string {
  if (error instanceof MeshError) return error.detail;
  return error instanceof Error ? error.message : String(error);
}

function unreadable(file: string, cause: unknown): MeshError {
  return new MeshError('key_unreadable', `${file}: ${reason(cause)}`, { cause });
}

/** A path as one word of a shell. */
function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Refuses a file that anybody but its owner can read. Windows has no such modes. */
function assertPrivate(file: string): void {
  if (process.platform === 'win32') return;
  const { mode } = fs.statSync(file);
  if ((mode & 0o077) === 0) return;
  const shown = (mode & 0o777).toString(8).padStart(4, '0');
  throw new MeshError('key_exposed', `${file} has mode ${shown}. Run: chmod 600 ${shellQuoted(file)}`);
}

/** @returns the text, or `undefined` if there is no such file */
function readIfThere(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw unreadable(file, error);
  }
}

function readPrivate(file: string): KeyObject | undefined {
  const text = readIfThere(file);
  if (text === undefined) return undefined;
  assertPrivate(file); // before the content is looked at: a broken key may have been a good one when it was copied
  try {
    return fromPrivatePem(text);
  } catch (error) {
    throw unreadable(file, error);
  }
}

function createFile(file: string, text: string): void {
  try {
    createFileDurably(file, text);
  } catch (error) {
    throw new MeshError('data_folder', `${file} could not be created: ${reason(error)}`, { cause: error });
  }
}

function createPrivate(file: string): KeyObject {
  const key = generatePrivateKey();
  createFile(file, toPrivatePem(key));
  return key;
}

/** `pub.pem` follows from `key.pem`: written if it is missing, refused if it belongs to another key. */
function matchPublic(file: string, key: KeyObject): void {
  const text = readIfThere(file);
  if (text === undefined) {
    createFile(file, toPublicPem(key));
    return;
  }
  let found: Uint8Array;
  try {
    found = rawPublicKey(fromPublicPem(text));
  } catch (error) {
    throw unreadable(file, error);
  }
  const [is, should] = [toBase64url(found), toBase64url(rawPublicKey(key))];
  if (is === should) return;
  const detail = `${file} is the public key of ${is}, and ${IDENTITY} beside it belongs to ${should}. Put the ${IDENTITY} of ${is} back, or move ${PUBLIC} away if you mean ${should}.`;
  throw new MeshError('key_unreadable', detail);
}

function signerOf(key: KeyObject): NamedSigner {
  const signer = createSigner(key);
  return { ...signer, id: toBase64url(signer.publicKey) };
}

/** Creates a folder for the owner only, durably; one that exists keeps its mode. Throws MeshError `data_folder`. */
export function makeFolder(folder: string): void {
  try {
    makeFolderDurably(folder);
    fs.accessSync(folder, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
  } catch (error) {
    throw new MeshError('data_folder', `${folder}: ${reason(error)}`, { cause: error });
  }
}

/**
 * Loads the keys of `folder` (absolute path), making those that are missing.
 * @throws MeshError `key_unreadable`, `key_exposed`, `data_folder`
 */
export function loadKeys(folder: string): Keys {
  makeFolder(folder);
  const at = (name: string) => path.join(folder, name);
  let identity = readPrivate(at(IDENTITY));
  let peer = readPrivate(at(PEER));
  const isNewIdentity = identity === undefined;
  if (identity === undefined) {
    const left = [PUBLIC, PEER].filter((name) => fs.existsSync(at(name)));
    if (left.length > 0) {
      const detail = `${at(IDENTITY)} is missing and ${left.join(' and ')} is still there. Restore it, or move the whole folder away to begin with a new identity.`;
      throw new MeshError('key_unreadable', detail);
    }
    identity = createPrivate(at(IDENTITY));
  }
  matchPublic(at(PUBLIC), identity);
  peer ??= createPrivate(at(PEER));
  const keys = { peer: signerOf(peer), identities: [signerOf(identity)] as const, isNewIdentity };
  if (keys.peer.id === keys.identities[0].id) {
    const detail = `${at(PEER)} and ${at(IDENTITY)} are the same key; links would say who talks. Move ${PEER} away, and a new one is made.`;
    throw new MeshError('key_unreadable', detail);
  }
  return keys;
}
