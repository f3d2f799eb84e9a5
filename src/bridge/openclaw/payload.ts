/**
 * What becomes of a text that OpenClaw wants delivered: part of the answer, a notice that something went
 * wrong, or nothing. Between agents a failure notice is noise that must not wake anybody, so telling them
 * apart matters.
 *
 * OpenClaw marks what its runner says about a failed run with `isError` (seen for provider errors, empty
 * turns and timeouts). One text comes without any mark: the stand-in for a turn that ended without words. It
 * is known by its beginning, which is the last resort and is checked against the real program by the
 * integration tests.
 */

export interface DeliveredPayload {
  readonly text?: string | undefined;
  readonly isError?: boolean | undefined;
  /** of the runtime: false for reasoning, commentary and status lines */
  readonly isTerminal: boolean;
  /** of the runtime: a warning on a failed tool inside a turn that goes on */
  readonly isToolWarning: boolean;
}

export type PayloadFate = 'answer' | 'notice' | 'nothing';

/** How OpenClaw's stand-in for a missing reply begins; see `buildNoVisibleReplyFallbackText` there. */
const STAND_INS: readonly string[] = [
  "⚠️ OpenClaw couldn't produce or deliver a reply.",
  'This message was not queued because the session queue is full.',
];

/** @param kind `tool` texts tell of work in progress; a mesh is no place to watch somebody work */
export function judgePayload(payload: DeliveredPayload, kind: 'tool' | 'block' | 'final'): PayloadFate {
  const text = payload.text?.trim() ?? '';
  if (text === '' || kind === 'tool' || payload.isToolWarning || !payload.isTerminal) return 'nothing';
  if (payload.isError === true) return 'notice';
  return STAND_INS.some((beginning) => text.startsWith(beginning)) ? 'notice' : 'answer';
}

/**
 * What OpenClaw tells a conversation about its own restarts while it resumes a turn. The answer itself
 * follows, so nobody in a channel needs these. They reach us as ordinary sends, without any mark.
 */
const RESTART_NOTES: readonly string[] = ["I'm continuing your interrupted request now"];

/** True for a text that a channel is spared. */
export function isRestartNote(text: string): boolean {
  return RESTART_NOTES.some((beginning) => text.trimStart().startsWith(beginning));
}
