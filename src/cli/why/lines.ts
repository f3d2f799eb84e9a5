/** The whole answer to "why" in words: one clear line, the reasons, the path. */
import type { WhyJson } from '../../api/client/index.ts';
import { shortId } from '../text.ts';
import { otherLines } from './other-lines.ts';
import { ownLines } from './own-lines.ts';
import { pathLines } from './path-lines.ts';

function* equivocationLines({ equivocation, own }: WhyJson): Generator<string> {
  if (equivocation === null) return;
  const ids = `${shortId(equivocation.first.id)} and ${shortId(equivocation.second.id)}`;
  yield `Beware:    its author has signed two messages after the same one, ${ids}:`;
  yield own
    ? '           somebody else uses the key of this identity, or a copy of this daemon runs elsewhere'
    : '           others may have been shown another history; both are kept, and --json has the proof';
}

export function* whyLines(why: WhyJson): Generator<string> {
  if (why.delivery === null || why.here.state === 'deleted') yield* otherLines(why);
  else yield* ownLines(why, why.delivery);
  yield* equivocationLines(why);
  const path = [...pathLines(why)];
  if (path.length === 0) return;
  yield '';
  yield* path;
}
