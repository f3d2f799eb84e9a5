/**
 * Sizes as people write them in options: `1073741824`, `64MiB`, `500MB`. No fractions and no bare `M`: one text means
 * one number. The command line reads the same texts (`cli/byte-size.ts`; a test compares the two).
 */

/** KB and its kin are decimal (SI), KiB and its kin binary (IEC 80000-13). */
const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};
const BINARY = ['TiB', 'GiB', 'MiB', 'KiB'] as const;

/** Bytes, or `undefined` for what is no size or more than a double counts exactly. Case does not matter. */
export function parseByteSize(text: string): number | undefined {
  const parts = /^(\d{1,16}) ?([KMGT]i?B)?$/i.exec(text);
  if (parts === null) return undefined;
  const bytes = Number(parts[1]) * (UNITS[(parts[2] ?? '').toLowerCase()] as number);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** The shortest exact text: `64MiB`, `500000000`. */
export function byteSizeText(bytes: number): string {
  const unit = BINARY.find((name) => bytes > 0 && bytes % (UNITS[name.toLowerCase()] as number) === 0);
  return unit === undefined ? String(bytes) : `${bytes / (UNITS[unit.toLowerCase()] as number)}${unit}`;
}
