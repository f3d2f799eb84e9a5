/** What a check of `mesh doctor` found: one state, one sentence on what is, and for what is wrong one on how to mend it. */

/** `skipped`: the check could not be made, or does not apply; `what` says why. */
export type FindingState = 'ok' | 'warn' | 'fail' | 'skipped';

/** The names of the checks, as `--json` has them, in the order in which they are made. */
export const CHECKS = [
  'node',
  'sqlite',
  'verifier',
  'options',
  'data-folder',
  'key-folder',
  'identity-key',
  'public-key',
  'peer-key',
  'token',
  'agent-token',
  'database-files',
  'database',
  'integrity',
  'scrub',
  'database-size',
  'disk',
  'daemon',
  'peer-port',
  'api-port',
  'bootstrap',
  'local-network',
  'clock',
  'links',
  'problems',
] as const;
export type CheckName = (typeof CHECKS)[number];

export interface Finding {
  readonly check: CheckName;
  readonly state: FindingState;
  /** one sentence or two */
  readonly what: string;
  /** '' for `ok` and `skipped`; ends with a colon if `command` follows */
  readonly mend: string;
  /** what to type into a POSIX shell, quoted; '' where there is no such command */
  readonly command: string;
}

/** How to mend: a sentence, or a sentence that leads to a command. */
export type Mend = string | { readonly text: string; readonly command: string };

export function ok(check: CheckName, what: string): Finding {
  return { check, state: 'ok', what, mend: '', command: '' };
}

export function skipped(check: CheckName, what: string): Finding {
  return { check, state: 'skipped', what, mend: '', command: '' };
}

/** Something wrong that keeps nothing from working, or something that does. */
export function wrong(state: 'warn' | 'fail', check: CheckName, what: string, mend: Mend): Finding {
  if (typeof mend === 'string') return { check, state, what, mend, command: '' };
  if (mend.command === '') return { check, state, what, mend: mend.text.replace(/:$/, '.'), command: '' };
  return { check, state, what, mend: mend.text, command: mend.command };
}

export function warn(check: CheckName, what: string, mend: Mend): Finding {
  return wrong('warn', check, what, mend);
}

export function fail(check: CheckName, what: string, mend: Mend): Finding {
  return wrong('fail', check, what, mend);
}

/** The sentence and its command as one text. */
export function mendText({ mend, command }: Finding): string {
  return [mend, command].filter((text) => text !== '').join(' ');
}

/** One word of a POSIX shell. */
export function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
