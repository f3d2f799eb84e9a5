/**
 * Feeds: everything from an arrival number on, then live, without a gap and without a repeat (the idea of the outbox of
 * Bluesky's PDS: backfill, cutover, live).
 *
 * The store is the only source, in all three phases: a feed reads pages after its cursor and sleeps when there is none;
 * a commit wakes it. So there is no second source to be merged at the cutover, and nothing is buffered for a slow
 * consumer beyond one page.
 *
 * Invariants:
 * 1. The cursor only grows, and a message or a change is yielded only if its arrival number is above the cursor.
 * 2. The cursor passes an arrival number only after the store was asked for it: head, page and changes are read in one turn of
 *    the event loop, and commits happen in turns of their own.
 * 3. Between "the page was empty" and sleeping there is no turn either, so no commit is slept through.
 * 4. Ephemerals are in no store and come beside it, only to whoever asks for them and only while nothing else is to be
 *    given: of each run the newest waits, a bounded number of them.
 * 5. After each full page others have a turn, however fast the consumer is: links count as down after seconds of silence,
 *    and a backfill may be long.
 */
import { MeshError } from '../core/errors.ts';
import { runKey } from '../core/message/ephemeral.ts';
import type { VerifiedMessage } from '../core/message/verified.ts';
import type { Store } from '../store/store.ts';
import type { EphemeralView, FeedItem } from './gate.ts';
import { nextTurn } from './system.ts';
import { changeView, ephemeralView, messageView } from './views.ts';

/** Messages read in one turn for one consumer: at most 4 MiB of them (derived from messageBytesMax). */
export const FEED_PAGE = 64;

/** Runs of which one consumer has not taken the newest ephemeral yet; the oldest gives way (guess). */
const EPHEMERALS_MAX = 64;

/** Ephemerals that wait for a consumer: of each run the newest. */
class EphemeralBox {
  readonly #waiting = new Map<string, EphemeralView>();
  readonly #channels: ReadonlySet<string> | undefined;

  constructor(channels: readonly string[] | undefined) {
    this.#channels = channels && new Set(channels);
  }

  put(key: string, view: EphemeralView): void {
    if (this.#channels?.has(view.channel) === false) return;
    this.#waiting.set(key, view);
    if (this.#waiting.size > EPHEMERALS_MAX) this.take();
  }

  take(): EphemeralView | undefined {
    for (const [key, view] of this.#waiting) {
      this.#waiting.delete(key);
      return view;
    }
    return undefined;
  }
}

export interface FeedOptions {
  readonly channels?: readonly string[];
  readonly after?: number;
  /** what edits and deletes change of messages that came before them, too */
  readonly changes?: boolean;
  /** ephemerals too, once the backfill is over */
  readonly ephemerals?: boolean;
  readonly signal: AbortSignal;
}

type FeedStore = Pick<Store, 'readArrivals' | 'readChanges' | 'lastArrival'>;

/** What lies between the cursor and `end`, in order. */
interface Read {
  readonly items: readonly { readonly arrival: number; readonly item: FeedItem }[];
  readonly end: number;
  /** there may be more behind the end */
  readonly isFull: boolean;
}

export class Feeds {
  readonly #store: FeedStore;
  readonly #wallMs: () => number;
  #sleepers = new Set<() => void>();
  readonly #boxes = new Set<EphemeralBox>();
  #isClosed = false;

  constructor(store: FeedStore, wallMs: () => number) {
    this.#store = store;
    this.#wallMs = wallMs;
  }

  /** After each commit. */
  wake(): void {
    const sleepers = this.#sleepers;
    this.#sleepers = new Set();
    for (const wake of sleepers) wake();
  }

  /** An ephemeral for those who asked for them. */
  tell({ message }: VerifiedMessage, isOwn: boolean): void {
    if (this.#boxes.size === 0) return;
    const view = ephemeralView(message, isOwn);
    if (view === undefined) return;
    for (const box of this.#boxes) box.put(runKey(message), view);
    this.wake();
  }

  /** Ends all feeds. */
  close(): void {
    this.#isClosed = true;
    this.wake();
  }

  /**
   * @param options.after arrival number, 0 for everything; left out: what comes after this call
   * @throws MeshError `bad_request` for a number that no message has had yet: it is a cursor of another database
   */
  open(options: FeedOptions): AsyncIterable<FeedItem> {
    const head = this.#store.lastArrival();
    const after = options.after ?? head;
    if (after > head) {
      const detail = `after is ${after}, and the newest message of this daemon has the arrival number ${head}.`;
      throw new MeshError('bad_request', detail);
    }
    return options.ephemerals ? this.#runBoth(after, options) : this.#run(after, options);
  }

  async *#runBoth(after: number, options: FeedOptions): AsyncGenerator<FeedItem> {
    const box = new EphemeralBox(options.channels);
    this.#boxes.add(box);
    try {
      yield* this.#run(after, options, box);
    } finally {
      this.#boxes.delete(box);
    }
  }

  async *#run(after: number, options: FeedOptions, box?: EphemeralBox): AsyncGenerator<FeedItem> {
    const { signal } = options;
    let cursor = after;
    let isLive = false;
    while (!signal.aborted && !this.#isClosed) {
      const head = this.#store.lastArrival();
      const { items, end, isFull } = this.#read(cursor, head, options);
      for (const { arrival, item } of items) {
        if (signal.aborted || this.#isClosed) return;
        cursor = arrival;
        yield item;
      }
      cursor = Math.max(cursor, end);
      if (isFull) {
        await nextTurn();
        continue;
      }
      if (!isLive) {
        isLive = true;
        yield { kind: 'caught-up', arrival: cursor };
      }
      // Real messages come first: at most one ephemeral between two looks at the store.
      const ephemeral = box?.take();
      if (ephemeral !== undefined) yield { kind: 'ephemeral', ephemeral };
      else if (this.#store.lastArrival() === cursor) await this.#sleep(signal);
    }
  }

  #read(after: number, head: number, { channels, changes = false }: FeedOptions): Read {
    if (after >= head) return { items: [], end: after, isFull: false };
    const page = { after, limit: FEED_PAGE, wallMs: this.#wallMs(), ...(channels && { channels }) };
    const messages = this.#store.readArrivals(page);
    const changed = changes ? this.#store.readChanges(page) : { changes: [], next: undefined };
    // What has room left reaches up to the head of this moment.
    const last = messages.length === FEED_PAGE ? messages.at(-1)?.arrival : undefined;
    const end = Math.min(last ?? head, changed.next ?? head);
    const items = [
      ...messages.map((stored) => {
        return { arrival: stored.arrival, item: { kind: 'message', message: messageView(stored) } as const };
      }),
      ...changed.changes.map((change) => {
        return { arrival: change.arrival, item: { kind: 'change', change: changeView(change) } as const };
      }),
    ];
    const inOrder = items.filter(({ arrival }) => arrival <= end).sort((a, b) => a.arrival - b.arrival);
    return { items: inOrder, end, isFull: last !== undefined || changed.next !== undefined };
  }

  #sleep(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        this.#sleepers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#sleepers.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}
