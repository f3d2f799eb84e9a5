/**
 * What a feed keeps: of each kind the record with the highest (time, id) survives, of recovery certificates the two with
 * the lowest. All others are superseded, which makes them unknown for everyone. The rule looks at signed headers only.
 *
 * Invariants:
 * 1. What survives of some records together is what survives of what survived of any parts of them. So peers that saw the
 *    same keep the same, in whatever order and however often it came, and what somebody missed changes nothing for others.
 * 2. A record that expires survives never. When it had gone, what it superseded would come back from those who had not seen
 *    it. For the same reason nothing is edited or deleted in a feed (`message/amend.ts`): a newer record takes the place.
 */
import { MESSAGE_KIND } from '../message/message.ts';
import { comparePosition, type Position } from '../persistence.ts';

/** What the rule looks at. */
export interface FeedRecord extends Position {
  /** ms, 0 for never */
  readonly expiresMs: number;
}

/** Recovery certificates of a feed that survive: the first one counts, and a second one proves that there are two. */
const CERTIFICATES_MAX = 2;

/** Those of the records of one kind in one feed that do not survive. */
export function supersededOf<T extends FeedRecord>(kind: number, records: readonly T[]): readonly T[] {
  const lasting = records.filter(({ expiresMs }) => expiresMs === 0).sort(comparePosition);
  const kept =
    kind === MESSAGE_KIND.recoveryCertificate ? lasting.slice(0, CERTIFICATES_MAX) : lasting.slice(-1);
  return records.filter((record) => !kept.includes(record));
}
