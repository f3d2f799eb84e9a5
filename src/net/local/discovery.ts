/**
 * Local discovery: daemons of one network find each other on the local network by multicast DNS, without a list. Looks
 * at the interfaces now and then, keeps one {@link Responder} on each that counts, and says what it does and why not.
 *
 * 1. Nothing that fails here ends the daemon: it is told by {@link LocalDiscoveryState}, and tried again at the next look.
 * 2. What it hands on is a hint: validated, bounded in rate, and proven by nobody yet.
 */
import os from 'node:os';
import { describeError } from '../guard.ts';
import { NET_LIMITS } from '../net-limits.ts';
import type { Announcer, LocalFinding } from './announcement.ts';
import { Bucket } from './bucket.ts';
import {
  type Circumstances,
  decideLocalDiscovery,
  type LocalDiscoveryMode,
  type LocalInterface,
} from './interfaces.ts';
import { explainLocalFailure, type OpenPacketSocket, openPacketSocket } from './open-socket.ts';
import type { Responder } from './responder.ts';

/** What local discovery does, for status pages. */
export interface LocalDiscoveryState {
  readonly mode: LocalDiscoveryMode;
  /** `starting`: it has not looked yet; `failed`: it is meant to be on, and works nowhere */
  readonly state: 'starting' | 'on' | 'off' | 'failed';
  /** why it is off or failed, or what does not work while it is on; '' when there is nothing to say */
  readonly reason: string;
  /** addresses of this machine at which it announces the daemon */
  readonly addresses: readonly string[];
  /** other peers of the network that are announced now */
  readonly peers: number;
}

export interface LocalDiscoveryOptions extends Omit<Circumstances, 'interfaces'> {
  readonly own: Announcer;
  readonly onFound: (finding: LocalFinding) => void;
  /** what it does, or why not, has changed; a changed number of peers is no news */
  readonly onChange: (state: LocalDiscoveryState) => void;
  /** default `os.networkInterfaces` */
  readonly interfaces?: () => Circumstances['interfaces'];
  readonly open?: OpenPacketSocket;
  /** calls `run` once after `delayMs`, returns what calls it off; default: `setTimeout` that does not keep the process */
  readonly schedule?: (run: () => void, delayMs: number) => () => void;
  /** a clock that only grows, ms; default `performance.now` */
  readonly monotonicMs?: () => number;
}

/** One interface on which it is or should be on. */
interface Place {
  readonly at: LocalInterface;
  responder: Responder | undefined;
  /** why it does not work there, '' if it does */
  trouble: string;
}

function scheduleTimeout(run: () => void, delayMs: number): () => void {
  const timer = setTimeout(run, delayMs).unref();
  return () => clearTimeout(timer);
}

function keyOf({ name, address, prefixBits }: LocalInterface): string {
  return `${name} ${address}/${prefixBits}`;
}

export class LocalDiscovery {
  readonly #options: LocalDiscoveryOptions;
  readonly #monotonicMs: () => number;
  readonly #findings: Bucket;
  readonly #places = new Map<string, Place>();
  /** why it is off, '' while it should be on */
  #off = '';
  /** why the interfaces cannot be looked at, '' if they can */
  #blind = '';
  #hasLooked = false;
  #told = '';
  #looking: Promise<void> | undefined;
  #callOff: () => void = () => undefined;
  #isStopped = false;
  #askDelayMs: number = NET_LIMITS.localScanMs;
  #nextAskMs: number;

  constructor(options: LocalDiscoveryOptions) {
    this.#options = options;
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now());
    this.#nextAskMs = this.#monotonicMs() + this.#askDelayMs;
    const { localFindingsPerSecond, localFindingsBurst } = NET_LIMITS;
    this.#findings = new Bucket({
      perSecond: localFindingsPerSecond,
      burst: localFindingsBurst,
      monotonicMs: this.#monotonicMs,
    });
  }

  get state(): LocalDiscoveryState {
    const places = [...this.#places.values()];
    const working = places.filter(({ responder, trouble }) => responder !== undefined && trouble === '');
    const troubles = [this.#blind, ...places.map(({ trouble }) => trouble)].filter(
      (trouble) => trouble !== '',
    );
    const peers = new Set(places.flatMap(({ responder }) => [...(responder?.peers() ?? [])]));
    const isOff = this.#off !== '';
    const isOn = working.length > 0;
    return {
      mode: this.#options.mode,
      state: !this.#hasLooked ? 'starting' : isOff ? 'off' : isOn ? 'on' : 'failed',
      reason: isOff ? this.#off : troubles.join('. '),
      addresses: working.map(({ at }) => at.address),
      peers: peers.size,
    };
  }

  /** Begins. @returns when it has looked for the first time, and {@link state} says something; never rejects */
  start(): Promise<void> {
    return this.#look();
  }

  /** Withdraws the announcements. @returns when all sockets are closed; the caller limits how long that may take */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#callOff();
    await this.#looking;
    const places = [...this.#places.values()];
    this.#places.clear();
    await Promise.all(places.map(({ responder }) => responder?.stop()));
  }

  /** Brings what runs in line with what the machine looks like now, and comes back later. */
  #look(): Promise<void> {
    this.#looking ??= this.#reconcile()
      .catch((error: unknown) => {
        this.#blind = `the network interfaces cannot be looked at: ${describeError(error)}; set MESH_LOCAL_DISCOVERY=off if that stays so`;
      })
      .then(() => {
        this.#looking = undefined;
        this.#hasLooked = true;
        if (this.#isStopped) return;
        this.#tell();
        if (this.#options.mode === 'off') return; // nothing that could change
        const schedule = this.#options.schedule ?? scheduleTimeout;
        this.#callOff = schedule(() => void this.#look(), NET_LIMITS.localScanMs);
      });
    return this.#looking;
  }

  async #reconcile(): Promise<void> {
    const { mode, interfaces: read = os.networkInterfaces } = this.#options;
    const interfaces = mode === 'off' ? {} : read();
    this.#blind = '';
    const decision = decideLocalDiscovery({ ...this.#options, interfaces });
    this.#off = decision.isOn ? '' : decision.reason;
    const wanted = new Map(decision.isOn ? decision.interfaces.map((at) => [keyOf(at), at]) : []);
    for (const [key, place] of this.#places) {
      if (wanted.has(key)) continue;
      this.#places.delete(key);
      await place.responder?.stop();
    }
    this.#askAgain();
    for (const [key, at] of wanted) {
      const place = this.#places.get(key) ?? { at, responder: undefined, trouble: '' };
      this.#places.set(key, place);
      if (place.responder === undefined && !this.#isStopped) await this.#open(place);
    }
  }

  /** Packets get lost: others are asked again, more and more seldom. */
  #askAgain(): void {
    const now = this.#monotonicMs();
    if (now < this.#nextAskMs) return;
    this.#askDelayMs = Math.min(this.#askDelayMs * 2, NET_LIMITS.localAskMaxMs);
    this.#nextAskMs = now + this.#askDelayMs;
    for (const { responder } of this.#places.values()) responder?.ask();
  }

  async #open(place: Place): Promise<void> {
    const { own, open = openPacketSocket } = this.#options;
    const { at } = place;
    const explain = (detail: string): string => (detail === '' ? '' : explainLocalFailure(at, detail));
    try {
      // Where it is off, the library that parses packets of strangers is not even loaded.
      const { Responder } = await import('./responder.ts');
      const socket = await open(at);
      const responder = new Responder({
        ...{ socket, own, at, monotonicMs: this.#monotonicMs },
        onFound: (finding) => {
          if (!this.#isStopped && this.#findings.take()) this.#options.onFound(finding);
        },
        // Told at the next look: a line that comes and goes would fill the log.
        onTrouble: (detail) => {
          place.trouble = explain(detail);
        },
        onBroken: (detail) => {
          if (place.responder !== responder) return;
          place.responder = undefined; // the next look opens another one
          place.trouble = explain(detail);
          void responder.stop();
        },
      });
      place.responder = responder;
      place.trouble = '';
    } catch (error) {
      place.trouble = explain(describeError(error));
    }
  }

  /** Tells what has changed; the same is told once. */
  #tell(): void {
    if (this.#isStopped || !this.#hasLooked) return;
    const { state } = this;
    const news = JSON.stringify([state.state, state.reason, state.addresses]);
    if (news === this.#told) return;
    this.#told = news;
    this.#options.onChange(state);
  }
}
