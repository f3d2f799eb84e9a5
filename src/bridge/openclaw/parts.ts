/**
 * An answer as messages: chunks of at most so many characters, and at most 64 of them with a word on what is
 * missing.
 */
import { BRIDGE_LIMITS } from './names.ts';

/** Splits at good places, in pieces of at most `charsMax`: the plugin gives OpenClaw's own splitter. */
export type SplitText = (text: string, charsMax: number) => readonly string[];

const CUT_NOTE = '\n\n[The answer was longer than its channel takes. The rest was left out.]';

function isLowSurrogate(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** The beginning of `text`, at most so many UTF-16 units, never half a character. */
export function cutText(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  return text.slice(0, isLowSurrogate(text, charsMax) ? charsMax - 1 : charsMax);
}

/**
 * The messages of an answer, none of them empty.
 * @param free messages that its item may still have: 0 gives none, and the last one that fits says if more
 * was there
 */
export function toParts(
  text: string,
  { charsMax, free, split }: { readonly charsMax: number; readonly free: number; readonly split: SplitText },
): readonly string[] {
  if (free <= 0) return [];
  const chunks = split(text, charsMax).filter((chunk) => chunk.trim() !== '');
  if (chunks.length <= free) return chunks;
  const kept = chunks.slice(0, free);
  const last = kept.pop() ?? '';
  return [
    ...kept,
    cutText(last, Math.min(charsMax, BRIDGE_LIMITS.textCharsMax) - CUT_NOTE.length) + CUT_NOTE,
  ];
}
