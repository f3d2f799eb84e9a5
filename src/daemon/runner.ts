/**
 * The daemon's interpreter of effects: it hands events to the core one at a time and executes what the core wants, with
 * real sockets and a real disk. The simulator has the only other one; the rules for both stand in `core/contract.ts`.
 *
 * Invariants:
 * 1. Run to completion: an event that arises while another is handled (a verification answered inline, a socket that
 *    closes while we send) waits until all effects of that one are executed, in order.
 * 2. Before {@link Runner.start} nothing reaches the core; `started` is the first event.
 * 3. Sockets, timers and commands call {@link Runner.submit} from the event loop, where the queue is empty again after
 *    each call. So the queue holds only what one event's effects caused, and its length is bounded by theirs.
 * 4. An exception out of the core, or of the store about an operation that makes no sense, is a mistake in the
 *    program. The core's state can no longer be trusted: the runner stops and tells `onFatal`. The store is consistent,
 *    for it changes only in whole transactions.
 */
import type { Bytes } from '../core/bytes.ts';
import type {
  Agreement,
  DeliveryState,
  Effect,
  Event,
  LinkId,
  Now,
  Reply,
  RequestId,
  RestoredState,
  Scope,
  Timer,
} from '../core/contract.ts';
import { type ErrorCode, MeshError } from '../core/errors.ts';
import type { Ed25519Verify, VerifiedMessage } from '../core/message/verified.ts';
import type { Query, QueryAnswer } from '../core/persistence.ts';
import type { Store } from '../store/store.ts';
import { Committer, type Later } from './committer.ts';
import { summarize } from './summary.ts';
import { Verifier } from './verifier.ts';

/** The longest delay that Node's timers take, ms. */
const DELAY_MAX_MS = 2 ** 31 - 1;

/** The core, or in tests a script in its place. */
export interface Core {
  handle(event: Event, now: Now): Effect[];
}

/** What the runner wants of sockets. Calls for links that are gone do nothing. */
export interface LinkPort {
  dial(url: string, scope: Scope): void;
  sendText(link: LinkId, text: string, notify: number): void;
  /** the link speaks mesh/1, and its texts may have so many bytes */
  mesh1(link: LinkId, textBytesMax: number): void;
  send(effect: Extract<Effect, { kind: 'send' }>): void;
  close(link: LinkId, code: ErrorCode, detail: string): void;
  /** stops reading a link for `delayMs` */
  pause(link: LinkId, delayMs: number): void;
  /** derives the session keys of a link, and seals it with them if it is to be; not ok for a link that is gone */
  agree(asked: Extract<Effect, { kind: 'agree' }>): Agreement;
}

/** A logger as pino has it: data first, then the phrase. */
export interface Log {
  debug(data: object, phrase: string): void;
  info(data: object, phrase: string): void;
  warn(data: object, phrase: string): void;
  error(data: object, phrase: string): void;
  fatal(data: object, phrase: string): void;
  isLevelEnabled(level: string): boolean;
}

export type ReportEffect = Extract<Effect, { kind: 'report' }>;

/** Who hears what the core tells the world outside the mesh. */
export interface Listeners {
  onReply(request: RequestId, reply: Reply): void;
  onDelivery(id: string, state: DeliveryState, by: string): void;
  onReport(report: ReportEffect): void;
  /** an ephemeral for local clients */
  onEphemeral(message: VerifiedMessage, isOwn: boolean): void;
  /** something was committed: feeds look again */
  onCommit(): void;
  /** the store failed, or with `undefined` works again */
  onStoreTrouble(error: MeshError | undefined): void;
  onFatal(error: unknown): void;
}

export interface RunnerOptions {
  readonly core: Core;
  readonly store: Pick<Store, 'transact' | 'read'>;
  readonly links: LinkPort;
  readonly verify: Ed25519Verify;
  /** @param key `peer` or the id text of a local identity. @returns 64 bytes */
  readonly sign: (key: string, data: Bytes) => Bytes;
  readonly clock: () => Now;
  readonly later: Later;
  readonly listeners: Listeners;
  readonly log: Log;
}

export class Runner {
  readonly #options: RunnerOptions;
  readonly #committer: Committer;
  readonly #verifier: Verifier;
  readonly #timers = new Set<() => void>();
  #queue: Event[] = [];
  #state: 'waiting' | 'idle' | 'handling' | 'ended' = 'waiting';
  readonly #isDebug: boolean;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#isDebug = options.log.isLevelEnabled('debug');
    this.#committer = new Committer({
      store: options.store,
      later: options.later,
      onPersisted: (token, results) => this.submit({ kind: 'persisted', token, results }),
      onFailed: (token, code) => this.submit({ kind: 'persist-failed', token, code }),
      onCommit: () => options.listeners.onCommit(),
      onTrouble: (error) => options.listeners.onStoreTrouble(error),
      onBroken: (error) => this.#break(error),
    });
    this.#verifier = new Verifier({
      verify: options.verify,
      later: options.later,
      clock: () => options.clock().monotonicMs,
      onVerified: (token, proofs) => this.submit({ kind: 'verified', token, proofs }),
    });
  }

  /** Begins with the event `started`; what was submitted before follows. */
  start(state: RestoredState): void {
    if (this.#state !== 'waiting') throw new Error('the runner was started before');
    this.#queue.unshift({ kind: 'started', state });
    this.#state = 'idle';
    this.#drain();
  }

  /** Hands an event to the core: at once, or after the one that is being handled. After the end it is ignored. */
  submit(event: Event): void {
    if (this.#state === 'ended') return;
    this.#queue.push(event);
    if (this.#state === 'idle') this.#drain();
  }

  /** Commits what waits, tells the core and executes what follows; after that nothing happens any more. */
  finish(): void {
    if (this.#state === 'idle') this.#committer.flush();
    this.#end();
  }

  #end(): void {
    this.#state = 'ended';
    this.#queue = [];
    this.#committer.discard();
    this.#verifier.discard();
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }

  #drain(): void {
    const { core, clock } = this.#options;
    this.#state = 'handling';
    try {
      for (let i = 0; i < this.#queue.length; i++) {
        const event = this.#queue[i] as Event;
        if (this.#isDebug) this.#options.log.debug({ event: summarize(event) }, 'event');
        for (const effect of core.handle(event, clock())) this.#execute(effect);
      }
      this.#queue = [];
      if (this.#state === 'handling') this.#state = 'idle'; // not if a listener ended the runner
    } catch (error) {
      this.#break(error);
    }
  }

  #break(error: unknown): void {
    this.#end();
    this.#options.listeners.onFatal(error);
  }

  #execute(effect: Effect): void {
    const { links, listeners } = this.#options;
    if (this.#isDebug) this.#options.log.debug({ effect: summarize(effect) }, 'effect');
    switch (effect.kind) {
      case 'dial':
        return links.dial(effect.url, effect.scope);
      case 'send-text':
        return links.sendText(effect.link, effect.text, effect.notify);
      case 'mesh1':
        return links.mesh1(effect.link, effect.textBytesMax);
      case 'send':
        return links.send(effect);
      case 'close':
        return links.close(effect.link, effect.code, effect.detail);
      case 'pause':
        return links.pause(effect.link, effect.delayMs);
      case 'timer':
        return this.#arm(effect.timer, effect.delayMs);
      case 'verify':
        return this.#verifier.add(effect);
      case 'sign':
        return this.#sign(effect);
      case 'agree':
        return this.submit({ kind: 'agreed', token: effect.token, agreement: links.agree(effect) });
      case 'read':
        return this.submit({ kind: 'read', token: effect.token, answer: this.#read(effect.query) });
      case 'persist':
        return this.#committer.add(effect);
      case 'reply':
        return listeners.onReply(effect.request, effect.reply);
      case 'delivery':
        return listeners.onDelivery(effect.id, effect.state, effect.by);
      case 'ephemeral':
        return listeners.onEphemeral(effect.message, effect.isOwn);
      case 'report':
        return listeners.onReport(effect);
      default:
        return effect satisfies never;
    }
  }

  #sign({ token, items }: Extract<Effect, { kind: 'sign' }>): void {
    const signatures = items.map(({ key, data }) => this.#options.sign(key, data));
    this.submit({ kind: 'signed', token, signatures });
  }

  /** Where the store cannot answer, the core hears it as `undefined` and asks again when it needs to. */
  #read(query: Query): QueryAnswer | undefined {
    try {
      return this.#options.store.read(query);
    } catch (error) {
      if (!(error instanceof MeshError)) throw error;
      this.#options.listeners.onStoreTrouble(error);
      return undefined;
    }
  }

  #arm(timer: Timer, delayMs: number): void {
    const { later } = this.#options;
    const fire = () => {
      this.#timers.delete(cancel);
      this.submit({ kind: 'timer', timer });
    };
    const cancel =
      delayMs <= 0 ? later.soon(fire) : later.after(Math.min(Math.ceil(delayMs), DELAY_MAX_MS), fire);
    this.#timers.add(cancel);
  }
}
