/** Checks of the daemon itself: does one run, is it alone, does it answer, and what does it complain about? */
import path from 'node:path';
import { ERRORS } from '../../core/errors.ts';
import { softwareVersion } from '../version.ts';
import { type Finding, fail, type Mend, ok, shellQuoted, skipped, warn, wrong } from './finding.ts';
import { API_FILE, type Presence } from './presence.ts';
import { processName } from './proc.ts';
import { type Subject, statusOf, stopCommand } from './subject.ts';
import { durationText } from './words.ts';

type Running = Extract<Presence, { kind: 'running' }>;

function names({ system }: Subject, pids: readonly number[]): string {
  return pids.map((pid) => processName(system.proc, pid)).join(' and ');
}

/** For a daemon that `mesh stop` does not reach: its API does not answer, or no file leads to it. */
function stopAndStart({ system }: Subject, pids: readonly number[]): Mend {
  const text = 'Stop it and start the daemon again:';
  if (pids.length === 0 || system.platform === 'win32') return text.replace(/:$/, '.');
  return { text, command: `kill ${pids.join(' ')}` };
}

function noDaemon(subject: Subject, presence: Exclude<Presence, Running>): Finding {
  const { dataFolder, system } = subject;
  const file = path.join(dataFolder, API_FILE);
  if (presence.kind === 'none')
    return skipped(
      'daemon',
      'No daemon runs on this data folder; what only a running one shows was not checked.',
    );
  if (presence.kind === 'unknown')
    return skipped('daemon', `Whether a daemon runs was not checked: this user may not read ${file}.`);
  if (presence.kind === 'stale') {
    const command = system.platform === 'win32' ? '' : `rm ${shellQuoted(file)}`;
    const what = `No daemon runs on this data folder, and the last one did not end in order: ${file} ${presence.why}.`;
    return warn('daemon', what, {
      text: 'The next start replaces that file; without one, remove it:',
      command,
    });
  }
  const { pids } = presence.lock;
  const who = pids.length === 0 ? 'A process' : names(subject, pids);
  const what = `${who} uses the database, and ${file} ${presence.why}: no command finds that daemon, or it is just starting or runs in a container.`;
  return fail('daemon', what.charAt(0).toUpperCase() + what.slice(1), stopAndStart(subject, pids));
}

/** A second process on the same folder, or a database that is not the one of the options. */
function otherUsers(subject: Subject, { lock, pid }: Running): Finding[] {
  const others = lock.pids.filter((other) => other !== pid);
  const mine = processName(subject.system.proc, pid);
  if (others.length > 0) {
    const what = `Two daemons use this data folder: ${mine} stands in ${API_FILE}, and ${names(subject, others)} holds the lock of ${subject.storePath}.`;
    const text = 'Stop one of them, and give it a folder of its own with --data:';
    return [fail('daemon', what, { text, command: `kill ${others.join(' ')}` })];
  }
  if (lock.state !== 'free') return [];
  const what = `The daemon (${mine}) runs with another database than ${subject.storePath}, which nobody uses.`;
  return [
    warn(
      'daemon',
      what,
      'Set MESH_STORE_PATH here as it was set for the daemon, or restart the daemon without it.',
    ),
  ];
}

function runningDaemon(subject: Subject, running: Running): Finding {
  const { answer, system } = subject;
  const { pid, url } = running;
  if (answer === undefined || !answer.ok) {
    const what = `The daemon is there as ${processName(system.proc, pid)}, and its API at ${url} does not answer: ${answer?.detail ?? 'it was not asked'}`;
    return fail('daemon', what, stopAndStart(subject, [pid]));
  }
  const { version, started, role } = answer.status;
  const own = softwareVersion();
  const since = durationText(system.wallMs() - Date.parse(started));
  if (version !== own)
    return warn('daemon', `The running daemon has version ${version}, and this command is version ${own}.`, {
      text: 'Stop the daemon and start it again, so that both are the same version:',
      command: stopCommand(subject),
    });
  return ok(
    'daemon',
    `The daemon has run for ${since} as ${processName(system.proc, pid)}: version ${version}, a ${role}.`,
  );
}

/** Who runs on this data folder. */
export function checkDaemon(subject: Subject): Finding[] {
  const { presence } = subject;
  if (presence.kind !== 'running') return [noDaemon(subject, presence)];
  return [runningDaemon(subject, presence), ...otherUsers(subject, presence)];
}

/** What the daemon itself lists as problems, each with the advice of the error table. */
export function checkProblems(subject: Subject): Finding[] {
  const status = statusOf(subject);
  if (status === undefined) return [skipped('problems', 'Only a running daemon can say what troubles it.')];
  if (status.problems.length === 0) return [ok('problems', 'The daemon lists no problems.')];
  return status.problems.map(({ code, detail }) => {
    const row = Object.hasOwn(ERRORS, code) ? ERRORS[code] : ERRORS.internal;
    const what = `The daemon says: ${row.title} ${detail}`.trim();
    // Sending is refused: that is no mere warning.
    const state = code === 'store_full' ? 'fail' : 'warn';
    return wrong(state, 'problems', /[.!?]$/.test(what) ? what : `${what}.`, row.do);
  });
}
