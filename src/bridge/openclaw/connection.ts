/**
 * Keeps the inbox of the daemon open: connects, hands items on, and after a failure connects again, later and
 * later.
 */

import type { AttachedJson, InboxEvent, InboxItemJson } from '../../api/client/agent-types.ts';
import { type FoundDaemon, findDaemon } from '../../api/client/find.ts';
import { type InboxFeedOptions, openInbox } from '../../api/client/inbox.ts';
import { AGENT_TOKEN_FILE } from '../../api/client/types.ts';
import { explain } from './desk.ts';
import { CLIENT_NAME } from './names.ts';
import { backoffMs, type Pace } from './retry.ts';

export interface ConnectionEvents {
  /** the daemon has said whom it serves; more than once in a connection where contacts change */
  attached(attached: AttachedJson): void;
  /** the next item is read when this resolves */
  item(item: InboxItemJson): Promise<void>;
  /** the daemon is away: what happened and what to do; `attempt` counts from 1 since the last connection */
  lost(reason: string, attempt: number): void;
}

export interface ConnectionOptions {
  readonly dataFolder: string;
  readonly signal: AbortSignal;
  readonly pace: Pace;
  readonly events: ConnectionEvents;
  /** for tests */
  readonly find?: (dataFolder: string) => FoundDaemon;
  readonly open?: (daemon: FoundDaemon, options: InboxFeedOptions) => AsyncGenerator<InboxEvent, void>;
}

/** Resolves when the signal fires, never before. */
export async function keepConnected({
  dataFolder,
  signal,
  pace,
  events,
  find = (folder) => findDaemon(folder, AGENT_TOKEN_FILE),
  open = openInbox,
}: ConnectionOptions): Promise<void> {
  let attempt = 0;
  while (!signal.aborted) {
    let reason = 'The daemon has ended the connection.';
    try {
      for await (const event of open(find(dataFolder), { client: CLIENT_NAME, signal })) {
        if (event.kind === 'attached') {
          attempt = 0;
          events.attached(event.attached);
        } else {
          await events.item(event.item);
        }
      }
    } catch (error) {
      reason = explain(error);
    }
    if (signal.aborted) return;
    attempt += 1;
    events.lost(reason, attempt);
    await pace.wait(backoffMs(attempt, pace.random()), signal);
  }
}
