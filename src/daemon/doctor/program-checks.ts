/** Checks of the program itself: Node, the SQLite binding, the signature verifier, and the options it is given. */
import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { createVerifier, type Verifier } from '../../crypto/index.ts';
import { OPTION_NAMES, OPTION_TABLE, type OptionName, type OptionRow } from '../option-table.ts';
import { packageRoot } from '../options.ts';
import { type Finding, fail, ok, warn } from './finding.ts';
import { type Subject, statusOf } from './subject.ts';

/** What `engines` in package.json asks for, such as `24.16.0`. */
function nodeFloor(): string {
  const value: unknown = JSON.parse(fs.readFileSync(path.join(packageRoot(), 'package.json'), 'utf8'));
  const text = /"node":\s*">=([\d.]+)"/.exec(JSON.stringify(value))?.[1];
  if (text === undefined) throw new Error('package.json names no Node version');
  return text;
}

function isAtLeast(version: string, floor: string): boolean {
  const [is, should] = [version, floor].map((text) =>
    text.split('.').map((part) => Number.parseInt(part, 10)),
  );
  for (const [at, number] of (should ?? []).entries()) {
    const part = is?.[at] ?? 0;
    if (part !== number) return part > number;
  }
  return true;
}

/** Is Node new enough? */
export function checkNode({ system: { nodeVersion } }: Subject): Finding {
  const floor = nodeFloor();
  if (isAtLeast(nodeVersion, floor))
    return ok('node', `Node ${nodeVersion} runs this command; ${floor} or newer is needed.`);
  return fail('node', `Node ${nodeVersion} runs this command, and ${floor} or newer is needed.`, {
    text: `Install Node 24 LTS, or in a checkout run npm, which brings one along:`,
    command: 'npm install',
  });
}

/** Does the SQLite binding load? @param load for tests */
export function checkSqlite(load: () => unknown = sqliteVersion): Finding {
  try {
    return ok('sqlite', `The SQLite binding works, version ${String(load())}.`);
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return fail('sqlite', `The SQLite binding cannot be loaded: ${why}`, {
      text: 'Install the dependencies again for this platform and this Node:',
      command: 'npm rebuild better-sqlite3',
    });
  }
}

function sqliteVersion(): unknown {
  const db = new Database(':memory:');
  try {
    return db.prepare('SELECT sqlite_version()').pluck().get();
  } finally {
    db.close();
  }
}

/** Does the best signature verifier keep the rule? @param create for tests */
export function checkVerifier(create: () => Verifier = createVerifier): Finding {
  let verifier: Verifier;
  try {
    verifier = create();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return fail('verifier', `No signature can be checked: ${why}`, {
      text: 'Install the dependencies again, and report it if that does not help:',
      command: 'npm ci',
    });
  }
  const { name, warnings } = verifier;
  if (warnings.length === 0) return ok('verifier', `The signature verifier "${name}" passed its self-check.`);
  const what = `Signatures are checked by "${name}", which passed its self-check and is slower. ${warnings.join(' ')}`;
  return warn('verifier', what, {
    text: 'Nothing is at risk; to get the fast verifier, install the optional dependency:',
    command: 'npm install --include=optional sodium-native',
  });
}

/** Are the options right: spelling, values, contradictions? */
export function checkOptions({ optionError, options: { warnings }, env }: Subject): Finding {
  if (optionError !== '')
    return fail(
      'options',
      optionError,
      'Mend these variables in the environment or in .env; env.example lists what is allowed.',
    );
  if (warnings.length > 0)
    return warn(
      'options',
      warnings.join(' '),
      'Mend the spelling in the environment or in .env; as it is, the variable does nothing.',
    );
  const isSet = (name: OptionName): boolean =>
    (env[name] ?? '') !== '' || (env[name] === '' && (OPTION_TABLE[name] as OptionRow).emptyCounts === true);
  const set = OPTION_NAMES.filter(isSet);
  return ok(
    'options',
    set.length === 0
      ? 'All options have their defaults.'
      : `The options are valid; set are ${set.join(', ')}.`,
  );
}

/** Was the running daemon started with other options than this command sees? Only what was set is compared. */
export function checkSameOptions(subject: Subject): Finding[] {
  const status = statusOf(subject);
  if (status === undefined) return [];
  const { options, env } = subject;
  const differing: string[] = [];
  const isSet = (name: OptionName): boolean => (env[name] ?? '') !== '' && !subject.refused.has(name);
  if (isSet('MESH_NETWORK') && status.network !== options.network) differing.push('MESH_NETWORK');
  const asked = status.sources.map(({ source }) => source).sort();
  const wanted = [...new Set(options.bootstrap)].sort();
  if (isSet('MESH_BOOTSTRAP_URL') && asked.join('\n') !== wanted.join('\n'))
    differing.push('MESH_BOOTSTRAP_URL');
  const { port, fixed } = options.peerPort;
  const isOtherPort = fixed && port !== 0 && !status.listen.peer.endsWith(`:${port}`);
  if (isOtherPort) differing.push(isSet('PORT') ? 'PORT' : 'MESH_PEER_PORT');
  if (differing.length === 0) return [];
  const what = `The running daemon was started with another value of ${differing.join(' and ')} than this command sees.`;
  return [
    warn(
      'options',
      what,
      'Restart the daemon if the value that is set here is meant; nothing to do otherwise.',
    ),
  ];
}
