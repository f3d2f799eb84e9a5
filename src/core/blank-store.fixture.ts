/** A store that a bench works on where what is stored does not matter. */
import {
  MINUTE_END,
  type PersistOp,
  type PersistResult,
  type Query,
  type QueryAnswer,
} from './persistence.ts';

/** What a bench needs of a store; the memory store of `store/` fits. */
export interface BenchStore {
  transact(effects: readonly (readonly PersistOp[])[]): PersistResult[][];
  read(query: Query): QueryAnswer;
}

/** Knows nothing, takes everything, and forgets it. */
export function createBlankStore(): BenchStore {
  let arrival = 0;
  return {
    transact: (effects) =>
      effects.map((ops) =>
        ops.map((op): PersistResult => {
          switch (op.kind) {
            case 'message':
            case 'own-message':
              return { kind: 'message', inserted: true, arrival: ++arrival };
            case 'prune':
              return { kind: 'pruned', removed: 0, next: undefined };
            case 'drop':
              return { kind: 'dropped', bytes: 0, more: false };
            case 'expire':
              return { kind: 'expired', removed: 0, more: false };
            default:
              return { kind: 'done' };
          }
        }),
      ),
    read: (query) => blankAnswer(query),
  };
}

function blankAnswer(query: Query): QueryAnswer {
  switch (query.kind) {
    case 'has':
      return { kind: 'has', holdings: query.ids.map(() => 'unknown') };
    case 'wanted':
      return { kind: 'wanted', rows: [] };
    case 'usage':
      return { kind: 'usage', tags: [], freeBytes: Number.MAX_SAFE_INTEGER };
    case 'hours':
      return { kind: 'hours', hours: [] };
    case 'messages':
      return { kind: 'messages', messages: query.ids.map(() => undefined) };
    case 'tombstones':
      return { kind: 'tombstones', tombstones: query.ids.map(() => undefined) };
    case 'sums': {
      const sums = query.windows.map(() => ({ count: 0, sum: new Uint8Array(32), sameUntil: MINUTE_END }));
      return { kind: 'sums', sums, version: 0, changed: [] };
    }
    case 'split': {
      const empty = { count: 0, sum: new Uint8Array(32) };
      return {
        kind: 'split',
        pieces: query.ranges.map(({ until }) => [{ ...empty, end: until }]),
        walked: 0,
      };
    }
    case 'ids':
      return { kind: 'ids', positions: query.ranges.map(() => []), next: undefined };
    case 'page':
      return { kind: 'page', messages: [] };
    case 'outbox':
      return { kind: 'outbox', rows: [] };
    case 'idempotency':
      return { kind: 'idempotency', found: undefined };
    case 'head':
      return { kind: 'head', own: undefined, seen: { timeMs: 0, counter: 0 } };
  }
}
