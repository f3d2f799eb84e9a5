/** What becomes of messages for the agent, in words. */
import type { InboxReason, InboxRowJson, InboxState } from '../api/client/index.ts';

const STATES: Readonly<Record<InboxState, string>> = {
  waiting: 'waits for the agent',
  handed: 'the agent has it',
  answered: 'answered',
  silent: 'read, nothing said',
  unanswered: 'not answered',
  held: 'held back',
};

const REASONS: Readonly<Record<InboxReason, string>> = {
  'too-old': 'it was too old when it came',
  'hops-spent': 'too many automatic answers in a row',
  'budget-spent': 'the turns of this hour or day were spent',
  'inbox-full': 'too many were waiting',
  'not-allowed': 'contact or channel were taken back',
  refused: 'the client did not take it',
  'agent-failed': 'the agent failed',
  'not-delivered': 'it could not be handed over',
  'never-acknowledged': 'it was handed over and never acknowledged',
  'no-answer': 'handed over twice, and nothing came of it',
  deleted: 'its author deleted it',
  gone: 'it is not stored any more',
};

/** One phrase for a row. */
export function inboxWords({ state, reason }: Pick<InboxRowJson, 'state' | 'reason'>): string {
  return reason === null ? STATES[state] : `${STATES[state]}: ${REASONS[reason]}`;
}
