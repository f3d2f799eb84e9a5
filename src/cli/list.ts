/** Lists as commands show them: a table with a head for people, an object a line with `--json`. */
import type { CommandContext } from './command.ts';
import { paint, print } from './print.ts';
import { tableLines } from './table.ts';
import { jsonLine } from './text.ts';

export interface ListWords<T> {
  readonly head: readonly string[];
  readonly row: (item: T) => readonly string[];
  /** columns of numbers */
  readonly right?: readonly number[];
  /** the line in place of a table without rows */
  readonly empty: string;
}

/** Prints a list. @returns whether it was a table */
export async function printList<T>(
  { io, global }: Pick<CommandContext, 'io' | 'global'>,
  items: readonly T[],
  { head, row, right, empty }: ListWords<T>,
): Promise<boolean> {
  if (global.json) {
    for (const item of items) await print(io, jsonLine(item));
    return false;
  }
  if (items.length === 0) {
    await print(io, empty);
    return false;
  }
  const [first = '', ...lines] = tableLines([head, ...items.map(row)], right);
  await print(io, paint(io, io.stdout, 'bold', first));
  for (const line of lines) await print(io, line);
  return true;
}
