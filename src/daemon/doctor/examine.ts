/**
 * All checks of `mesh doctor`, one after the other: what looks at files first, what waits for answers last. A check that
 * makes a mistake costs its own finding and nothing else.
 */
import type { OptionName } from '../option-table.ts';
import { type BootstrapReport, checkBootstrap } from './bootstrap-checks.ts';
import { checkClock } from './clock-checks.ts';
import { checkDaemon, checkProblems } from './daemon-checks.ts';
import {
  checkCopies,
  checkDatabase,
  checkDatabaseFiles,
  checkDatabaseSize,
  checkIntegrity,
  checkKept,
} from './database-checks.ts';
import { checkDisk } from './disk-checks.ts';
import { CHECKS, type CheckName, type Finding, fail, skipped } from './finding.ts';
import { checkAgentToken, checkDataFolder, checkToken, isNoFolder } from './folder-checks.ts';
import { checkKeyFolder, checkKeys } from './key-checks.ts';
import { checkLinks } from './link-checks.ts';
import { checkLocalNetwork } from './local-checks.ts';
import { checkPorts } from './port-checks.ts';
import { checkNode, checkOptions, checkSameOptions, checkSqlite, checkVerifier } from './program-checks.ts';
import { checkMessages } from './scrub-checks.ts';
import { createSubject, type ExamineOptions, type Subject } from './subject.ts';

interface Check {
  /** for the finding if the check itself fails */
  readonly name: CheckName;
  /** without it there is nothing to look at: if the option was refused, the check is left out */
  readonly needs?: OptionName;
  readonly run: (subject: Subject) => Finding | readonly Finding[] | Promise<Finding | readonly Finding[]>;
}

const LOCAL: readonly Check[] = [
  { name: 'node', run: checkNode },
  { name: 'sqlite', run: () => checkSqlite() },
  { name: 'verifier', run: () => checkVerifier() },
  { name: 'options', run: checkOptions },
  { name: 'options', run: checkSameOptions },
  { name: 'data-folder', run: checkDataFolder },
  { name: 'key-folder', needs: 'MESH_KEY_DIR', run: checkKeyFolder },
  { name: 'identity-key', needs: 'MESH_KEY_DIR', run: checkKeys },
  { name: 'token', run: checkToken },
  { name: 'agent-token', run: checkAgentToken },
  { name: 'database-files', needs: 'MESH_STORE_PATH', run: checkDatabaseFiles },
  { name: 'database-files', run: checkCopies },
  { name: 'database-files', run: checkKept },
  { name: 'database', needs: 'MESH_STORE_PATH', run: checkDatabase },
  { name: 'integrity', needs: 'MESH_STORE_PATH', run: (subject) => checkIntegrity(subject) },
  { name: 'database-size', needs: 'MESH_STORE_PATH', run: checkDatabaseSize },
  { name: 'disk', run: checkDisk },
  { name: 'daemon', run: checkDaemon },
  { name: 'peer-port', run: checkPorts },
];

function mistake(name: CheckName, error: unknown): Finding {
  const why = error instanceof Error ? error.message : String(error);
  return fail(name, `This check made a mistake: ${why}`, 'Report it with the version of mesh.');
}

async function runCheck({ name, needs, run }: Check, subject: Subject): Promise<readonly Finding[]> {
  if (needs !== undefined && subject.refused.has(needs))
    return [skipped(name, `It was not checked, because ${needs} cannot be used.`)];
  try {
    const found = await run(subject);
    return 'check' in found ? [found] : found;
  } catch (error) {
    return [mistake(name, error)];
  }
}

/** Examines a data folder and what belongs to it. Findings come as they are made, in the order of `CHECKS`. */
export async function* examine(options: ExamineOptions): AsyncGenerator<Finding> {
  const subject = await createSubject(options);
  const last = isNoFolder(subject) ? LOCAL.findIndex(({ name }) => name === 'data-folder') : LOCAL.length;
  const found: Finding[] = [];
  const scrub: Check = {
    ...{ name: 'scrub', needs: 'MESH_STORE_PATH' },
    run: () => checkMessages(subject, options.scrub, found),
  };
  for (const check of LOCAL.slice(0, last + 1)) {
    const findings = await runCheck(check, subject);
    found.push(...findings);
    yield* findings;
    if (check.name === 'integrity') yield* await runCheck(scrub, subject);
  }
  if (last < LOCAL.length) {
    // What is no folder is somebody else's: nothing about it is guessed, and nothing proposed.
    const why = 'It was not checked, because the data folder is no folder.';
    for (const name of CHECKS.slice(CHECKS.indexOf('data-folder') + 1)) yield skipped(name, why);
    return;
  }
  let report: BootstrapReport = { findings: [], references: [], addresses: 0 };
  const askLists = async (): Promise<readonly Finding[]> => {
    report = await checkBootstrap(subject);
    return report.findings;
  };
  const rest: readonly Check[] = [
    { name: 'bootstrap', run: askLists },
    { name: 'local-network', run: checkLocalNetwork },
    { name: 'clock', run: () => checkClock(subject, report.references) },
    { name: 'links', run: () => checkLinks(subject, report.addresses) },
    { name: 'problems', run: checkProblems },
  ];
  for (const check of rest) yield* await runCheck(check, subject);
}
