/** Drafts and activities as `mesh read --live` shows them: a line each, which the final message follows. */
import type { EphemeralJson } from '../api/client/index.ts';
import type { CommandContext } from './command.ts';
import { paint, print } from './print.ts';
import { jsonLine, localTime, shortId, visibleLine } from './text.ts';

/** Characters of a draft that are shown: its end, which is what is new (guess: a line of a terminal). */
const SHOWN = 60;

/** The last characters of a text on one line; no character is cut in its middle. */
function tail(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  if (line.length <= SHOWN) return visibleLine(line);
  return `…${visibleLine(line.slice(-SHOWN).replace(/^[\udc00-\udfff]/, ''))}`;
}

function wordsOf({ kind, doing, state, text }: EphemeralJson): string {
  if (state === 'cancelled') return kind === 'draft' ? 'breaks off' : 'stops';
  if (kind === 'draft') return `${state === 'ended' ? 'has written' : 'writes'}: ${tail(text)}`;
  const about = text === '' ? '' : `: ${tail(text)}`;
  if (state === 'ended') return `is done${about}`;
  const names = { typing: 'is typing', tool: 'uses a tool', reasoning: 'is thinking' };
  return `${doing === null ? 'is busy' : names[doing]}${about}`;
}

/** Shows one of them; with `--json` it is an object without `id`, because nobody can ask for it again. */
export async function showEphemeral({ io, global }: CommandContext, ephemeral: EphemeralJson): Promise<void> {
  if (global.json) {
    await print(io, jsonLine(ephemeral));
    return;
  }
  const line = `${localTime(ephemeral.time)}  ${shortId(ephemeral.author)} ${wordsOf(ephemeral)}`;
  await print(io, paint(io, io.stdout, 'dim', line));
}
