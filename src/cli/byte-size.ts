/**
 * Sizes of the command line: `100MB` to bytes, and bytes to words. It reads what the daemon's options read
 * (`daemon/byte-size.ts`, which a client does not import; a test compares the two).
 */
import { UsageError } from './exit.ts';

/** Decimal and binary units (IEC 80000-13), largest first. */
const UNITS: readonly (readonly [name: string, bytes: number])[] = [
  ['TiB', 2 ** 40],
  ['TB', 1e12],
  ['GiB', 2 ** 30],
  ['GB', 1e9],
  ['MiB', 2 ** 20],
  ['MB', 1e6],
  ['KiB', 2 ** 10],
  ['KB', 1e3],
];

/** Bytes of `64MiB`, `1 GiB`, `500MB` or plain digits; `undefined` for anything else. */
export function parseByteSize(text: string): number | undefined {
  const parts = /^(\d{1,16}) ?([KMGT]i?B)?$/i.exec(text);
  if (parts === null) return undefined;
  const unit = parts[2]?.toLowerCase();
  const factor = UNITS.find(([name]) => name.toLowerCase() === unit)?.[1] ?? 1;
  const bytes = Number(parts[1]) * factor;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** A size within bounds. Throws {@link UsageError}. */
export function parseSize(name: string, text: string, min: number, max: number): number {
  const bytes = parseByteSize(text);
  if (bytes !== undefined && bytes >= min && bytes <= max) return bytes;
  throw new UsageError(
    `${name} must be a size from ${sizeText(min)} to ${sizeText(max)}, such as 100MB, 64MiB or 1GiB, not "${text}".`,
  );
}

/** A size for people: what is a whole number of a unit exactly, else rounded: `1 GiB`, `500 MB`, `1.4 MiB`. */
export function sizeText(bytes: number): string {
  const whole = UNITS.filter(([name]) => name.includes('i') || name === 'MB' || name === 'GB').find(
    ([, factor]) => bytes >= factor && bytes % factor === 0 && bytes / factor < 10_000,
  );
  if (whole !== undefined) return `${bytes / whole[1]} ${whole[0]}`;
  const [name, factor] = UNITS.find(([unit, size]) => unit.includes('i') && bytes >= size) ?? ['bytes', 1];
  const value = bytes / factor;
  return `${factor === 1 ? value : value.toFixed(value >= 100 ? 0 : 1)} ${name}`;
}
