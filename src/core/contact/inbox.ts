/**
 * What becomes of a message that is for an agent, as pure steps between states.
 *
 *   waiting -> handed -> answered | silent | unanswered
 *      ^---------'  connection lost, or once more under another id
 *
 * Invariants:
 * 1. A message is handed over until an attempt is acknowledged, {@link ATTEMPTS_MAX} times at most.
 * 2. What was answered, even in part, is never handed over again: a second answer would be worse than a cut one.
 * 3. A runtime skips a message that it has had before, though it may have been killed before it answered. If the client
 *    says so, the message is handed over once more under another id, so that the agent thinks again, and never a third
 *    time. A turn that ended without an answer is something else: the agent's silence.
 */

/** A client that dies on a message again and again is not given it for ever (guess). */
export const ATTEMPTS_MAX = 5;

/**
 * What becomes of a message that is for the agent. `waiting`: for a client, `handed`: to one that has not acknowledged
 * it, `answered`, `silent`: the agent had nothing to say, `unanswered`: see the reason, `held`: not handed over, likewise.
 */
export type InboxState = 'waiting' | 'handed' | 'answered' | 'silent' | 'unanswered' | 'held';
/**
 * How handing over ended. `done`: the agent's turn is over, with or without an answer; `skipped`: no turn began, because the
 * runtime had the message before (it is handed over once more under another id, unless it was answered); `refused`: it does
 * not want it; `failed`: the agent's turn failed; `undelivered`: the turn never began, however often it was tried.
 */
export type AckOutcome = 'done' | 'skipped' | 'refused' | 'failed' | 'undelivered';
/**
 * Why nothing was answered: the runtime refused it, the agent failed, the client could not hand it over, it was handed over
 * several times and never acknowledged, nothing came of it twice, its author deleted it while it waited, it is not stored
 * any more.
 */
export type UnansweredReason =
  | 'refused'
  | 'agent-failed'
  | 'not-delivered'
  | 'never-acknowledged'
  | 'no-answer'
  | 'deleted'
  | 'gone';

/** What the steps depend on. */
export interface Progress {
  /** times that it was handed over */
  readonly attempts: number;
  /** handed over once more under another id */
  readonly retried: boolean;
  /** messages that were published as its answer */
  readonly answers: number;
}

export interface Step {
  readonly state: InboxState;
  readonly reason: UnansweredReason | '';
  /** the next attempt is under another id, and is one turn more */
  readonly retry: boolean;
}

const step = (state: InboxState, reason: Step['reason'] = '', retry = false): Step => ({
  state,
  reason,
  retry,
});

/** The client is gone before it acknowledged. */
export function afterLoss({ attempts, answers }: Progress): Step {
  if (answers > 0) return step('answered');
  return attempts >= ATTEMPTS_MAX ? step('unanswered', 'never-acknowledged') : step('waiting');
}

/** The client says how the newest attempt ended. */
export function afterAck({ retried, answers }: Progress, outcome: AckOutcome): Step {
  if (answers > 0) return step('answered');
  switch (outcome) {
    case 'refused':
      return step('unanswered', 'refused');
    case 'failed':
      return step('unanswered', 'agent-failed');
    case 'undelivered':
      return step('unanswered', 'not-delivered');
    case 'skipped':
      return retried ? step('unanswered', 'no-answer') : step('waiting', '', true);
    case 'done':
      return step('silent');
  }
}

/** What the agent's runtime is to know the message by. @param id id text of the message */
export function handoverId(id: string, { retried }: Pick<Progress, 'retried'>): string {
  return retried ? `${id}.again` : id;
}
