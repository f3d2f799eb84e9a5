/** Objects in configurations, which anybody may have written. */

/** The value if it is an object, else an empty one: what is not there has no members. */
export function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}
