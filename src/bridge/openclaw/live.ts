/**
 * What runs in this gateway, by account.
 *
 * OpenClaw evaluates a plugin's modules more than once in one process (once for the channel, once for its
 * tools), so a variable of a module is not shared. This lives on `globalThis` under a symbol that only we
 * use.
 */
import type { AttachedJson } from '../../api/client/agent-types.ts';
import type { InboxWorker } from './worker.ts';

export interface LiveAccount {
  readonly worker: InboxWorker;
  /** of the running connection; undefined while the daemon is away */
  attached: AttachedJson | undefined;
}

interface Live {
  readonly accounts: Map<string, LiveAccount>;
}

const KEY = Symbol.for('openclaw-messaging.plugin');

/** The one state of this process. */
export function live(): Live {
  const holder = globalThis as { [KEY]?: Live };
  holder[KEY] ??= { accounts: new Map() };
  return holder[KEY];
}

/** Identities that may wake the agent, as the daemon says; none while it is away. */
export function contactsOf(accountId: string): readonly string[] {
  const attached = live().accounts.get(accountId)?.attached;
  return attached === undefined ? [] : attached.contacts.map((contact) => contact.identity);
}
