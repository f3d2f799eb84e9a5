/** What becomes of messages for the agent, in words. */
import type { InboxCode, InboxRowJson, InboxState } from '../api/client/index.ts';

const STATES: Readonly<Record<InboxState, string>> = {
  waiting: 'waits for the agent',
  handed: 'the agent has it',
  answered: 'answered',
  silent: 'read, nothing said',
  unanswered: 'not answered',
  held: 'held back',
};

const CODES: Readonly<Record<InboxCode, string>> = {
  too_old: 'it was too old when it came',
  hops_spent: 'too many automatic answers in a row',
  budget_spent: 'the turns of this hour or day were spent',
  inbox_full: 'too many were waiting',
  not_allowed: 'contact or channel were taken back',
  refused: 'the client did not take it',
  agent_failed: 'the agent failed',
  not_delivered: 'it could not be handed over',
  never_acknowledged: 'it was handed over and never acknowledged',
  no_answer: 'handed over twice, and nothing came of it',
  gone: 'it is not stored any more',
};

/** One phrase for a row. */
export function inboxWords({ state, code }: Pick<InboxRowJson, 'state' | 'code'>): string {
  return code === null ? STATES[state] : `${STATES[state]}: ${CODES[code]}`;
}
