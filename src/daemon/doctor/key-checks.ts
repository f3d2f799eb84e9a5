/**
 * Checks of the key files, by the rules of `keys.ts`: a private key that exists is never replaced, and traces of a key
 * without the key mean that an identity was lost. Private keys are read to see that they are whole; nothing of them is
 * told but the public key that follows from them.
 */
import path from 'node:path';
import { toBase64url } from '../../core/bytes.ts';
import { MeshError } from '../../core/errors.ts';
import { fromPrivatePem, fromPublicPem, rawPublicKey } from '../../crypto/index.ts';
import { holdsSomething } from './database-checks.ts';
import {
  accessText,
  flawsOf,
  isForbidden,
  joinFlaws,
  look,
  type Rule,
  readSmall,
  unusedName,
} from './files.ts';
import {
  type CheckName,
  type Finding,
  fail,
  type Mend,
  ok,
  shellQuoted,
  skipped,
  warn,
  wrong,
} from './finding.ts';
import { FOLDER_RULE, unreadable } from './folder-checks.ts';
import { hasStrayKey, strayKeyCommand } from './stray-key.ts';
import { type Subject, statusOf } from './subject.ts';

const PRIVATE_RULE: Rule = { kind: 'file', need: 0o400, isSecret: true };
/** Ours have about 120 bytes. */
const PEM_BYTES_MAX = 16 * 1024;
/** Enough of an id to tell people apart. */
const ID_SHOWN = 8;

type Key =
  | { readonly kind: 'missing' }
  | { readonly kind: 'unreadable'; readonly why: string }
  | { readonly kind: 'broken'; readonly why: string }
  | { readonly kind: 'there'; readonly id: string };

function readKey(file: string, parse: (pem: string) => ReturnType<typeof fromPublicPem>): Key {
  const found = readSmall(file, PEM_BYTES_MAX);
  if (found.kind !== 'there') return found;
  try {
    return { kind: 'there', id: toBase64url(rawPublicKey(parse(found.text))) };
  } catch (error) {
    if (!(error instanceof MeshError)) throw error;
    return { kind: 'broken', why: error.detail };
  }
}

interface Keys {
  readonly identity: Key;
  readonly public: Key;
  readonly peer: Key;
}

function readKeys({ keyFolder }: Subject): Keys {
  return {
    identity: readKey(path.join(keyFolder, 'key.pem'), fromPrivatePem),
    public: readKey(path.join(keyFolder, 'pub.pem'), fromPublicPem),
    peer: readKey(path.join(keyFolder, 'peer.pem'), fromPrivatePem),
  };
}

const shown = (id: string): string => id.slice(0, ID_SHOWN);

function moveAway({ system }: Subject, file: string, text: string): Mend {
  if (system.platform === 'win32') return text.replace(/:$/, '.');
  return { text, command: `mv ${shellQuoted(file)} ${shellQuoted(unusedName(`${file}.old`))}` };
}

/** The folder of the keys: of the right user, closed to others. */
export function checkKeyFolder({ keyFolder, system, owner }: Subject): Finding {
  const found = look(keyFolder);
  if (found.kind === 'missing')
    return skipped('key-folder', `There is no key folder ${keyFolder} yet; "mesh start" makes it.`);
  if (found.kind === 'unreadable') return unreadable('key-folder', keyFolder, found.why);
  if (!found.stats.isDirectory())
    return fail(
      'key-folder',
      `${keyFolder} is not a folder.`,
      'Move it away, or name another folder in MESH_KEY_DIR.',
    );
  const flaws = flawsOf(system, { file: keyFolder, stats: found.stats, rule: FOLDER_RULE, owner });
  const flaw = joinFlaws(flaws.map((one) => ({ name: keyFolder, flaw: one })));
  if (flaw !== undefined) return wrong(flaw.state, 'key-folder', flaw.what, flaw.mend);
  return ok('key-folder', `The keys lie in ${keyFolder} (${accessText(system, found.stats)}).`);
}

/** Mode, owner and content of a private key that exists; `undefined` if nothing is wrong with it. */
function privateFlaw(
  subject: Subject,
  { check, file, key, mend }: { check: CheckName; file: string; key: Key; mend: Mend },
): Finding | undefined {
  if (key.kind === 'unreadable' && !isForbidden(key.why))
    return fail(check, `${file} cannot be read: ${key.why}.`, mend);
  const { system, owner } = subject;
  const found = look(file);
  if (found.kind !== 'there' && key.kind === 'unreadable') return unreadable(check, file, key.why);
  if (found.kind !== 'there') return skipped(check, `${file} vanished while it was looked at.`);
  const flaws = flawsOf(system, { file, stats: found.stats, rule: PRIVATE_RULE, owner });
  const flaw = joinFlaws(flaws.map((one) => ({ name: file, flaw: one })));
  if (flaw !== undefined) return wrong(flaw.state, check, flaw.what, flaw.mend);
  if (key.kind === 'unreadable') return unreadable(check, file, key.why);
  if (key.kind === 'broken') return fail(check, `${file} holds no usable key. ${key.why}`, mend);
  return undefined;
}

function lostIdentity(subject: Subject, file: string, keys: Keys): Finding {
  const left = [
    keys.public.kind !== 'missing' && 'pub.pem',
    keys.peer.kind !== 'missing' && 'peer.pem',
  ].filter((name) => name !== false);
  if (left.length > 0) {
    const what = `${file} is missing and ${left.join(' and ')} beside it ${left.length === 1 ? 'is' : 'are'} there: the identity is lost, and the daemon does not start.`;
    return fail(
      'identity-key',
      what,
      'Restore key.pem from a backup, or move the whole key folder away to begin with a new identity.',
    );
  }
  if (holdsSomething(subject.storePath)) {
    const what = `${file} is missing and there is a database: the next start makes a new identity, and nobody can sign as the old one.`;
    return warn(
      'identity-key',
      what,
      'Restore the key folder from a backup before the next start, unless a new identity is meant.',
    );
  }
  return skipped('identity-key', 'There is no identity yet; "mesh start" makes it.');
}

function checkIdentity(subject: Subject, keys: Keys): Finding {
  const file = path.join(subject.keyFolder, 'key.pem');
  const key = keys.identity;
  if (key.kind === 'missing') return lostIdentity(subject, file, keys);
  const mend = 'Restore the file from a backup; the daemon never overwrites it.';
  const flaw = privateFlaw(subject, { check: 'identity-key', file, key, mend });
  if (flaw !== undefined || key.kind !== 'there') return flaw as Finding;
  const status = statusOf(subject);
  if (status !== undefined && status.identity !== key.id) {
    const what = `${file} is the key of ${shown(key.id)}, and the running daemon signs as ${shown(status.identity)}: the file was replaced since its start.`;
    return fail('identity-key', what, `Put the right key.pem in place before the daemon is started again.`);
  }
  return ok(
    'identity-key',
    `key.pem is the key of the identity ${shown(key.id)}, for its owner only. Keep a copy of it.`,
  );
}

function checkPublic(subject: Subject, { identity, public: key }: Keys): Finding {
  const file = path.join(subject.keyFolder, 'pub.pem');
  if (key.kind === 'missing') {
    if (identity.kind === 'missing')
      return skipped('public-key', 'There is no pub.pem yet; "mesh start" makes it.');
    return warn(
      'public-key',
      `${file} is missing.`,
      'Nothing to do: the next start writes it again from key.pem.',
    );
  }
  if (key.kind === 'unreadable') return unreadable('public-key', file, key.why);
  const away = moveAway(subject, file, 'Move it away; the next start writes it again from key.pem:');
  if (key.kind === 'broken') return fail('public-key', `${file} holds no usable key. ${key.why}`, away);
  if (identity.kind !== 'there')
    return skipped(
      'public-key',
      `pub.pem is the public key of ${shown(key.id)}; there is no key.pem to compare it with.`,
    );
  if (identity.id === key.id) return ok('public-key', `pub.pem matches key.pem.`);
  const what = `${file} is the public key of ${shown(key.id)}, and key.pem beside it belongs to ${shown(identity.id)}.`;
  const text = `Put the key.pem of ${shown(key.id)} back; or, if you mean ${shown(identity.id)}, move pub.pem away:`;
  return fail('public-key', what, moveAway(subject, file, text));
}

function checkPeer(subject: Subject, { identity, peer: key }: Keys): Finding {
  const file = path.join(subject.keyFolder, 'peer.pem');
  if (key.kind === 'missing') {
    if (identity.kind === 'missing')
      return skipped('peer-key', 'There is no peer key yet; "mesh start" makes it.');
    const what = `${file} is missing: the next start makes a new one, and others see a new peer.`;
    return warn(
      'peer-key',
      what,
      'Restore it from a backup before the next start, if this peer is to keep its id.',
    );
  }
  const text =
    'Move it away, and the next start makes a new peer id; the identity stays, only links are affected:';
  const mend = moveAway(subject, file, text);
  const flaw = privateFlaw(subject, { check: 'peer-key', file, key, mend });
  if (flaw !== undefined || key.kind !== 'there') return flaw as Finding;
  if (identity.kind === 'there' && identity.id === key.id) {
    const what = `${file} and key.pem are the same key; links would say who talks.`;
    return fail('peer-key', what, moveAway(subject, file, 'Move it away, and a new one is made:'));
  }
  const status = statusOf(subject);
  if (status !== undefined && status.peer !== key.id) {
    const what = `${file} is the key of ${shown(key.id)}, and the running daemon is the peer ${shown(status.peer)}: the file was replaced since its start.`;
    return fail('peer-key', what, 'Put the right peer.pem in place before the daemon is started again.');
  }
  return ok('peer-key', `peer.pem is the key of the peer ${shown(key.id)}, for its owner only.`);
}

/** A key beside the key folder, as mesh/1 had it: nobody uses it, and it may be the identity that is missed. */
function checkStray({ dataFolder, keyFolder, system }: Subject, { identity }: Keys): Finding[] {
  if (!hasStrayKey(dataFolder, keyFolder)) return [];
  const file = path.join(dataFolder, 'key.pem');
  const key = readKey(file, fromPrivatePem);
  if (key.kind === 'there' && identity.kind === 'there' && key.id === identity.id) return []; // a copy
  const whose = key.kind === 'there' ? `, the key of ${shown(key.id)},` : '';
  const what = `${file}${whose} is not used: the keys are those in ${keyFolder}.`;
  const text =
    'If it is the key of mesh/1 and its identity is meant, stop the daemon, and set MESH_KEY_DIR to its folder or move it into place; if not, keep it elsewhere. To move it into place:';
  const command = system.platform === 'win32' ? '' : strayKeyCommand(dataFolder, keyFolder);
  return [warn('identity-key', what, { text, command })];
}

/** The three key files: there, whole, secret, and of each other. */
export function checkKeys(subject: Subject): Finding[] {
  const keys = readKeys(subject);
  return [
    checkIdentity(subject, keys),
    ...checkStray(subject, keys),
    checkPublic(subject, keys),
    checkPeer(subject, keys),
  ];
}
