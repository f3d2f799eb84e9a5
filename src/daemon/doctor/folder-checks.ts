/** Checks of the data folder and of the token of the API: are they there, whose are they, who else can get at them? */
import path from 'node:path';
import {
  accessText,
  flawsOf,
  isForbidden,
  joinFlaws,
  look,
  nearestExisting,
  type Rule,
  readSmall,
  userName,
} from './files.ts';
import { type CheckName, type Finding, fail, ok, shellQuoted, skipped, wrong } from './finding.ts';
import { type Subject, statusOf, stopCommand } from './subject.ts';

export const FOLDER_RULE: Rule = { kind: 'folder', need: 0o700, isSecret: false };
const TOKEN_RULE: Rule = { kind: 'file', need: 0o400, isSecret: true };
/** A token and its line end have 49 bytes. */
const TOKEN_BYTES_MAX = 256;

/** A file that this user may not even look at. */
export function unreadable(check: CheckName, file: string, why: string): Finding {
  if (isForbidden(why)) return skipped(check, `${file} was not checked: this user may not look at it.`);
  return fail(
    check,
    `${file} cannot be read: ${why}.`,
    `Put a readable file or folder in its place; a backup has one.`,
  );
}

/** Whether the path of the data folder is a file, or leads through one: then nothing in it can be looked at. */
export function isNoFolder({ dataFolder }: Subject): boolean {
  const found = look(nearestExisting(dataFolder));
  return found.kind === 'there' && !found.stats.isDirectory();
}

function missingFolder({ dataFolder }: Subject): Finding {
  const above = nearestExisting(path.dirname(dataFolder));
  const found = look(above);
  if (found.kind === 'there' && !found.stats.isDirectory())
    return fail(
      'data-folder',
      `${dataFolder} cannot be made, because ${above} is not a folder.`,
      'Name another data folder with --data.',
    );
  return skipped('data-folder', `There is no data folder ${dataFolder} yet; "mesh start" makes it.`);
}

/** The data folder: there, a folder, of the right user, closed to others. */
export function checkDataFolder(subject: Subject): Finding {
  const { dataFolder, system, owner, presence } = subject;
  const found = look(dataFolder);
  if (found.kind === 'missing' || (found.kind === 'unreadable' && found.why === 'ENOTDIR'))
    return missingFolder(subject);
  if (found.kind === 'unreadable' && isForbidden(found.why)) {
    const what = `This user may not look at ${dataFolder}: a folder above it is closed.`;
    return fail(
      'data-folder',
      what,
      'Run mesh as the user whose folder it is, or name one of your own with --data.',
    );
  }
  if (found.kind === 'unreadable') return unreadable('data-folder', dataFolder, found.why);
  const { stats } = found;
  if (!stats.isDirectory())
    return fail('data-folder', `${dataFolder} is not a folder.`, 'Name another data folder with --data.');
  const isStranger = system.uid !== undefined && system.uid !== 0 && stats.uid !== system.uid;
  if (isStranger) {
    const [is, me] = [userName(system, stats.uid), userName(system, system.uid ?? 0)];
    const what = `${dataFolder} belongs to ${is}, and this command runs as ${me}, who can check and use little of it.`;
    const mend = `Run mesh as ${is}, or name a data folder of your own with --data.`;
    return wrong(presence.kind === 'running' ? 'warn' : 'fail', 'data-folder', what, mend);
  }
  const flaws = flawsOf(system, { file: dataFolder, stats, rule: FOLDER_RULE, owner });
  const flaw = joinFlaws(flaws.map((one) => ({ name: dataFolder, flaw: one })));
  if (flaw !== undefined) return wrong(flaw.state, 'data-folder', flaw.what, flaw.mend);
  return ok('data-folder', `The data folder is ${dataFolder} (${accessText(system, stats)}).`);
}

/** What a token is for, in the words of its check. */
interface TokenWords {
  /** name of the check and of the file */
  readonly name: 'token' | 'agent-token';
  readonly what: string;
  /** what goes wrong without it */
  readonly missing: string;
}

/** The owner's token of the API. */
export function checkToken(subject: Subject): Finding {
  const missing = 'no command can talk to the running daemon';
  return checkTokenFile(subject, { name: 'token', what: 'The token of the API', missing });
}

/** The token for the program that the agent runs in. */
export function checkAgentToken(subject: Subject): Finding {
  const missing = 'no agent can attach to the running daemon';
  return checkTokenFile(subject, { name: 'agent-token', what: 'The token for agents', missing });
}

/** There, well-formed, secret. The content is never told. */
function checkTokenFile(subject: Subject, words: TokenWords): Finding {
  const { dataFolder, system, owner, presence } = subject;
  const { name, what: title, missing } = words;
  const file = path.join(dataFolder, name);
  const found = readSmall(file, TOKEN_BYTES_MAX);
  if (found.kind === 'missing') {
    if (presence.kind !== 'running')
      return skipped(name, 'There is no such token yet; "mesh start" makes it.');
    const what = `${file} is missing, so that ${missing}.`;
    // `mesh stop` asks the API, which must answer, and takes only the owner's token.
    const isReached = name !== 'token' && statusOf(subject) !== undefined;
    const command = isReached ? stopCommand(subject) : `kill ${presence.pid}`;
    return fail(name, what, {
      text: 'Stop the daemon and start it again, which makes a new one:',
      command,
    });
  }
  if (found.kind === 'unreadable') return unreadable(name, file, found.why);
  const flaws = flawsOf(system, { file, stats: found.stats, rule: TOKEN_RULE, owner });
  const flaw = joinFlaws(flaws.map((one) => ({ name: file, flaw: one })));
  if (flaw !== undefined) return wrong(flaw.state, name, flaw.what, flaw.mend);
  if (!/^mesh_[\w-]{43}$/.test(found.text.trim()))
    return fail(name, `${file} holds no token.`, {
      text: 'Move it away and start the daemon again, which makes a new one:',
      command: system.platform === 'win32' ? '' : `mv ${shellQuoted(file)} ${shellQuoted(`${file}.old`)}`,
    });
  return ok(name, `${title} is there (${accessText(system, found.stats)}).`);
}
