/** Messages of reconciliation as a peer made by hand writes and reads them. */
import { type Bytes, toBase64url } from '../../core/bytes.ts';
import { LIMITS } from '../../core/limits.ts';
import { INFINITY } from '../../core/sync/negentropy/bounds.ts';
import { decodeMessage, MessageWriter, type Range } from '../../core/sync/negentropy/codec.ts';

/** Everything that there is, of which its sender has nothing. */
export const NOTHING: Range = { upper: INFINITY, mode: 'idList', ids: [] };

/** @param ranges ascending */
export function messageOf(...ranges: readonly Range[]): Bytes {
  const writer = new MessageWriter(LIMITS.reconcileBytesMax);
  for (const range of ranges) writer.write(range);
  return writer.finish();
}

/** The ids of each range of a message, as texts; none where it is no list. */
export function idsIn(message: Bytes): string[][] {
  const decoded = decodeMessage(message);
  if (!decoded.ok) throw new Error(`the daemon sent a message that is none: ${decoded.reason}`);
  return decoded.ranges.map((range) =>
    range.mode === 'idList' ? range.ids.map((id) => toBase64url(id)) : [],
  );
}
