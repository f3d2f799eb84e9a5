/**
 * Who may run OpenClaw's commands ("/status", "/model ...") through the mesh.
 *
 * Only identities that the owner wrote into `commands.ownerAllowFrom` as `mesh:IDENTITY`. OpenClaw makes the
 * first approved sender of any channel the owner where that list is empty; a channel that strangers can reach
 * must not leave it so. Everybody else's text is text: OpenClaw is told not to look for commands in it,
 * because a command of somebody without authority ends in a failure notice instead of an answer.
 */
import type { InboxItemJson } from '../../api/client/agent-types.ts';
import { CHANNEL_ID } from './names.ts';
import { asRecord } from './record.ts';

/** An entry of the list for an identity. */
export function toOwnerEntry(identity: string): string {
  return `${CHANNEL_ID}:${identity}`;
}

function readOwners(config: unknown): readonly unknown[] {
  const { ownerAllowFrom } = asRecord(asRecord(config).commands);
  return Array.isArray(ownerAllowFrom) ? ownerAllowFrom : [];
}

/** True if anybody owns the commands of this gateway, through whatever channel. */
export function hasOwner(config: unknown): boolean {
  return readOwners(config).some((entry) => String(entry).trim() !== '');
}

/** True for an identity that the list names for this channel. `*` names nobody: it would name strangers. */
export function isOwner(config: unknown, identity: string): boolean {
  return readOwners(config).some((entry) => String(entry).trim() === toOwnerEntry(identity));
}

/**
 * Whether an item is the owner's own word. An identity speaks for a person and for the person's agent, and that agent may
 * have been talked into something: what it says by itself is not the owner's.
 */
export function isOwnersWord(config: unknown, { from, hops }: Pick<InboxItemJson, 'from' | 'hops'>): boolean {
  return hops === 0 && isOwner(config, from.identity);
}

/** Who OpenClaw is told has sent an item. An agent is not its owner, so that no entry for the owner fits it. */
export function senderOf({ from, hops }: Pick<InboxItemJson, 'from' | 'hops'>): string {
  return hops === 0 ? from.identity : `${from.identity}#agent`;
}

/** The configuration with one more owner. */
export function withOwner<T extends object>(config: T, identity: string): T {
  if (isOwner(config, identity)) return config;
  const ownerAllowFrom = [...readOwners(config), toOwnerEntry(identity)];
  return { ...config, commands: { ...asRecord(asRecord(config).commands), ownerAllowFrom } };
}
