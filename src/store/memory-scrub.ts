/**
 * {@link ScrubStore} of the memory store. Memory does not rot: a test or the simulator says which contents are damaged, and
 * a pass finds those, with the results that `sqlite-scrub.ts` has. Until then they are read as if nothing were wrong.
 */
import { isUnconfirmed, type MemoryTables, type Row } from './memory-tables.ts';
import type { DamagedChannel, ScrubBudget, ScrubPage, ScrubState, ScrubStore } from './scrub-store.ts';

/** What a scrub remembers; it stays over a crash as the rows do. */
export class ScrubTables {
  state: ScrubState = { after: 0, messages: 0, startedMs: 0, endedMs: 0 };
  /** damaged, and not found yet */
  readonly damaged = new Set<Row>();
  /** found, and wanted since */
  readonly found = new Set<Row>();
}

interface Parts {
  readonly tables: MemoryTables;
  readonly scrub: ScrubTables;
  /** throws once the store is closed */
  readonly assertOpen: () => void;
}

/** What is stored as this message's content is something else from now on. @throws RangeError for one that is not held */
export function damage({ tables, scrub }: Parts, id: string): void {
  const row = tables.byId.get(id);
  if (row?.message === undefined) throw new RangeError(`no content of ${id} is held`);
  scrub.damaged.add(row);
}

export function createMemoryScrub(parts: Parts): ScrubStore {
  const { tables, scrub, assertOpen } = parts;
  const guarded = <T>(work: () => T): T => {
    assertOpen();
    return work();
  };
  const isStillWanted = (row: Row): boolean => tables.byId.get(row.header.idText) === row && row.isWanted;
  return {
    page: (_verify, budget) => guarded(() => page(parts, budget)),
    restart: () =>
      guarded(() => {
        scrub.state = { ...scrub.state, after: 0, messages: 0 };
      }),
    state: () => guarded(() => scrub.state),
    damaged: () => guarded(() => byChannel([...scrub.found].filter(isStillWanted))),
  };
}

function page({ tables, scrub }: Parts, budget: ScrubBudget): ScrubPage {
  const before = scrub.state;
  const rest = tables.arrivals.filter(({ arrival }) => arrival > before.after);
  const seen: Row[] = [];
  let bytes = 0;
  for (const row of rest) {
    if (seen.length >= budget.messages || bytes >= budget.bytes) break;
    seen.push(row);
    bytes += row.header.bytes + row.content;
  }
  const damaged = seen.filter((row) => scrub.damaged.delete(row) && row.message !== undefined);
  for (const row of damaged) want(row);
  for (const row of damaged) scrub.found.add(row);
  const isLast = seen.length === rest.length;
  scrub.state = {
    after: isLast ? 0 : (seen.at(-1)?.arrival ?? before.after),
    messages: (before.after === 0 ? 0 : before.messages) + seen.length,
    startedMs: before.after === 0 ? budget.wallMs : before.startedMs,
    endedMs: isLast ? budget.wallMs : before.endedMs,
  };
  return { messages: seen.length, bytes, damaged: byChannel(damaged), structure: '', isLast };
}

/** What is left of an own message that nobody confirmed stays, and is paid for. */
function want(row: Row): void {
  if (!isUnconfirmed(row)) row.content = 0;
  row.message = undefined;
  row.isWanted = true;
}

function byChannel(rows: readonly Row[]): readonly DamagedChannel[] {
  const channels = new Map<string, DamagedChannel>();
  for (const row of rows) {
    const { channel } = row.header;
    const known = channels.get(channel) ?? { channel, messages: 0, unconfirmed: 0 };
    const unconfirmed = known.unconfirmed + Number(isUnconfirmed(row));
    channels.set(channel, { channel, messages: known.messages + 1, unconfirmed });
  }
  return [...channels.values()].sort((a, b) => (a.channel < b.channel ? -1 : 1));
}
