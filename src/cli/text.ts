/**
 * Text from the mesh on its way to a terminal. Anybody may write it, so nothing in it may move the cursor, change
 * colours, reorder what is shown or hide: such characters are written out.
 */

/**
 * Control characters (C0, DEL, C1), line and paragraph separators, marks that change the direction of writing,
 * invisible characters that carry no meaning alone (soft hyphen, zero-width space, word joiner, tags, byte-order
 * mark), and halves of surrogate pairs. The joiners that scripts and emoji need stay.
 */
const HIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|\p{Surrogate}/gu;

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}

/** One line of text with everything hidden written out, such as `\x1b`. Tabs become spaces. */
export function visibleLine(text: string): string {
  return text.replaceAll('\t', '  ').replace(HIDDEN, escapeCharacter);
}

/** Text of several lines: each further one begins with `indent`, so that none can pose as a message of its own. */
export function visibleText(text: string, indent: string): string {
  return text
    .split(/\r\n|\n/)
    .map(visibleLine)
    .join(`\n${indent}`);
}

/** A name as one word of a shell, in a command to copy. */
export function shellWord(text: string): string {
  const shown = visibleLine(text);
  return /^[\w./:@-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", "'\\''")}'`;
}

/** JSON of a value in one line of the same meaning that is safe on a terminal: `JSON.stringify` leaves C1 as it is. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(HIDDEN, (character) =>
    [...Array(character.length).keys()]
      .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

/** Enough of an id to tell people apart in a list. */
export function shortId(id: string): string {
  return visibleLine(id.slice(0, 8));
}

/** An ISO time as local date and time to the second. What is no time is shown as it is. */
export function localTime(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return visibleLine(iso);
  const two = (n: number) => String(n).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}
