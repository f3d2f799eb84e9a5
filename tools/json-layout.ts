/** JSON files that are generated look as if the formatter of this repository had written them. */

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** Columns, as in `biome.json`. */
const WIDTH = 110;

/** Lists of plain values on one line where they fit. */
function write(value: Json, indent: string, before: number): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const flat = `[${value.map((one) => JSON.stringify(one)).join(', ')}]`;
    const isPlain = value.every((one) => typeof one !== 'object');
    if (value.length === 0 || (isPlain && before + flat.length <= WIDTH)) return flat;
    return `[\n${value.map((one) => inner + write(one, inner, inner.length)).join(',\n')}\n${indent}]`;
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return '{}';
  const members = entries.map(([key, one]) => {
    const name = `${inner}${JSON.stringify(key)}: `;
    return name + write(one, inner, name.length);
  });
  return `{\n${members.join(',\n')}\n${indent}}`;
}

/** A whole file: lists of plain values on one line where they fit, all else on lines of its own. */
export function layoutJson(value: Json): string {
  return `${write(value, '', 0)}\n`;
}
