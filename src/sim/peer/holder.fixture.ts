/**
 * A neighbour that holds messages and plays catch-up by hand: what it says comes from a store of its own, and nothing is
 * said unless the test says so.
 */
import { fromBase64url } from '../../core/bytes.ts';
import { MINUTE } from '../../core/limits.ts';
import { authorOf, openclaw, sha256, verify } from '../../core/message/message.fixture.ts';
import type { Message } from '../../core/message/message.ts';
import { signatureCheck, VerifiedMessage, verifySignature } from '../../core/message/verified.ts';
import { Bench, type BenchOptions, type BenchState, EPOCH_MS, tagOf } from '../../core/peer.fixture.ts';
import { MINUTE_END } from '../../core/persistence.ts';
import type { Remote } from '../../core/remote.fixture.ts';
import { combine, fingerprint } from '../../core/sync/fingerprint.ts';
import type { Frame } from '../../core/wire/frame.ts';
import { createMemoryStore } from '../../store/memory.ts';
import type { Store } from '../../store/store.ts';

export const createStore = (options: { readonly freeBytes?: () => number } = {}) =>
  createMemoryStore({ network: 'openclaw', sha256, ...options });

/** What a store kept, as a bench takes it: every channel with the daemon's own policy. */
export function restored(store: Store): BenchState {
  const { joined, ...state } = store.restore();
  return { ...state, joined: joined.map(({ channel }) => channel) };
}

/** Puts messages into a store as if a peer had brought them. */
export function fill(store: Store, messages: readonly Message[]): void {
  const ops = messages.map((message) => {
    const proof = verifySignature(verify, signatureCheck(openclaw, message));
    const verified = proof && VerifiedMessage.fromVerification(openclaw, message, proof);
    if (verified === undefined) throw new Error('not a genuine message');
    return { kind: 'message' as const, message: verified, tag: tagOf(message.channel) };
  });
  store.transact([ops]);
}

/** `count` messages, one every `everyMs`, the last one `endMs` ago. */
export function series(
  bench: Bench,
  count: number,
  options: { everyMs?: number; endMs?: number; channel?: string; author?: string; body?: string } = {},
): Message[] {
  const { everyMs = MINUTE, endMs = 2 * MINUTE, channel = 'dev', author = 'somebody', body = '' } = options;
  return Array.from({ length: count }, (_, i) => {
    const timeMs = EPOCH_MS - endMs - (count - 1 - i) * everyMs;
    return bench.message(`${i} ${body}`, { channel, time: { timeMs, counter: 0 } }, authorOf(author));
  });
}

/** Bodies in a store, in the order of time and id. */
export function bodies(store: Store, channel = 'dev'): string[] {
  const page = store.readPage({ channel, limit: 100_000, wallMs: 0 });
  return page.map(({ message }) => message.message.body);
}

export class Holder {
  readonly store = createStore();
  readonly remote: Remote;
  readonly #bench: Bench;

  constructor(bench: Bench, remote: Remote) {
    this.#bench = bench;
    this.remote = remote;
  }

  /** Says that it keeps channels since this hour. */
  tell(floorHour: number, ...channels: readonly string[]): void {
    const set = channels.map((channel) => ({ tag: tagOf(channel), floorHour }));
    this.remote.send({ type: 'holds', reset: false, set, unset: [] });
  }

  /** The last full minute that is at least 60 s old. */
  get settledMinute(): number {
    return Math.floor((this.#bench.now.wallMs - MINUTE) / MINUTE);
  }

  #print(channel: string, fromMinute: number, untilMinute: number): Uint8Array {
    const answer = this.store.read({
      kind: 'sums',
      windows: [{ tag: tagOf(channel), fromMinute, untilMinute }],
    });
    if (answer.kind !== 'sums') throw new Error('no sums');
    return fingerprint(sha256, answer.sums[0] as (typeof answer.sums)[0]);
  }

  heartbeat(floorHour: number, channel = 'dev', untilMinute = this.settledMinute): void {
    const tag = fromBase64url(tagOf(channel)) as Uint8Array;
    const print = combine(sha256, [{ tag, fingerprint: this.#print(channel, floorHour * 60, untilMinute) }]);
    this.remote.send({ type: 'heartbeat', untilMinute, channels: 1, fingerprint: print });
  }

  sums(floorHour: number, channel = 'dev', untilMinute = MINUTE_END): void {
    const sums = [
      { tag: tagOf(channel), floorHour, fingerprint: this.#print(channel, floorHour * 60, untilMinute) },
    ];
    this.remote.send({ type: 'sums', untilMinute, sums });
  }

  /** Answers a `sums` frame with all buckets of its channel. */
  buckets(frame: Extract<Frame, { type: 'sums' }>): void {
    const { untilMinute } = frame;
    const minutesFrom = (Math.floor(this.#bench.now.wallMs / (60 * MINUTE)) - 1) * 60;
    for (const { tag, floorHour } of frame.sums) {
      const window = { tag, fromMinute: floorHour * 60, untilMinute };
      const answer = this.store.read({ kind: 'buckets', window, minutesFromMinute: minutesFrom });
      if (answer.kind !== 'buckets') throw new Error('no buckets');
      const buckets = answer.buckets.map((bucket) => {
        return {
          startMinute: bucket.startMinute,
          minutes: bucket.minutes,
          fingerprint: fingerprint(sha256, bucket),
        };
      });
      this.remote.send({ type: 'buckets', untilMinute, tag, floorHour, minutesFrom, buckets });
    }
  }

  list(frame: Extract<Frame, { type: 'list' }>, limit = 1000): void {
    const { tag, after, untilMinute } = frame;
    const answer = this.store.read({ kind: 'positions', tag, after, untilMinute, limit });
    if (answer.kind !== 'positions') throw new Error('no positions');
    const { positions } = answer;
    this.remote.send({ type: 'listed', tag, done: positions.length < limit, positions });
  }

  fetch(frame: Extract<Frame, { type: 'fetch' }>): void {
    const answer = this.store.read({ kind: 'messages', ids: frame.ids });
    if (answer.kind !== 'messages') throw new Error('no messages');
    const messages = answer.messages.flatMap((one) => (one === undefined ? [] : [one.message]));
    const notHeld = frame.ids.filter((_, i) => answer.messages[i] === undefined);
    for (let at = 0; at < messages.length; at += 200)
      this.remote.send({ type: 'fetched', messages: messages.slice(at, at + 200), notHeld: [] });
    if (notHeld.length > 0) this.remote.send({ type: 'fetched', messages: [], notHeld });
  }

  /** Answers what was asked since the last time. @returns how many frames it answered */
  answer(limit = 1000): number {
    const frames = this.remote.frames.splice(0);
    let answered = 0;
    for (const frame of frames) {
      if (frame.type === 'sums') this.buckets(frame);
      else if (frame.type === 'list') this.list(frame, limit);
      else if (frame.type === 'fetch') this.fetch(frame);
      else continue;
      answered++;
    }
    return answered;
  }

  /** Answers until nothing more is asked. */
  serve(limit = 1000): void {
    for (let i = 0; i < 10_000; i++) {
      this.#bench.run(10);
      if (this.answer(limit) === 0) return;
    }
    throw new Error('it asks for ever');
  }
}

export interface Pair {
  readonly bench: Bench;
  readonly store: Store;
  readonly holder: Holder;
  readonly remote: Remote;
  readonly floorHour: number;
}

/** A leaf that joined `dev`, linked with a home relay that does not yet say that it holds it. */
export function createPair(options: BenchOptions & { readonly joined?: readonly string[] } = {}): Pair {
  const store = createStore();
  const bench = new Bench({ store, ...options, state: { joined: options.joined ?? ['dev'] } });
  const remote = bench.connect('home', { role: 'responder', relay: true });
  const floorHour = remote.got('holds')[0]?.set[0]?.floorHour ?? 0;
  remote.clear();
  return { bench, store, holder: new Holder(bench, remote), remote, floorHour };
}
