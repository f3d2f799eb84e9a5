/** From what a person typed to the one id that is meant: a whole id, or enough of its beginning. */
import { fromBase64url, idFromText } from '../../core/bytes.ts';
import { MeshError } from '../../core/errors.ts';
import type { IdRange } from '../../store/index.ts';

/** Characters of an id, and the fewest that are looked up: a given 36 bits are hardly met twice among a million ids. */
const ID_LENGTH = 43;
export const ID_PREFIX_MIN = 6;

/** The ids that begin with `prefix`. Throws `bad_request` for what is neither an id nor the beginning of one. */
export function rangeOf(prefix: string): IdRange {
  const isPart = new RegExp(`^[A-Za-z0-9_-]{${ID_PREFIX_MIN},${ID_LENGTH - 1}}$`).test(prefix);
  // The last character holds four bits: A is the lowest, 8 the highest that an id can end with.
  const from = isPart ? fromBase64url(`${prefix.padEnd(ID_LENGTH - 1, 'A')}A`) : idFromText(prefix);
  const until = isPart ? fromBase64url(`${prefix.padEnd(ID_LENGTH - 1, '_')}8`) : from;
  if (from === undefined || until === undefined)
    throw new MeshError(
      'bad_request',
      `${JSON.stringify(prefix.slice(0, 64))} is no message id: it has ${ID_LENGTH} characters of base64url, and at least the first ${ID_PREFIX_MIN} are needed.`,
    );
  return { from, until };
}

/** Says that several messages begin so. */
export function ambiguous(prefix: string, ids: readonly string[]): MeshError {
  const named = ids.map((id) => id.slice(0, prefix.length + 6)).join(', ');
  return new MeshError(
    'bad_request',
    `More than one message begins with ${prefix} (${named}): give more of it.`,
  );
}
