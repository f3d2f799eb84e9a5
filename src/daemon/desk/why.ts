/** What the desk decided about one message, and why; and its rows as doors see them. */
import type { InboxRow, InboxStore, StoredMessage } from '../../store/index.ts';
import { isoTime } from '../views.ts';
import type { Policy } from './policy.ts';
import type { Scanner } from './scanner.ts';
import type { AgentWhyView, InboxRowView } from './views.ts';

/** @param name of the author, null where it has none */
export function inboxRowView(row: InboxRow, name: string | null): InboxRowView {
  return {
    number: row.number,
    id: row.id,
    identity: row.identity,
    channel: row.channel,
    author: row.author,
    name,
    at: isoTime(row.atMs),
    why: row.why,
    hops: row.hops,
    state: row.state,
    reason: (row.reason === '' ? null : row.reason) as InboxRowView['reason'],
    attempts: row.attempts,
    answers: row.answers,
  };
}

export interface AgentWhyParts {
  readonly identity: string;
  readonly inbox: Pick<InboxStore, 'rowOf'>;
  readonly policy: Pick<Policy, 'nameOf' | 'contacts' | 'channels'>;
  readonly scanner: Pick<Scanner, 'verdict' | 'hasSeen'>;
}

/**
 * What became of a stored message for the agent. Without a row in the inbox, the rules as they are now are asked: a
 * message that was passed over left no trace, so the rules of then are not known.
 */
export function agentWhy(stored: StoredMessage, parts: AgentWhyParts): AgentWhyView {
  const { identity, inbox, policy, scanner } = parts;
  const { idText, channel } = stored.message.message;
  const row = inbox.rowOf(identity, idText);
  if (row !== undefined) return { kind: 'inbox', row: inboxRowView(row, policy.nameOf(row.author)) };
  if (policy.contacts.length === 0 || policy.channels.length === 0) return { kind: 'no-agent' };
  const verdict = scanner.verdict(stored);
  if (verdict.kind !== 'pass')
    return scanner.hasSeen(stored.arrival)
      ? { kind: 'passed-over', because: 'rules-changed' }
      : { kind: 'not-looked-at' };
  // A channel wakes from an arrival number on: what came before it counts as if it never woke.
  const isEarly = verdict.because === 'never' && policy.channels.includes(channel);
  return { kind: 'passed-over', because: isEarly ? 'before-wake' : verdict.because };
}
