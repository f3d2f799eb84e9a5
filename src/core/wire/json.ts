/** Reading JSON that somebody else wrote: nothing of it is believed, and nothing of it is found in a prototype. */

export type Fields = Readonly<Record<string, unknown>>;

/** The value of a JSON text, or `undefined` where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // SyntaxError is the only one that JSON.parse throws
  }
}

/** Own properties of a JSON object, or `undefined` for anything else: `__proto__` in the text is an own property. */
export function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

export function own(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}
