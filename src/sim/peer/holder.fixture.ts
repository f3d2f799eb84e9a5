/**
 * A neighbour that holds messages and plays catch-up by hand: what it says comes from a store of its own, and nothing is
 * said unless the test says so.
 */
import { equal } from '../../core/bytes.ts';
import { LIMITS, MINUTE } from '../../core/limits.ts';
import { headerCheck, type Tombstone, VerifiedHeader } from '../../core/message/header.ts';
import { authorOf, openclaw, sha256, verify } from '../../core/message/message.fixture.ts';
import type { Message } from '../../core/message/message.ts';
import { signatureCheck, VerifiedMessage, verifySignature } from '../../core/message/verified.ts';
import { Bench, type BenchOptions, type BenchState, EPOCH_MS, tagOf } from '../../core/peer.fixture.ts';
import { MINUTE_END, type Window } from '../../core/persistence.ts';
import type { Remote } from '../../core/remote.fixture.ts';
import { combine, fingerprint } from '../../core/sync/fingerprint.ts';
import { decodeMessage, type Range } from '../../core/sync/negentropy/codec.ts';
import { initiate, proceed, respond, type Scope, STYLE } from '../../core/sync/negentropy/reconcile.ts';
import { play, type Steps } from '../../core/sync/negentropy/store-steps.ts';
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

/** Puts what is left of a deleted message into a store, with its delete. */
export function bury(store: Store, { header, deletion }: Tombstone): void {
  const proof = verifySignature(verify, headerCheck(openclaw, header));
  const verified = proof && VerifiedHeader.fromVerification(openclaw, header, proof);
  if (verified === undefined) throw new Error('not a genuine header');
  fill(store, [deletion]);
  store.transact([[{ kind: 'tombstone', header: verified, tag: tagOf(header.channel) }]]);
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

type FrameOf<T extends Frame['type']> = Extract<Frame, { type: T }>;

export class Holder {
  readonly store = createStore();
  readonly remote: Remote;
  /** how it tells ranges */
  style = STYLE;
  readonly #bench: Bench;
  /** what it compares as the dialler of the link, by number */
  readonly #comparisons = new Map<number, Window>();
  #numbers = 0;

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

  #print(window: Window): Uint8Array {
    const answer = this.store.read({ kind: 'sums', windows: [window] });
    if (answer.kind !== 'sums') throw new Error('no sums');
    return fingerprint(sha256, answer.sums[0] as (typeof answer.sums)[0]);
  }

  heartbeat(floorHour: number, channel = 'dev', untilMinute = this.settledMinute): void {
    const tag = tagOf(channel);
    const print = this.#print({ tag, fromMinute: floorHour * 60, untilMinute });
    const combined = combine(sha256, [{ tag, fingerprint: print }]);
    this.remote.send({ type: 'heartbeat', untilMinute, channels: 1, fingerprint: combined });
  }

  /** What the side that was dialled says. */
  sums(floorHour: number, channel = 'dev', untilMinute = MINUTE_END): void {
    const tag = tagOf(channel);
    const print = this.#print({ tag, fromMinute: floorHour * 60, untilMinute });
    this.remote.send({ type: 'sums', untilMinute, sums: [{ tag, floorHour, fingerprint: print }] });
  }

  /** Has the settled part of a channel compared: by a beat, or by the sums with which it would answer one. */
  compare(floorHour: number, channel = 'dev'): void {
    if (this.remote.role === 'dialler') this.heartbeat(floorHour, channel);
    else this.sums(floorHour, channel, this.settledMinute);
  }

  #play<T>(steps: Steps<T>): T {
    let result: { readonly value: T } | undefined;
    play(
      steps,
      (query, then) => then(this.store.read(query)),
      (value) => {
        result = { value };
      },
    );
    if (result === undefined) throw new Error('the store did not answer');
    return result.value;
  }

  #scope(window: Window): Scope {
    return { sha256, window, style: this.style };
  }

  #ranges(message: Uint8Array): readonly Range[] {
    const decoded = decodeMessage(message);
    if (!decoded.ok) throw new Error(`it sent what is no message of negentropy: ${decoded.reason}`);
    return decoded.ranges;
  }

  /** As the dialler: begins to reconcile the channels of `sums` that differ here. */
  reconcile(frame: FrameOf<'sums'>): void {
    for (const { tag, floorHour, fingerprint } of frame.sums) {
      const window = { tag, fromMinute: floorHour * 60, untilMinute: frame.untilMinute };
      if (equal(this.#print(window), fingerprint)) continue;
      this.#ask(window, this.#play(initiate(this.#scope(window))));
    }
  }

  #ask(window: Window, message: Uint8Array): void {
    const number = ++this.#numbers;
    this.#comparisons.set(number, window);
    const { tag, fromMinute, untilMinute } = window;
    const floorHour = fromMinute / 60;
    this.remote.send({ type: 'reconcile', number, untilMinute, tag, floorHour, message });
  }

  /** As the dialler: goes on after an answer, offers what the other side lacks and asks for what it has. */
  goOn({ number, message }: FrameOf<'reconciled'>): void {
    const window = this.#comparisons.get(number);
    this.#comparisons.delete(number);
    if (window === undefined) throw new Error(`an answer to no question: ${number}`);
    if (message.length === 0) return;
    const progress = this.#play(proceed(this.#scope(window), this.#ranges(message)));
    for (let at = 0; at < progress.have.length; at += LIMITS.offeredIdsMax) {
      const ids = progress.have.slice(at, at + LIMITS.offeredIdsMax);
      this.remote.send({ type: 'offer', tag: window.tag, ids });
    }
    this.#want(progress.need);
    if (progress.message) this.#ask(window, progress.message);
  }

  /** As the side that was dialled. */
  respond({ number, tag, floorHour, untilMinute, message }: FrameOf<'reconcile'>): void {
    const scope = this.#scope({ tag, fromMinute: floorHour * 60, untilMinute });
    const answer = this.#play(respond(scope, this.#ranges(message)));
    this.remote.send({ type: 'reconciled', number, message: answer });
  }

  /** Asks for those that it does not know. */
  #want(ids: readonly Uint8Array[]): void {
    const answer = this.store.read({ kind: 'has', ids });
    if (answer.kind !== 'has') throw new Error('no holdings');
    const unknown = ids.filter((_, i) => ['unknown', 'named'].includes(answer.holdings[i] ?? ''));
    for (let at = 0; at < unknown.length; at += LIMITS.fetchMax)
      this.remote.send({ type: 'fetch', ids: unknown.slice(at, at + LIMITS.fetchMax) });
  }

  fetch(frame: FrameOf<'fetch'>): void {
    const answer = this.store.read({ kind: 'messages', ids: frame.ids });
    if (answer.kind !== 'messages') throw new Error('no messages');
    const messages = answer.messages.flatMap((one) => (one === undefined ? [] : [one.message]));
    const rest = frame.ids.filter((_, i) => answer.messages[i] === undefined);
    const buried = this.store.read({ kind: 'tombstones', ids: rest });
    if (buried.kind !== 'tombstones') throw new Error('no tombstones');
    const tombstones = buried.tombstones.filter((one) => one !== undefined);
    const notHeld = rest.filter((_, i) => buried.tombstones[i] === undefined);
    for (let at = 0; at < messages.length; at += 200)
      this.remote.send({ type: 'fetched', messages: messages.slice(at, at + 200), notHeld: [] });
    if (rest.length > 0) this.remote.send({ type: 'fetched', messages: [], notHeld, tombstones });
  }

  /** Plays its part of comparing. @returns whether the frame was one of that */
  hearSync(frame: Frame): boolean {
    if (frame.type === 'sums') this.reconcile(frame);
    else if (frame.type === 'reconcile') this.respond(frame);
    else if (frame.type === 'reconciled') this.goOn(frame);
    else if (frame.type === 'offer') this.#want(frame.ids);
    else return false;
    return true;
  }

  /** Answers what was said since the last time. @returns how many frames it answered */
  answer(): number {
    const frames = this.remote.frames.splice(0);
    let answered = 0;
    for (const frame of frames) {
      if (frame.type === 'fetch') this.fetch(frame);
      else if (frame.type === 'fetched') this.#take(frame);
      else if (!this.hearSync(frame)) continue;
      answered++;
    }
    return answered;
  }

  #take({ messages, tombstones = [] }: FrameOf<'fetched'>): void {
    fill(this.store, messages);
    for (const tombstone of tombstones) bury(this.store, tombstone);
  }

  /** Answers until nothing more is asked. */
  serve(): void {
    for (let i = 0; i < 10_000; i++) {
      this.#bench.run(10);
      if (this.answer() === 0) return;
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

export interface PairOptions extends BenchOptions {
  readonly joined?: readonly string[];
  /** a leaf dialled the peer, which is a relay then; else it is a leaf itself, and dialled its home relay */
  readonly isDialled?: boolean;
}

/** A peer that joined `dev`, linked with one that does not yet say that it holds it. */
export function createPair({ joined = ['dev'], isDialled = false, ...options }: PairOptions = {}): Pair {
  const store = createStore();
  const bench = new Bench({ store, ...options, state: { joined } });
  const remote = isDialled
    ? bench.connect('leaf', { live: true })
    : bench.connect('home', { role: 'responder', relay: true });
  const floorHour = bench.peer.snapshot(bench.now).floors.get(tagOf(joined[0] ?? '')) ?? 0;
  remote.clear();
  return { bench, store, holder: new Holder(bench, remote), remote, floorHour };
}

/** Both ways in which a link comes to be: who the other one is. */
export const WAYS = [
  ['its home relay', { isDialled: false }],
  ['a leaf of it', { isDialled: true }],
] as const;
