/** How the memory store answers `split` and `ids`: plain walks over rows; see `memory.ts`. */
import {
  comparePosition,
  type Position,
  type PositionRange,
  type Query,
  type QueryAnswer,
} from '../core/persistence.ts';
import { hourOf, RunningSum } from './buckets.ts';
import { lowerIndex, type MemoryTables, type Row } from './memory-tables.ts';
import type { SplitSource } from './split.ts';

function rowsIn(tables: MemoryTables, tag: string, { from, until }: PositionRange): readonly Row[] {
  const rows = tables.byTag.get(tag) ?? [];
  const [first, end] = [from, until].map((bound) =>
    lowerIndex(rows, (row) => comparePosition(row.header, bound) >= 0),
  );
  return rows.slice(first, end);
}

function positionOf(row: Row | undefined): Position | undefined {
  return row && { time: row.header.time, id: row.header.id };
}

export function splitSource(tables: MemoryTables, tag: string): SplitSource {
  let walked = 0;
  return {
    hours: (fromMinute, untilMinute) => {
      const hours = new Map<number, RunningSum>();
      for (const [minute, sum] of tables.minutes.get(tag) ?? []) {
        const hour = hourOf(minute);
        if (hour >= fromMinute && hour < untilMinute)
          hours.set(hour, (hours.get(hour) ?? new RunningSum()).add(sum));
      }
      return [...hours]
        .map(([start, { count, sum }]) => ({ start, count, sum }))
        .sort((a, b) => a.start - b.start);
    },
    take: (range, most) => {
      const rows = rowsIn(tables, tag, range);
      const taken = rows.slice(0, most);
      walked += taken.length;
      const sum = new RunningSum();
      for (const { header } of taken) sum.addId(header.id);
      return { sum, last: positionOf(taken.at(-1)), next: positionOf(rows[taken.length]), isTired: false };
    },
    isTired: () => false,
    get walked() {
      return walked;
    },
  };
}

export function ids(
  tables: MemoryTables,
  { tag, ranges, limit }: Extract<Query, { kind: 'ids' }>,
): Extract<QueryAnswer, { kind: 'ids' }> {
  const positions: Position[][] = [];
  let left = limit;
  for (const range of ranges) {
    if (left === 0) break;
    const rows = rowsIn(tables, tag, range);
    positions.push(rows.slice(0, left).map(({ header: { time, id } }) => ({ time, id })));
    if (rows.length > left) return { kind: 'ids', positions, next: positionOf(rows[left]) };
    left -= rows.length;
  }
  return { kind: 'ids', positions, next: undefined };
}
