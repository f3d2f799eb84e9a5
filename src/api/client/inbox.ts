/**
 * The inbox of an agent as a stream of events. What is not acknowledged comes again on the next connection; this module
 * connects once and says when it ended.
 */
import type { AttachedJson, InboxEvent, InboxItemJson } from './agent-types.ts';
import { openEvents, type ServerEvent } from './events.ts';
import type { FoundDaemon } from './find.ts';

export interface InboxFeedOptions {
  /** 1 to 32 of `[a-z0-9-]`; a newer connection under the same name ends the older one */
  readonly client: string;
  readonly signal: AbortSignal;
  /** hears that the daemon has taken the connection, before the first event */
  readonly onOpen?: () => void;
}

/** Events of a newer daemon are passed over. */
function toInboxEvent({ event, data }: ServerEvent): InboxEvent | undefined {
  if (event === 'attached') return { kind: 'attached', attached: JSON.parse(data) as AttachedJson };
  if (event === 'item') return { kind: 'item', item: JSON.parse(data) as InboxItemJson };
  return undefined;
}

/**
 * Attaches to the inbox and yields what comes. Ends quietly with the signal; throws the daemon's refusal, or
 * `no_daemon` when the connection is gone.
 */
export async function* openInbox(
  daemon: FoundDaemon,
  { client, signal, onOpen }: InboxFeedOptions,
): AsyncGenerator<InboxEvent, void> {
  const path = `/v1/inbox/events?client=${encodeURIComponent(client)}`;
  for await (const found of openEvents(daemon, { path, signal, onOpen })) {
    const event = toInboxEvent(found);
    if (event !== undefined) yield event;
  }
}
