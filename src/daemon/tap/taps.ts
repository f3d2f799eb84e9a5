/**
 * Taps: live views of what goes over the links, for the owner of the daemon. The sockets tell what passes only while a tap
 * is open, so nobody pays for a tap that is not there. A frame is caught as it is and decoded when a client takes it.
 *
 * Invariants:
 * 1. A tap changes nothing and nobody waits for it: what its client does not read in time is lost and counted.
 * 2. At most {@link TAPS_MAX} are open, each with a bounded queue.
 * 3. Session keys never come here: frames are caught before they are sealed and after they were opened.
 */
import type { Effect, LinkId } from '../../core/contract.ts';
import { type ErrorCode, MeshError } from '../../core/errors.ts';
import { createMessageContext, type MessageContext, type Sha256 } from '../../core/message/message.ts';
import { frameNumber } from '../../core/wire/frame.ts';
import { FRAME_TYPES } from '../../core/wire/frames.ts';
import type { LinkEvent } from '../../net/index.ts';
import { nextTurn } from '../system.ts';
import { isoTime } from '../views.ts';
import { type Caught, decodeCaught } from './decode.ts';
import { TapQueue } from './queue.ts';
import { MESH1_TYPES, TAP_EVENTS, type TapFilter, type TapItem } from './tap-view.ts';

/** Taps at once (guess: one for each who looks, and one forgotten). */
export const TAPS_MAX = 4;
/** Items after which others get a turn of the event loop. */
const ITEMS_PER_TURN = 32;

/** Every name that a filter may have. */
export const TAP_TYPES: readonly string[] = [
  'handshake',
  ...FRAME_TYPES.values(),
  'unreadable',
  ...MESH1_TYPES,
  ...TAP_EVENTS,
];

export interface TapsParts {
  readonly network: string;
  readonly sha256: Sha256;
  readonly wallMs: () => number;
  /** the proven peer at the other end of a link, '' for none */
  readonly peerOf: (link: LinkId) => string;
  /** links that are up */
  readonly links: () => number;
}

interface Tap {
  readonly queue: TapQueue;
  readonly filter: TapFilter;
}

/** The name that a filter knows an item by. */
function nameOf(item: TapItem): string {
  return item.kind === 'frame' ? item.type : item.kind;
}

/** Whether a tap may want what was caught, as far as that can be told without decoding it. */
function mayWant({ peer, types }: TapFilter, caught: Caught): boolean {
  if (peer !== undefined && !caught.peer.startsWith(peer)) return false;
  if (types === undefined || caught.kind === 'text') return true;
  if (caught.kind !== 'frame') return types.includes(caught.kind);
  const type = FRAME_TYPES.get(frameNumber(caught.bytes));
  return types.includes('refused') || types.includes('unreadable') || types.includes(type ?? '');
}

export class Taps {
  readonly #parts: TapsParts;
  readonly #context: MessageContext;
  readonly #taps = new Set<Tap>();
  /** peers of links that were met since the first tap was opened: a link is forgotten before its last frame leaves */
  readonly #peers = new Map<LinkId, string>();
  /** links that we have closed and whose sockets are still ending */
  readonly #closing = new Set<LinkId>();
  #isClosed = false;

  constructor(parts: TapsParts) {
    this.#parts = parts;
    this.#context = createMessageContext(parts.network, parts.sha256);
  }

  /** Whether anybody looks: where it is false, nothing else here needs to be called. */
  get isOpen(): boolean {
    return this.#taps.size > 0;
  }

  #peerOf(link: LinkId): string {
    const peer = this.#parts.peerOf(link);
    if (peer === '') return this.#peers.get(link) ?? '';
    this.#peers.set(link, peer);
    return peer;
  }

  #catch(link: LinkId, what: (common: { atMs: number; link: number; peer: string }) => Caught): void {
    const caught = what({ atMs: this.#parts.wallMs(), link, peer: this.#peerOf(link) });
    for (const tap of this.#taps) if (mayWant(tap.filter, caught)) tap.queue.put(caught);
  }

  /** Something happened on a socket; the core has not handled it yet. */
  received(event: LinkEvent): void {
    switch (event.kind) {
      case 'frame-received':
        return this.#catch(event.link, (on) => ({
          ...on,
          kind: 'frame',
          direction: 'in',
          bytes: event.bytes,
        }));
      case 'text-received':
        return this.#catch(event.link, (on) => ({ ...on, kind: 'text', direction: 'in', text: event.text }));
      case 'link-opened': {
        const direction = event.role === 'dialler' ? 'out' : 'in';
        return this.#catch(event.link, (on) => ({ ...on, kind: 'opened', direction, url: event.url }));
      }
      case 'link-closed':
        if (!this.#closing.delete(event.link)) this.#ended(event.link, 'them', null, event.reason);
        this.#peers.delete(event.link);
        return;
      case 'dial-failed':
      case 'link-flushed':
        return;
      default:
        event satisfies never;
    }
  }

  /** A frame is on its way into the queues of its links. */
  sent({ links, frame: bytes }: Pick<Extract<Effect, { kind: 'send' }>, 'links' | 'frame'>): void {
    for (const link of links) this.#catch(link, (on) => ({ ...on, kind: 'frame', direction: 'out', bytes }));
  }

  sentText(link: LinkId, text: string): void {
    this.#catch(link, (on) => ({ ...on, kind: 'text', direction: 'out', text }));
  }

  /** This daemon ends a link. */
  closing(link: LinkId, code: ErrorCode, detail: string): void {
    this.#closing.add(link);
    this.#ended(link, 'us', code, detail);
  }

  #ended(link: LinkId, by: 'us' | 'them', code: ErrorCode | null, reason: string): void {
    this.#catch(link, (on) => ({ ...on, kind: 'closed', by, code, reason }));
  }

  /**
   * Opens a tap: `begun`, then what passes from now on, until the signal or the end of the daemon.
   * @throws MeshError `too_many_requests` at the first step if {@link TAPS_MAX} are open, `stopping` at the end
   */
  async *open(filter: TapFilter, signal: AbortSignal): AsyncGenerator<TapItem, void> {
    if (this.#isClosed) throw new MeshError('stopping');
    if (this.#taps.size >= TAPS_MAX)
      throw new MeshError('too_many_requests', `There are ${TAPS_MAX} taps already.`);
    const tap: Tap = { queue: new TapQueue(), filter };
    const wake = () => tap.queue.wake();
    this.#taps.add(tap);
    signal.addEventListener('abort', wake);
    try {
      yield { kind: 'begun', time: this.#now(), links: this.#parts.links() };
      yield* this.#follow(tap, signal);
    } finally {
      signal.removeEventListener('abort', wake);
      this.#taps.delete(tap);
      if (!this.isOpen) {
        this.#peers.clear();
        this.#closing.clear();
      }
    }
  }

  async *#follow({ queue, filter }: Tap, signal: AbortSignal): AsyncGenerator<TapItem, void> {
    let all = 0;
    for (let taken = 1; ; taken++) {
      if (this.#isClosed) return yield { kind: 'ended', time: this.#now(), reason: 'stopping' };
      if (signal.aborted) return;
      const next = queue.take();
      if (next === undefined) {
        await queue.changed();
        continue;
      }
      if (next.kind === 'lost') {
        all += next.frames;
        yield { kind: 'lost', time: this.#now(), frames: next.frames, all };
      } else {
        const item = decodeCaught(next.caught, this.#context);
        if (filter.types === undefined || item.kind === 'refused' || filter.types.includes(nameOf(item)))
          yield item;
      }
      if (taken % ITEMS_PER_TURN === 0) await nextTurn();
    }
  }

  #now(): string {
    return isoTime(this.#parts.wallMs());
  }

  /** The daemon ends: every tap tells its client so, and no new one is opened. */
  close(): void {
    this.#isClosed = true;
    for (const { queue } of this.#taps) queue.wake();
  }
}
