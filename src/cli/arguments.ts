/**
 * Values of arguments: yargs gives text, and what it should mean is checked here, with an error that names it.
 */
import { UsageError } from './exit.ts';

/** A whole number from `min` to `max`. Throws {@link UsageError}. */
export function parseWhole(name: string, text: string, min: number, max: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`${name} must be a whole number from ${min} to ${max}, not "${text}".`);
}

/** An id, or the beginning of one: 6 to 43 characters. @param of whose id, such as `a peer`. Throws {@link UsageError}. */
export function parseIdStart(name: string, text: string, of: string): string {
  if (/^[A-Za-z0-9_-]{6,43}$/.test(text)) return text;
  throw new UsageError(
    `${name} must be the id of ${of}, or at least the first 6 characters of it, not "${text}".`,
  );
}

/** Seconds, with up to three decimals. Throws {@link UsageError}. */
export function parseSeconds(name: string, text: string, max: number): number {
  const value = /^\d{1,6}(?:\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (value <= max) return value;
  throw new UsageError(`${name} must be a number of seconds up to ${max}, not "${text}".`);
}

const TIME_UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * A moment in the past, ms since 1970: how long ago (`90s`, `15m`, `2h`, `7d`) or a time in ISO 8601, which without a zone
 * is local time. Throws {@link UsageError}.
 */
export function parseSince(name: string, text: string, nowMs: number): number {
  const ago = /^(\d{1,6})([smhd])$/.exec(text);
  if (ago !== null) return nowMs - Number(ago[1]) * (TIME_UNITS[ago[2] as string] as number);
  const timeMs = /^\d{4}-\d\d-\d\d(?:T|$)/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(timeMs)) return timeMs;
  throw new UsageError(`${name} must be like 90s, 15m, 2h, 7d or 2026-11-29T06:00, not "${text}".`);
}

/** Throws {@link UsageError} with `bad_payload` for what is no JSON text. */
export function checkPayload(text: string): void {
  try {
    JSON.parse(text);
  } catch {
    throw new UsageError(`--payload is not JSON: ${text.slice(0, 80)}`, {
      code: 'bad_payload',
      help: 'mesh send --help',
    });
  }
}

/** The names in a list such as `anna,berta`; no name contains a comma. */
export function splitNames(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}
