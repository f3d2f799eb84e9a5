/**
 * Keeps the inbox of the daemon open: connects, hands items on, and after a failure connects again, later and
 * later.
 */

import type { AttachedJson, InboxEvent, InboxItemJson } from '../../api/client/agent-types.ts';
import { type FoundDaemon, findDaemon } from '../../api/client/find.ts';
import { type InboxFeedOptions, openInbox } from '../../api/client/inbox.ts';
import { AGENT_TOKEN_FILE } from '../../api/client/types.ts';
import { explain } from './desk.ts';
import { BRIDGE_LIMITS, CLIENT_NAME } from './names.ts';
import { backoffMs, type Pace } from './retry.ts';

/** Lets others end the running connection, so that the daemon hands over again what nobody has acknowledged. */
export class Reattach {
  #controller = new AbortController();

  /** The signal of the next connection. */
  begin(): AbortSignal {
    this.#controller = new AbortController();
    return this.#controller.signal;
  }

  /** Ends the running connection; the next one follows by itself. */
  request(): void {
    this.#controller.abort();
  }
}

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
  readonly reattach: Reattach;
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
  reattach,
  find = (folder) => findDaemon(folder, AGENT_TOKEN_FILE),
  open = openInbox,
}: ConnectionOptions): Promise<void> {
  let attempt = 0;
  while (!signal.aborted) {
    let reason = 'The daemon has ended the connection.';
    const ending = AbortSignal.any([signal, reattach.begin()]);
    const begunMs = pace.nowMs();
    try {
      for await (const event of open(find(dataFolder), { client: CLIENT_NAME, signal: ending })) {
        if (event.kind === 'attached') {
          events.attached(event.attached);
        } else {
          await events.item(event.item);
        }
      }
    } catch (error) {
      reason = explain(error);
    }
    if (signal.aborted) return;
    // A connection that did not last counts as a failed try: a second gateway may be taking this one's place, again and
    // again, and each time costs an attempt of every item.
    if (pace.nowMs() - begunMs >= BRIDGE_LIMITS.lastingMs) attempt = 0;
    attempt += 1;
    events.lost(reason, attempt);
    await pace.wait(backoffMs(attempt, pace.random()), signal);
  }
}
