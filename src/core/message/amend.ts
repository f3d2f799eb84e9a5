/**
 * Edits and deletes: messages that change what an earlier message of their author is, named by a reference. Whether one
 * counts follows from two signed headers alone, so that all peers agree, in whatever order the two come.
 *
 * A **delete** has a reference `delete`, no content, and never expires. It counts for a message of the same author in the
 * same channel that is not later than it. So wherever that message may still be known, its delete is: it goes below the
 * floor no sooner, and its header is all that there is of it. A delete cannot be deleted, and a message that began at a
 * mesh/1 peer cannot either, for its header does not prove its id.
 *
 * An **edit** is a post with a reference `edit`. It counts by the same rule of author, channel and time.
 *
 * In a feed there is neither: `channel/feed.ts` says why.
 */
import { type Bytes, equal } from '../bytes.ts';
import { isFeed } from '../channel/channel.ts';
import { MESSAGE_KIND, type Message, RELATION, type Ref } from './message.ts';
import { compareTime, type Time } from './time.ts';

/** What a message amends, as the store keeps it. */
export const AMENDS = { nothing: 0, edits: 1, deletes: 2 } as const;
export type Amends = (typeof AMENDS)[keyof typeof AMENDS];

/** What a delete or an edit is compared with. */
export interface Amendable {
  readonly author: Bytes;
  readonly channel: string;
  readonly time: Time;
}

type Facts = Pick<Message, 'kind' | 'channel' | 'refs' | 'expiresMs'> & { readonly isEmpty: boolean };

/** Whether a message edits or deletes others; either is no post of its own. @param facts `isEmpty`: it has no content */
export function amendsOf({ kind, channel, refs, expiresMs, isEmpty }: Facts): Amends {
  if (isFeed(channel)) return AMENDS.nothing;
  if (isEmpty && expiresMs === 0 && refs.some(({ relation }) => relation === RELATION.delete))
    return AMENDS.deletes;
  const isEdit = kind === MESSAGE_KIND.post && refs.some(({ relation }) => relation === RELATION.edit);
  return isEdit ? AMENDS.edits : AMENDS.nothing;
}

/** {@link amendsOf} for a message with its content. */
export function amends(message: Message): Amends {
  const { kind, channel, refs, expiresMs, body, payload } = message;
  return amendsOf({ kind, channel, refs, expiresMs, isEmpty: body === '' && payload.length === 0 });
}

/** Whether a message deletes others. */
export function isDelete(message: Message): boolean {
  return amends(message) === AMENDS.deletes;
}

/** The ids that a message edits or deletes, none if it does neither. Whether it counts for them is another question. */
export function targetsOf(refs: readonly Ref[], what: Amends): readonly Bytes[] {
  if (what === AMENDS.nothing) return [];
  const wanted = what === AMENDS.deletes ? RELATION.delete : RELATION.edit;
  return refs.filter(({ relation }) => relation === wanted).map(({ id }) => id);
}

/** Whether a delete that counts for a message has any effect on it. */
export function isDeletable(message: Message): boolean {
  return !message.isMesh1 && !isDelete(message);
}

/** Whether what `by` says of its targets counts for one of this author, channel and time. */
export function countsFor(by: Amendable, target: Amendable): boolean {
  if (by.channel !== target.channel || !equal(by.author, target.author)) return false;
  return compareTime(by.time, target.time) >= 0;
}
