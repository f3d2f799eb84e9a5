/**
 * One real peer in virtual time, and remote ends that a test plays by hand: they speak the protocol from its pages, with
 * keys of their own, and do what an honest peer would not. The bench executes effects as the interpreters do; answers
 * can be held back, and the disk can fail.
 */

import { type BenchStore, createBlankStore } from './blank-store.fixture.ts';
import { type Bytes, concat, toBase64url, utf8 } from './bytes.ts';
import { channelTag } from './channel/channel.ts';
import type {
  Agreement,
  Effect,
  Event,
  LinkId,
  Now,
  PublishCommand,
  Reply,
  RestoredState,
  Timer,
} from './contract.ts';
import { DEFAULT_RETENTION, NO_RATES } from './defaults.ts';
import type { ErrorCode } from './errors.ts';
import { HOUR } from './limits.ts';
import { type Author, authorOf, openclaw, sha256, signedMessage, verify } from './message/message.fixture.ts';
import type { Message, MessageFields } from './message/message.ts';
import { type Verification, verifySignature } from './message/verified.ts';
import { Peer } from './peer.ts';
import type { PeerConfig } from './peer-types.ts';
import type { PersistOp } from './persistence.ts';
import { type ConnectOptions, Remote } from './remote.fixture.ts';
import { decodeFrame } from './wire/frames.ts';

type Answering = 'verify' | 'sign' | 'agree' | 'read' | 'persist';
type EffectOf<K extends Effect['kind']> = Extract<Effect, { kind: K }>;

interface Due {
  readonly atMs: number;
  readonly run: () => void;
}

/** Names and tags are enough where the default policy holds. */
export interface BenchState extends Partial<Omit<RestoredState, 'joined' | 'carried'>> {
  readonly joined?: readonly string[];
  readonly carried?: readonly {
    readonly tag: string;
    readonly untilMs: number;
    readonly sinceHour?: number;
  }[];
}

export interface BenchOptions {
  /** the first persists that fail */
  readonly failPersists?: number;
  readonly store?: BenchStore;
  readonly config?: Partial<PeerConfig>;
  readonly state?: BenchState;
  /** label of the peer key */
  readonly name?: string;
}

/** Wall time at the start: 20 minutes past an hour. */
export const EPOCH_MS = Date.UTC(2026, 5, 1, 10, 20, 0);
export const tagOf = (channel: string): string => toBase64url(channelTag(sha256, 'openclaw', channel));

const EMPTY_STATE: RestoredState = {
  identities: [],
  joined: [],
  carried: [],
  floors: [],
  leafFloors: [],
  mailboxes: [],
  addresses: [],
  recordSequence: 0,
  clockMs: 0,
};

export class Bench {
  readonly peer: Peer;
  readonly key: Author;
  readonly identity: Author;
  readonly store: BenchStore;
  readonly remotes: Remote[] = [];
  /** everything since the start, in order */
  readonly effects: Effect[] = [];
  nowMs = 100_000;
  /** own wall clock minus true time, ms */
  wallOffsetMs = 0;
  /** the next persist effects that fail */
  failPersists = 0;
  /** the next reads that find no answer */
  failReads = 0;
  /** every signature holds: for tests of limits, where signing thousands of things would take the time */
  isCredulous = false;
  /** what `agree` answers, if not that it went well */
  agreement: Agreement | undefined;
  /** what came early, opened */
  openEarly: (early: readonly Bytes[]) => readonly Bytes[] = (early) => early;
  readonly #inbox: Event[] = [];
  /** in order of time, those of one time in the order in which they were asked for */
  readonly #due: Due[] = [];
  readonly #held = new Map<Answering, Event[]>();
  #isBusy = false;
  #requests = 0;
  #links = 0;

  constructor(options: BenchOptions = {}) {
    this.key = authorOf(options.name ?? 'subject');
    this.identity = authorOf('subject identity');
    this.store = options.store ?? createBlankStore();
    this.failPersists = options.failPersists ?? 0;
    this.peer = new Peer({
      network: 'openclaw',
      peerId: this.peerId,
      instance: new Uint8Array(8).fill(1),
      seed: sha256(utf8(options.name ?? 'bench')),
      sha256,
      agent: 'bench',
      allowPrivate: false,
      banThreshold: 16,
      known: new Set(),
      rates: NO_RATES,
      retention: DEFAULT_RETENTION,
      publicUrl: '',
      mayRelay: true,
      mesh1: true,
      sealLoopback: false,
      ...options.config,
    });
    const identities = [toBase64url(this.identity.publicKey)];
    const { joined = [], carried = [], ...state } = options.state ?? {};
    this.event({
      kind: 'started',
      state: {
        ...{ ...EMPTY_STATE, identities, ...state },
        joined: joined.map((channel) => ({ channel, policy: {} })),
        carried: carried.map((row) => ({ sinceHour: Math.floor(EPOCH_MS / HOUR) - 167, ...row })),
      },
    });
  }

  get peerId(): string {
    return toBase64url(this.key.publicKey);
  }

  get now(): Now {
    const wallMs = EPOCH_MS + this.nowMs - 100_000 + this.wallOffsetMs;
    return { monotonicMs: this.nowMs, wallMs };
  }

  nextLink(): LinkId {
    return ++this.#links;
  }

  /** Hands an event to the peer, after those that wait, and does all that follows at once. */
  event(event: Event): void {
    this.#inbox.push(event);
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      for (let next = this.#inbox.shift(); next !== undefined; next = this.#inbox.shift())
        for (const effect of this.peer.handle(next, this.now)) this.#execute(effect);
    } finally {
      this.#isBusy = false;
    }
  }

  #execute(effect: Effect): void {
    this.effects.push(effect);
    switch (effect.kind) {
      case 'timer':
        this.later(effect.delayMs, () => this.event({ kind: 'timer', timer: effect.timer }));
        return;
      case 'mesh1':
        return;
      case 'send-text':
        return this.#sendText(effect);
      case 'send':
        this.#send(effect);
        return;
      case 'close':
        this.remote(effect.link)?.hearClose(effect.code, effect.detail);
        this.#inbox.push({ kind: 'link-closed', link: effect.link, reason: 'closed here' });
        return;
      case 'persist':
        this.#persist(effect);
        return;
      case 'read': {
        const answer = this.failReads > 0 ? undefined : this.store.read(effect.query);
        if (answer === undefined) this.failReads--;
        return this.#answer('read', { kind: 'read', token: effect.token, answer });
      }
      case 'verify': {
        const proofs = effect.checks.map((check) =>
          this.isCredulous ? anyProof() : verifySignature(verify, check),
        );
        return this.#answer('verify', { kind: 'verified', token: effect.token, proofs });
      }
      case 'sign': {
        const signatures = effect.items.map(({ key, data }) =>
          (key === 'peer' ? this.key : this.identity).sign(data),
        );
        return this.#answer('sign', { kind: 'signed', token: effect.token, signatures });
      }
      case 'agree':
        return this.#answer('agree', {
          kind: 'agreed',
          token: effect.token,
          agreement: this.agreement ?? { ok: true, early: this.openEarly(effect.early) },
        });
    }
  }

  #sendText({ link, text, notify }: EffectOf<'send-text'>): void {
    const remote = this.remote(link);
    if (remote === undefined || remote.closed) return;
    remote.hearText(text);
    if (notify > 0) this.#queue(remote, notify);
  }

  #queue(remote: Remote, notify: number): void {
    remote.unflushed.push(notify);
    if (!remote.isReadingSlowly) this.later(0, () => this.flushed(remote.link));
  }

  #send(effect: EffectOf<'send'>): void {
    const frame = decodeFrame(openclaw, effect.frame);
    if (frame === undefined) throw new Error(`sent what is no frame: ${effect.frame.slice(0, 40)}`);
    for (const link of effect.links) {
      const remote = this.remote(link);
      if (remote === undefined || remote.closed) continue;
      remote.hear(frame);
      if (effect.notify !== 0) this.#queue(remote, effect.notify);
    }
  }

  flushed(link: LinkId): void {
    const notify = this.remote(link)?.unflushed.shift() ?? 0;
    this.event({ kind: 'link-flushed', link, notify });
  }

  #persist({ token, ops }: EffectOf<'persist'>): void {
    if (this.failPersists > 0) {
      this.failPersists--;
      return this.#answer('persist', { kind: 'persist-failed', token, code: 'store_failed' });
    }
    const results = this.store.transact([ops])[0] ?? [];
    this.#answer('persist', { kind: 'persisted', token, results });
  }

  #answer(kind: Answering, event: Event): void {
    (this.#held.get(kind) ?? this.#inbox).push(event);
  }

  /** Keeps answers of this kind back until {@link release}. What they stand for is done all the same. */
  hold(kind: Answering): void {
    this.#held.set(kind, this.#held.get(kind) ?? []);
  }

  /** Gives the answers that were held back, and later ones at once. */
  release(kind: Answering): void {
    const events = this.#held.get(kind) ?? [];
    this.#held.delete(kind);
    for (const event of events) this.event(event);
  }

  later(delayMs: number, run: () => void): void {
    const due: Due = { atMs: this.nowMs + delayMs, run };
    const place = this.#due.findLastIndex(({ atMs }) => atMs <= due.atMs);
    this.#due.splice(place + 1, 0, due);
  }

  /** Lets time pass. */
  run(durationMs: number): void {
    const untilMs = this.nowMs + durationMs;
    for (;;) {
      const next = this.#due[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#due.shift();
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.run();
    }
    this.nowMs = untilMs;
  }

  /** Time passes and nothing happens in it, as for a process that is stopped. Timers that are due come afterwards. */
  stall(durationMs: number): void {
    this.nowMs += durationMs;
    this.run(0);
  }

  remote(link: LinkId): Remote | undefined {
    return this.remotes.find((remote) => remote.link === link);
  }

  /** A link to a remote end that has not said anything yet. */
  open(name: string, options: ConnectOptions = {}): Remote {
    const remote = new Remote(this, name, options);
    this.remotes.push(remote);
    remote.open();
    return remote;
  }

  /** A link that is up, with a remote end that has told its role. */
  connect(name: string, options: ConnectOptions = {}): Remote {
    const remote = this.open(name, options);
    remote.shake();
    const hasRole = options.relay !== undefined || options.live !== undefined;
    if (hasRole && !options.isVisit)
      remote.send({ type: 'role', relay: options.relay ?? false, live: options.live ?? false });
    this.run(0);
    return remote;
  }

  /** All effects of a kind since the start, or since a mark. */
  of<K extends Effect['kind']>(kind: K, since = 0): EffectOf<K>[] {
    return this.effects.slice(since).filter((effect): effect is EffectOf<K> => effect.kind === kind);
  }

  get mark(): number {
    return this.effects.length;
  }

  reports(phrase: string): EffectOf<'report'>[] {
    return this.of('report').filter((report) => report.phrase === phrase);
  }

  /** Operations given to the store, in order. */
  ops<K extends PersistOp['kind']>(kind: K, since = 0): Extract<PersistOp, { kind: K }>[] {
    return this.of('persist', since)
      .flatMap(({ ops }) => ops)
      .filter((op): op is Extract<PersistOp, { kind: K }> => op.kind === kind);
  }

  timers(kind: Timer['kind']): EffectOf<'timer'>[] {
    return this.of('timer').filter(({ timer }) => timer.kind === kind);
  }

  join(channel: string): void {
    this.event({ kind: 'join', request: ++this.#requests, channel });
    this.run(0);
  }

  /** @returns the number of the request */
  publish(body: string, changes: Partial<PublishCommand> = {}): number {
    const request = ++this.#requests;
    const command: PublishCommand = {
      identity: toBase64url(this.identity.publicKey),
      channel: 'dev',
      body,
      payload: new Uint8Array(0),
      refs: [],
      expiresMs: 0,
      idempotencyKey: '',
      ...changes,
    };
    this.event({ kind: 'publish', request, command });
    return request;
  }

  reply(request: number): Reply | undefined {
    return this.of('reply').find((effect) => effect.request === request)?.reply;
  }

  /** A message of somebody, dated now. */
  message(body: string, changes: Partial<MessageFields> = {}, author = authorOf('somebody')): Message {
    const time = { timeMs: Math.floor(this.now.wallMs), counter: 0 };
    return signedMessage({ channel: 'dev', body, time, author: author.publicKey, ...changes }, author);
  }

  codeOf(request: number): ErrorCode | '' {
    const reply = this.reply(request);
    return reply?.kind === 'failed' ? reply.code : '';
  }
}

function anyProof(): Verification | undefined {
  const { publicKey, sign } = authorOf('anybody');
  const data = utf8('anything');
  return verifySignature(verify, { data, signature: sign(data), publicKey });
}

/** "mesh/2 PURPOSE\0" network "\0" and the parts: written down once more, so that the core is not its own witness. */
export function purposeBytes(purpose: string, ...parts: readonly Bytes[]): Bytes {
  return concat(utf8(`mesh/2 ${purpose}\0openclaw\0`), ...parts);
}
