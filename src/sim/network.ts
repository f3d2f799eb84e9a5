/**
 * The second interpreter of the core's effects (the first is `daemon/runner.ts`): peers, links and disks in virtual
 * time, everything decided by one seed.
 *
 * Invariants:
 * 1. All effects of one `handle` are executed, in order, before the next event; reads are answered right after them.
 * 2. Everything random comes from the seed and everything happens in the order of the schedule, so a run can be
 *    repeated to the byte.
 * 3. What was scheduled for a run of a host that has crashed since does not happen.
 */
import type { Effect, Event, Now } from '../core/contract.ts';
import { createMessageContext, type MessageContext } from '../core/message/message.ts';
import type { SignatureCheck } from '../core/message/verified.ts';
import { Random } from '../core/random.ts';
import { frameNumber } from '../core/wire/frame.ts';
import { sha256 } from '../crypto/hash.ts';
import { Dialler } from './dialler.ts';
import { Disk } from './disk.ts';
import type { Host } from './host.ts';
import { derive, VerificationCache } from './keys.ts';
import type { Observer } from './observer.ts';
import { CALM, type Profile, type Range } from './profile.ts';
import { Schedule } from './schedule.ts';
import { Streams } from './streams.ts';
import { SimFailure, Trace } from './trace.ts';
import { LinkTable, type Wire, type WireEnd } from './wire.ts';

export interface NetworkOptions {
  readonly seed: number;
  readonly scenario: string;
  readonly profile?: Partial<Profile>;
  /** verdicts on signatures that are remembered */
  readonly verdictsMax?: number;
}

/** Name of the simulated network, which all signatures cover. */
export const SIM_NETWORK = 'sim';
/** Wall time at the start: 90 s before an hour ends, so that runs cross minutes and hours. */
const EPOCH_MS = Date.UTC(2026, 0, 15, 10, 58, 30);

/** A signature is asked for by everybody soon after it was made. */
const VERDICTS_MAX = 50_000;

export class Network {
  readonly seed: number;
  readonly schedule = new Schedule();
  readonly trace: Trace;
  readonly random: Random;
  readonly observers: Observer[] = [];
  readonly messages: MessageContext = createMessageContext(SIM_NETWORK, sha256);
  readonly dialler: Dialler;
  profile: Profile;
  readonly links = new LinkTable();
  readonly streams: Streams;
  readonly #verifications: VerificationCache;
  #linkNumber = 0;

  constructor(options: NetworkOptions) {
    this.seed = options.seed;
    this.profile = { ...CALM, ...options.profile };
    this.random = new Random(derive(options.seed, 'network'));
    this.trace = new Trace({
      scenario: options.scenario,
      seed: options.seed,
      nowMs: () => this.schedule.nowMs,
    });
    this.#verifications = new VerificationCache(options.verdictsMax ?? VERDICTS_MAX);
    this.dialler = new Dialler(this);
    this.streams = new Streams(this);
  }

  /** Whether a signature is right by the one rule. */
  isSigned(check: SignatureCheck): boolean {
    return this.#verifications.check(check) !== undefined;
  }

  chance(share: number): boolean {
    return share > 0 && this.random.unit() < share;
  }

  draw(range: Range): number {
    return range[0] + (range[1] - range[0]) * this.random.unit();
  }

  /** Numbers of links, never used twice. */
  nextLink(): number {
    return ++this.#linkNumber;
  }

  nowOf(host: Host): Now {
    const { nowMs } = this.schedule;
    return {
      monotonicMs: nowMs - host.startedMs,
      wallMs: Math.floor(EPOCH_MS + nowMs + host.wallOffsetMs),
    };
  }

  /** Runs later, unless this run of the host is over by then. */
  later(host: Host, delayMs: number, run: () => void): void {
    const started = host.run;
    this.schedule.after(delayMs, () => {
      if (host.run === started && host.isUp) run();
    });
  }

  startDisk(host: Host): void {
    host.disk = new Disk({
      store: host.store,
      after: (delayMs, run) => this.later(host, delayMs, run),
      commitDelayMs: () => {
        const { commitMs, commitSlowMs, commitSlowShare } = this.profile;
        return this.draw(this.chance(commitSlowShare) ? commitSlowMs : commitMs);
      },
      beforeCommit: () => {
        host.commits++;
        return host.crashPlan?.(host.commits);
      },
      answerDelayMs: () => this.draw(this.profile.persistedMs),
      committed: (requests, results) => {
        this.trace.add(`${host.name} committed ${requests.length} requests`);
        for (const observer of this.observers) observer.committed?.(host, requests, results);
      },
      persisted: (token, results) => this.deliver(host, { kind: 'persisted', token, results }),
      failed: (token, code) => this.deliver(host, { kind: 'persist-failed', token, code }),
      crash: (how) => this.crash(host, how),
    });
  }

  /**
   * Ends a run of a host. `killed`: what was sent still arrives, then the links close. `power`: what is in flight is
   * lost and the other ends hear nothing more.
   */
  crash(host: Host, how: 'killed' | 'power'): void {
    if (!host.isUp) return;
    this.trace.add(`${host.name} crashes (${how})`);
    const links = this.links.take(host);
    host.core = undefined;
    host.disk = undefined;
    host.inbox.length = 0;
    for (const { wire, end } of links) {
      end.isOpen = false;
      if (how === 'power') wire.isSilent = true;
      else this.#closeOther(wire, end, 'connection closed');
    }
    for (const observer of this.observers) observer.crashed?.(host);
  }

  /** Hands an event to the core, after those that already wait. */
  deliver(host: Host, event: Event): void {
    host.inbox.push(event);
    if (host.isHandling) return;
    host.isHandling = true;
    try {
      for (let next = host.inbox.shift(); next !== undefined && host.isUp; next = host.inbox.shift())
        this.#handle(host, next);
    } finally {
      host.isHandling = false;
    }
  }

  #handle(host: Host, event: Event): void {
    this.#traceEvent(host, event);
    for (const observer of this.observers) observer.event?.(host, event);
    let effects: Effect[];
    try {
      effects = host.core?.handle(event, this.nowOf(host)) ?? [];
    } catch (error) {
      if (error instanceof SimFailure) throw error;
      const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
      throw this.trace.failure('core', `${host.name} threw on ${event.kind}: ${detail}`, [host.name], error);
    }
    for (const effect of effects) {
      for (const observer of this.observers) observer.effect?.(host, effect);
      this.#execute(host, effect);
    }
  }

  #execute(host: Host, effect: Effect): void {
    switch (effect.kind) {
      case 'dial':
        this.trace.add(`${host.name} dials ${effect.url}`);
        this.dialler.dial(host, effect.url);
        break;
      case 'send-text':
        this.streams.sendText(host, effect);
        break;
      case 'mesh1':
        return;
      case 'send':
        this.streams.send(host, effect);
        break;
      case 'close':
        this.#close(host, effect);
        break;
      case 'pause':
        this.streams.pause(host, effect);
        break;
      case 'timer':
        // As Node's timers: never less than a millisecond, or rests of rounding would stop the clock.
        this.later(host, Math.max(1, effect.delayMs), () =>
          this.deliver(host, { kind: 'timer', timer: effect.timer }),
        );
        break;
      case 'verify': {
        const proofs = effect.checks.map((check) => this.#verifications.check(check));
        this.#answer(host, this.profile.verifyMs, { kind: 'verified', token: effect.token, proofs });
        break;
      }
      case 'sign':
        this.#sign(host, effect);
        break;
      case 'agree':
        this.#answer(host, this.profile.signMs, {
          kind: 'agreed',
          token: effect.token,
          agreement: { ok: true, early: effect.early },
        });
        break;
      case 'read':
        host.inbox.push({ kind: 'read', token: effect.token, answer: host.store.read(effect.query) });
        return;
      case 'persist':
        host.disk?.submit(effect);
        break;
      case 'reply':
        this.trace.add(`${host.name} replies ${effect.request} ${JSON.stringify(effect.reply)}`);
        break;
      case 'delivery':
        this.trace.add(`${host.name} delivery ${effect.id} ${effect.state} ${effect.by}`);
        break;
      case 'ephemeral':
        this.trace.add(`${host.name} shows ephemeral ${effect.message.message.idText}`);
        break;
      case 'report':
        if (effect.level !== 'debug')
          this.trace.add(`${host.name} ${effect.level}: ${effect.phrase} ${JSON.stringify(effect.data)}`);
        return;
      default:
        effect satisfies never;
    }
  }

  #answer(host: Host, delay: Range, event: Event): void {
    this.later(host, this.draw(delay), () => this.deliver(host, event));
  }

  #sign(host: Host, effect: Extract<Effect, { kind: 'sign' }>): void {
    const { peerKey, identityKeys } = host.options;
    const signatures = effect.items.map(({ key, data }) => {
      const signer = key === 'peer' ? peerKey : identityKeys.find(({ id }) => id === key);
      if (signer !== undefined) return signer.sign(data);
      throw this.trace.failure('contract', `${host.name} asks for a signature of the unknown key ${key}`);
    });
    this.#answer(host, this.profile.signMs, { kind: 'signed', token: effect.token, signatures });
  }

  #close(host: Host, effect: Extract<Effect, { kind: 'close' }>): void {
    const link = this.links.get(host, effect.link);
    if (link === undefined) return;
    this.trace.add(`${host.name} closes link ${effect.link} ${effect.code} ${effect.detail}`);
    this.links.remove(link.end);
    link.end.isOpen = false;
    this.#closeOther(link.wire, link.end, effect.code);
    host.inbox.push({ kind: 'link-closed', link: effect.link, reason: 'closed here' });
  }

  /** The other end hears of the end after everything that was sent before it. */
  #closeOther(wire: Wire, end: WireEnd, reason: string): void {
    const to = wire.other(end);
    const arrivesMs = Math.max(this.schedule.nowMs + wire.latencyMs, end.lastArrivalMs);
    this.schedule.at(arrivesMs, () => {
      if (!wire.isSilent) this.closeEnd(to, reason);
    });
  }

  /** One end learns that its link is gone. */
  closeEnd(end: WireEnd, reason: string): void {
    if (!end.isOpen) return;
    end.isOpen = false;
    this.links.remove(end);
    this.deliver(end.host, { kind: 'link-closed', link: end.id, reason });
  }

  #traceEvent(host: Host, event: Event): void {
    if (event.kind === 'frame-received')
      this.trace.add(
        `${host.name} < frame ${frameNumber(event.bytes)} on ${event.link}, ${event.bytes.length} bytes`,
      );
    else if (event.kind === 'timer') this.trace.add(`${host.name} < timer ${event.timer.kind}`);
    else if ('token' in event) this.trace.add(`${host.name} < ${event.kind} ${event.token}`);
    else if ('link' in event) this.trace.add(`${host.name} < ${event.kind} on ${event.link}`);
    else this.trace.add(`${host.name} < ${event.kind}`);
  }
}
