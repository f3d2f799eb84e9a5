/** SVG as text: numbers short and the same everywhere, texts escaped. */

export type Attributes = Readonly<Record<string, string | number>>;

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

export function escapeText(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => ESCAPES[letter] ?? letter);
}

/** At most two decimals: below that nobody sees a difference. */
export function short(value: number): string {
  return String(Math.round(value * 100) / 100 + 0);
}

/** An element. @param inside SVG that is inside of it, '' for none */
export function element(name: string, attributes: Attributes, inside = ''): string {
  const pairs = Object.entries(attributes).map(([key, value]) => {
    return ` ${key}="${typeof value === 'number' ? short(value) : escapeText(value)}"`;
  });
  return inside === '' ? `<${name}${pairs.join('')}/>` : `<${name}${pairs.join('')}>${inside}</${name}>`;
}

/** A text at a place; `anchor` as SVG has it. */
export function text(x: number, y: number, words: string, attributes: Attributes = {}): string {
  return element('text', { x, y, ...attributes }, escapeText(words));
}

export function line(x1: number, y1: number, x2: number, y2: number, attributes: Attributes): string {
  return element('line', { x1, y1, x2, y2, ...attributes });
}

export function circle(x: number, y: number, r: number, attributes: Attributes, inside = ''): string {
  return element('circle', { cx: x, cy: y, r, ...attributes }, inside);
}

export function group(attributes: Attributes, parts: readonly string[]): string {
  return element('g', attributes, `\n${parts.join('\n')}\n`);
}
