/**
 * Lines of a table for a terminal: columns two spaces apart, no frames, so that it reads well aloud and in a log.
 */

/** A column is not made wider than this for one long cell (an id fits). */
const WIDTH_MAX = 43;
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
/** What terminals draw two columns wide (an approximation of UAX 11 and UTS 51). */
const WIDE =
  /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|[\uff01-\uff60]|\p{Emoji_Presentation}|\ufe0f/u;

/** Columns that a text takes. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}

/**
 * @param rows the head first, all of one length
 * @param right indexes of columns that end at the right
 */
export function tableLines(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [at, cell] of row.entries())
      widths[at] = Math.max(widths[at] ?? 0, Math.min(displayWidth(cell), WIDTH_MAX));
  }
  return rows.map((row) => {
    const cells = row.map((cell, at) => {
      const gap = ' '.repeat(Math.max(0, (widths[at] ?? 0) - displayWidth(cell)));
      return right.includes(at) ? gap + cell : cell + gap;
    });
    return cells.join('  ').trimEnd();
  });
}
