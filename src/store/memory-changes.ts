/** What edits and deletes have changed, in the memory store: `sqlite-changes.ts` as plain walks. */
import { AMENDS, countsFor } from '../core/message/amend.ts';
import { MESSAGE_KIND } from '../core/message/message.ts';
import { comparePosition } from '../core/persistence.ts';
import { type Amended, ChangePageFill } from './change-page.ts';
import type { MemoryTables, Row } from './memory-tables.ts';
import type { ChangePage, Store, StoredMessage } from './store.ts';

type ChangeQuery = Parameters<Store['readChanges']>[0];

interface Parts {
  /** whether the reader follows its channel */
  readonly isAsked: (row: Row) => boolean;
  /** as clients see it; `undefined` where it is not held */
  readonly stored: (row: Row) => StoredMessage | undefined;
}

export function readChanges(tables: MemoryTables, query: ChangeQuery, parts: Parts): ChangePage {
  const { after, limit, wallMs } = query;
  const read = (id: string) => {
    const row = tables.byId.get(id);
    return row && parts.stored(row);
  };
  const fill = new ChangePageFill({ limit, wallMs, read });
  if (limit === 0) return fill.page(after);
  for (const row of tables.arrivals) {
    if (row.arrival <= after || row.header.amends === AMENDS.nothing || !parts.isAsked(row)) continue;
    if (fill.add(amendedBy(tables, row))) return fill.page(row.arrival);
  }
  return fill.page(undefined);
}

/** Targets that an edit or delete counts for, of those that came before `arrival`. */
function targetsOf(tables: MemoryTables, { header }: Row, arrival: number): Row[] {
  return header.targets.flatMap((id) => {
    const row = tables.byId.get(id);
    return row && row.arrival < arrival && countsFor(header, row.header) ? [row] : [];
  });
}

const isPost = ({ header: { kind, amends } }: Row): boolean =>
  kind === MESSAGE_KIND.post && amends === AMENDS.nothing;

/** Whether a delete before `arrival` is seen to count already, as `sqlite-changes.ts` looks: at the ends by time. */
function wasDeleted(tables: MemoryTables, { header }: Row, arrival: number): boolean {
  const deletes = (tables.amending.get(header.idText) ?? [])
    .filter((by) => by.header.amends === AMENDS.deletes && countsFor(by.header, header))
    .sort((a, b) => comparePosition(a.header, b.header));
  return [deletes.at(0), deletes.at(-1)].some((by) => by !== undefined && by.arrival < arrival);
}

function amendedBy(tables: MemoryTables, by: Row): Amended | undefined {
  const { arrival, header } = by;
  const isEdit = header.amends === AMENDS.edits;
  if (isEdit && by.message === undefined) return undefined;
  const targets = targetsOf(tables, by, arrival);
  const gone = targets.filter((row) => row.isDeleted);
  const ofEdits = gone
    .filter((row) => row.header.amends === AMENDS.edits && !wasDeleted(tables, row, arrival))
    .flatMap((row) => targetsOf(tables, row, arrival));
  const edited = (isEdit ? targets : ofEdits).filter((row) => isPost(row) && !row.isDeleted);
  const deleted = isEdit ? [] : gone.filter(isPost);
  const idOf = (row: Row) => row.header.idText;
  return {
    ...{ arrival, channel: header.channel },
    deleted: [...new Set(deleted.map(idOf))],
    edited: new Set(edited.map(idOf)),
  };
}
