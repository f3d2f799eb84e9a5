/**
 * The store in memory: the same contract as `sqlite.ts` by other means, for the simulator and as its twin in tests. It
 * is written to be obviously right: sorted arrays and sums per minute, nothing cached, nothing pruned.
 *
 * Bytes are copied once when a message is stored, so that a message does not keep the frame alive that it came in.
 */
import { equal } from '../core/bytes.ts';
import { MeshError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import {
  createMessageContext,
  decodeMessage,
  type MessageContext,
  type Sha256,
} from '../core/message/message.ts';
import { StoreReceipt, VerifiedMessage } from '../core/message/verified.ts';
import type { PersistOp, PersistResult } from '../core/persistence.ts';
import { createOpCheck, DELIVERY_STATES, policyOf, STORED_BY_MAX } from './check.ts';
import { createMemoryReads } from './memory-reads.ts';
import { drop, expire, prune } from './memory-removal.ts';
import { createMemoryScrub, damage, ScrubTables } from './memory-scrub.ts';
import { contentOf, headerOf, MemoryTables, type Row } from './memory-tables.ts';
import type { ScrubStore } from './scrub-store.ts';
import type { Store } from './store.ts';

export interface MemoryOptions {
  readonly network: string;
  readonly sha256: Sha256;
  /** what the answer `usage` says of the disk; without it, that it is not known */
  readonly freeBytes?: () => number;
}

export interface MemoryStore extends Store {
  /** The process is gone: this handle answers `store_failed` from now on. What was transacted stays. */
  crash(): void;
  /** A new handle over the same content, after `close` or `crash`. Throws `store_locked` while this one is open. */
  reopen(): MemoryStore;
  readonly scrub: ScrubStore;
  /** What is stored as this message's content is something else from now on, for a scrub to find. */
  damage(id: string): void;
  /** The next `transact` throws `store_failed` and applies nothing, as a full disk would. */
  failNext(): void;
}

export function createMemoryStore(options: MemoryOptions): MemoryStore {
  return openTables(options, new MemoryTables(), new ScrubTables());
}

function openTables(options: MemoryOptions, tables: MemoryTables, scrub: ScrubTables): MemoryStore {
  const context = createMessageContext(options.network, options.sha256);
  const checkOp = createOpCheck(options);
  let isOpen = true;
  let willFail = false;

  const assertOpen = (): void => {
    if (!isOpen) throw new MeshError('store_failed', 'the store is closed');
  };
  const transact = (effects: readonly (readonly PersistOp[])[]): PersistResult[][] => {
    for (const ops of effects) ops.forEach(checkOp);
    assertOpen();
    if (willFail) {
      willFail = false;
      throw new MeshError('store_failed', 'the memory store was told to fail');
    }
    const compacted = effects.map((ops) => ops.map((op) => compact(context, tables, op)));
    return compacted.map((ops) => ops.map((op) => apply(tables, op)));
  };
  const close = (): void => {
    isOpen = false;
  };
  return {
    ...createMemoryReads(tables, {
      assertOpen,
      context,
      freeBytes: options.freeBytes ?? (() => Number.MAX_SAFE_INTEGER),
    }),
    transact,
    scrub: createMemoryScrub({ tables, scrub, assertOpen }),
    damage: (id) => damage({ tables, scrub, assertOpen }, id),
    close,
    crash: close,
    failNext: () => {
      willFail = true;
    },
    reopen: () => {
      if (isOpen) throw new MeshError('store_locked', 'the memory store is open');
      return openTables(options, tables, scrub);
    },
  };
}

/** The operation with a new message's bytes in memory of their own. The last thing that can throw (RangeError). */
function compact(context: MessageContext, tables: MemoryTables, op: PersistOp): PersistOp {
  if (!('message' in op) || tables.byId.get(op.message.message.idText)?.message !== undefined) return op;
  const { id, idText, wire } = op.message.message;
  const copy = decodeMessage(context, wire.slice());
  const message = copy && VerifiedMessage.fromStore(copy, StoreReceipt.issue(id));
  if (message === undefined) throw new RangeError(`message ${idText} is of another network`);
  return { ...op, message };
}

type Op<K extends PersistOp['kind']> = Extract<PersistOp, { kind: K }>;
type Stored = Extract<PersistResult, { kind: 'message' | 'deleted' | 'superseded' }>;

const DONE: PersistResult = { kind: 'done' };

function apply(tables: MemoryTables, op: PersistOp): PersistResult {
  switch (op.kind) {
    case 'message':
      return insert(tables, op.message, { tag: op.tag, isWanted: false, own: undefined });
    case 'put-off':
      insert(tables, op.message, { tag: op.tag, isWanted: true, own: undefined });
      return DONE;
    case 'own-message':
      return insertOwn(tables, op);
    case 'tombstone':
      bury(tables, op);
      return DONE;
    case 'prune':
      return prune(tables, op);
    case 'drop':
      return drop(tables, op);
    case 'expire':
      return expire(tables, op.wallMs);
    default:
      applySmall(tables, op);
      return DONE;
  }
}

type SmallOp = Exclude<
  PersistOp,
  { kind: 'message' | 'put-off' | 'tombstone' | 'own-message' | 'prune' | 'drop' | 'expire' }
>;

function applySmall(tables: MemoryTables, op: SmallOp): void {
  switch (op.kind) {
    case 'delivery':
      deliver(tables, op);
      return;
    case 'join':
      if (!tables.joined.has(op.channel)) tables.joined.set(op.channel, { tag: op.tag, policy: {} });
      return;
    case 'leave':
      tables.joined.delete(op.channel);
      return;
    case 'retention':
      if (!tables.joined.has(op.channel)) return;
      tables.joined.set(op.channel, { tag: op.tag, policy: policyOf(op.policy) });
      tables.floors.delete(op.tag);
      return;
    case 'carry': {
      const { untilMs } = tables.carried.get(op.tag) ?? op;
      tables.carried.set(op.tag, {
        untilMs: Math.max(op.untilMs, untilMs),
        sinceHour: op.sinceHour,
      });
      return;
    }
    case 'leaf-floor':
      if (op.hour === 0) tables.leafFloors.delete(op.tag);
      else tables.leafFloors.set(op.tag, op.hour);
      return;
    case 'mailbox':
      if (op.tags.length === 0) tables.mailboxes.delete(op.peer);
      else {
        const { tags, untilMs, linkedMs, group } = op;
        tables.mailboxes.set(op.peer, { tags: [...tags], untilMs, linkedMs, group });
      }
      return;
    case 'address':
      setAddress(tables, op);
      return;
    case 'record-sequence':
      tables.recordSequence = Math.max(tables.recordSequence, op.sequence);
      return;
    default:
      op satisfies never;
  }
}

function insert(
  tables: MemoryTables,
  verified: VerifiedMessage,
  place: Pick<Row, 'tag' | 'isWanted' | 'own'>,
): Stored {
  const known = tables.byId.get(verified.message.idText);
  const isFilled = known?.isWanted === true && !place.isWanted;
  if (known?.isDeleted) return { kind: 'deleted' };
  if (known !== undefined && !isFilled) return { kind: 'message', inserted: false, arrival: known.arrival };
  const header = headerOf(verified.message);
  if (known === undefined && !tables.admit(header, place.tag)) return { kind: 'superseded' };
  const row: Row = {
    arrival: ++tables.lastArrival,
    header,
    message: place.isWanted ? undefined : verified,
    content: place.isWanted ? 0 : contentOf(verified.message),
    isDeleted: false,
    ...place,
    // What was found damaged stays an own message.
    own: place.own ?? known?.own,
  };
  if (known === undefined) tables.add(row);
  else tables.replace(known, row);
  const chained = tables.chains.add(row, verified.message, tables.byId);
  return row.isDeleted
    ? { kind: 'deleted' }
    : { kind: 'message', inserted: true, arrival: row.arrival, ...chained };
}

function bury(tables: MemoryTables, { header, tag }: Op<'tombstone'>): void {
  const bare = headerOf(header.header);
  if (tables.byId.has(bare.idText) || !tables.deleteOf(bare)) return;
  const arrival = ++tables.lastArrival;
  const kept = { arrival, header: bare, tag, message: undefined, content: 0, own: undefined };
  const row = { ...kept, isWanted: false, isDeleted: true };
  tables.add(row);
  tables.chains.add(row, header.header, tables.byId);
}

function insertOwn(tables: MemoryTables, op: Op<'own-message'>): PersistResult {
  const { author, idText, time } = op.message.message;
  const key = op.idempotencyKey;
  const known = tables.findKey(author, key);
  if (known !== undefined)
    return { kind: 'repeated', id: known.id, same: equal(known.fingerprint, op.fingerprint) };
  const own = { state: 0, storedBy: [], key, alone: false };
  const result = insert(tables, op.message, { tag: op.tag, isWanted: false, own });
  const fingerprint = op.fingerprint.slice();
  if (tables.byId.get(idText)?.own === own && key !== '')
    tables.addKey(author, key, { id: idText, fingerprint, created: time.timeMs, gone: false });
  return result;
}

function deliver(tables: MemoryTables, op: Op<'delivery'>): void {
  for (const id of op.ids) {
    const own = tables.byId.get(id)?.own;
    if (own === undefined) continue;
    own.state = Math.max(own.state, DELIVERY_STATES.indexOf(op.state));
    if (op.state !== 'stored' || op.by === '' || own.storedBy.includes(op.by)) continue;
    if (own.storedBy.length < STORED_BY_MAX) own.storedBy.push(op.by);
    own.alone = op.alone === true && own.storedBy.length === 1;
  }
}

function setAddress(tables: MemoryTables, { url, peer, provenMs }: Op<'address'>): void {
  const known = tables.addresses.get(url);
  if (known !== undefined && known.provenMs > provenMs) return;
  tables.addresses.set(url, { url, peer, provenMs });
  if (tables.addresses.size <= LIMITS.addressesMax) return;
  for (const row of tables.addressesByAge().slice(LIMITS.addressesMax)) tables.addresses.delete(row.url);
}
