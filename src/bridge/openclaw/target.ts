/**
 * What OpenClaw calls a target: where a message goes.
 *
 * - `channel:NAME` is an open channel. The name may hold almost anything, colons too, so only the first one
 *   divides.
 * - `reply:NUMBER:NAME` is the answer to an item of the inbox in that channel. It is what a turn gets as its
 *   place to answer. OpenClaw stores it with the session, and uses it again where it delivers without us:
 *   when it resumes a turn that a crash has cut, when it sends a stored answer again, when a helper of the
 *   agent reports late. So such a text still finds its item, and the daemon publishes each part of an answer
 *   once.
 *
 * Both may have `mesh:` before them, as OpenClaw writes targets where the channel is not clear.
 */
import { BRIDGE_LIMITS, CHANNEL_ID } from './names.ts';

export type Target =
  | { readonly kind: 'channel'; readonly channel: string }
  | { readonly kind: 'reply'; readonly channel: string; readonly number: number };

const PREFIX = new RegExp(`^${CHANNEL_ID}:`, 'i');

function isName(name: string): boolean {
  const bytes = Buffer.byteLength(name, 'utf8');
  return bytes >= 1 && bytes <= BRIDGE_LIMITS.channelBytesMax;
}

/** The target that a text names, or undefined. Spaces around it do not count. */
export function parseTarget(text: string): Target | undefined {
  const bare = text.trim().replace(PREFIX, '');
  const reply = /^reply:([1-9]\d{0,15}):/i.exec(bare);
  if (reply !== null) {
    const channel = bare.slice(reply[0].length);
    return isName(channel) ? { kind: 'reply', number: Number(reply[1]), channel } : undefined;
  }
  const found = /^channel:/i.exec(bare);
  if (found === null) return undefined;
  const channel = bare.slice(found[0].length);
  return isName(channel) ? { kind: 'channel', channel } : undefined;
}

/** The one spelling of a target, without `mesh:`. */
export function formatTarget(target: Target): string {
  return target.kind === 'channel' ? `channel:${target.channel}` : `reply:${target.number}:${target.channel}`;
}

export const TARGET_HINT = 'channel:NAME';

/** What a person is told about a text that is no target. */
export function explainTarget(text: string): string {
  return (
    `"${text}" is no target of the mesh. Write ${TARGET_HINT}, with the name of an open channel of 1 to ` +
    `${BRIDGE_LIMITS.channelBytesMax} bytes, such as channel:lobby.`
  );
}

/** A target or an error that says what to write. */
export function requireTarget(text: string): Target {
  const target = parseTarget(text);
  if (target === undefined) throw new Error(explainTarget(text));
  return target;
}
