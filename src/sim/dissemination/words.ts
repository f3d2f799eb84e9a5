/** The figures of dissemination in words, as lines of a report. */
import type { DisseminationFigures, UsedTree } from './figures.ts';

const two = (value: number): string => value.toFixed(2);
const ms = (value: number): string => `${Math.round(value)} ms`;

/** Three lines: trees, hops, latency. */
export function shortWords(figures: DisseminationFigures): string[] {
  const { relaysTouched, touchedPerInterested: share, relaysCrossed: hops } = figures;
  const { latencyMs, floodMs, latencyPerFlood: ratio, late, unreachable } = figures;
  return [
    `  trees        relays touched: ${relaysTouched.median} (median); for each interested one ` +
      `${two(share.median)} (median), ${two(share.p90)} (90%), ${two(share.p99)} (99%)`,
    `  hops         relays crossed: ${hops.median} (median), ${hops.p90} (90%), ${hops.p99} (99%), ${hops.max} (most)`,
    `  latency      ${two(ratio.median)} times that of a flood (median), ${two(ratio.p90)} (90%), ${two(ratio.p99)} (99%); ` +
      `${ms(latencyMs.median)} against ${ms(floodMs.median)}` +
      `${late + unreachable > 0 ? `; ${late} by catch-up, ${unreachable} to peers that were cut off` : ''}`,
  ];
}

function* treeWords({
  id,
  channel,
  author,
  edges,
  relaysTouched,
  relaysInterested,
}: UsedTree): Generator<string> {
  yield `  The way of ${id.slice(0, 8)} in ${channel}: ${relaysTouched} relays touched, ${relaysInterested} interested`;
  const children = new Map<string, string[]>();
  for (const [from, to] of edges) children.set(from, [...(children.get(from) ?? []), to]);
  const open = [{ name: author, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { name, depth } = next;
    const below = children.get(name) ?? [];
    yield `    ${'  '.repeat(depth)}${name}`;
    open.push(...below.toReversed().map((child) => ({ name: child, depth: depth + 1 })));
  }
}

/** A table by the size of channels, and the way of one message. */
export function longWords(figures: DisseminationFigures, tree: UsedTree | undefined): string[] {
  const rows = figures.bySize.map(
    ({ interestedMax, messages, touchedPerInterested: share, copiesPerRelay }) => {
      const cells = [
        String(messages),
        two(share.median),
        two(share.p90),
        two(share.p99),
        two(share.max),
        two(copiesPerRelay),
      ];
      return `    up to ${String(interestedMax).padEnd(5)} ${cells.map((cell) => cell.padStart(9)).join('')}`;
    },
  );
  const head = ['messages', 'median', '90%', '99%', 'most', 'copies']
    .map((cell) => cell.padStart(9))
    .join('');
  return [
    '  Relays touched for each interested one, by the number of these, and copies for each relay touched:',
    `    ${'interested'.padEnd(11)} ${head}`,
    ...rows,
    `  Copies for each relay touched ${two(figures.copiesPerRelay)}, for each leaf ${two(figures.copiesPerLeaf)}`,
    ...(tree === undefined ? [] : treeWords(tree)),
  ];
}
