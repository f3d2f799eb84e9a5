/** The whole answer to "why" in words: one clear line, the reasons, the path. */
import type { WhyJson } from '../../api/client/index.ts';
import { otherLines } from './other-lines.ts';
import { ownLines } from './own-lines.ts';
import { pathLines } from './path-lines.ts';

export function* whyLines(why: WhyJson): Generator<string> {
  if (why.delivery === null) yield* otherLines(why);
  else yield* ownLines(why, why.delivery);
  const path = [...pathLines(why)];
  if (path.length === 0) return;
  yield '';
  yield* path;
}
