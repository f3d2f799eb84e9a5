/** Numbers as people read them. */

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `812 bytes`, `4.0 GiB` */
export function bytesText(bytes: number): string {
  let value = bytes;
  let at = 0;
  while (value >= 1024 && at < UNITS.length - 1) {
    value /= 1024;
    at++;
  }
  return `${at === 0 ? value : value.toFixed(1)} ${UNITS[at]}`;
}

const STEPS: readonly (readonly [ms: number, name: string])[] = [
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
  [1000, 'second'],
];

/** `3 minutes`: the largest unit of which there are two, else the next smaller one. */
export function durationText(ms: number): string {
  const [unit, name] = STEPS.find(([step]) => ms >= 2 * step) ?? [1000, 'second'];
  const n = Math.round(ms / unit);
  return `${n} ${name}${n === 1 ? '' : 's'}`;
}

export function countText(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** At most `max` items as one text; how many more there are is told. */
export function listText(items: readonly string[], max: number): string {
  const shown = items.slice(0, max).join(', ');
  return items.length > max ? `${shown} and ${items.length - max} more` : shown;
}
