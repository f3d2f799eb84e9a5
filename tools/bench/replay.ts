/**
 * Processor time of one core without the simulator around it. A core is pure: what it was given can be written down
 * and given to another one, which then does the same again. So time is read a few times for thousands of calls, not for
 * each of some microseconds, and as often as one likes; and a heap holds one core and not a mesh.
 */
import type { Effect, Event, Now } from '../../src/core/contract.ts';
import { Peer } from '../../src/core/peer.ts';
import type { PeerConfig } from '../../src/core/peer-types.ts';

interface Given {
  readonly event: Event;
  readonly now: Now;
}

/** What was done: effects, and bytes of frames. Equal sums for equal work. */
function sumOf(effects: readonly Effect[]): number {
  let sum = effects.length;
  for (const effect of effects) if (effect.kind === 'send') sum += effect.frame.length * effect.links.length;
  return sum;
}

/** Messages whose signature is to be checked: each that comes, or is written here, once. */
export function messagesIn(effect: Effect): number {
  if (effect.kind !== 'verify') return 0;
  return effect.checks.filter(({ data }) => PREFIX.every((byte, i) => data[i] === byte)).length;
}

const PREFIX = new TextEncoder().encode('mesh/2 signature\0');

function copyOf(event: Event): Event {
  return event.kind === 'frame-received' ? { ...event, bytes: event.bytes.slice() } : { ...event };
}

/** What one core was given, in spans. */
export class Recording {
  readonly #config: PeerConfig;
  #given: Given[] = [];
  /** where spans end */
  readonly #ends: number[] = [];
  #sum = 0;
  #messages = 0;
  /** checked so far, at the end of each span */
  readonly #messagesAt: number[] = [];

  constructor(config: PeerConfig) {
    this.#config = config;
  }

  add(event: Event, now: Now, effects: readonly Effect[]): void {
    this.#given.push({ event, now });
    this.#sum += sumOf(effects);
    for (const effect of effects) this.#messages += messagesIn(effect);
  }

  endSpan(): void {
    this.#ends.push(this.#given.length);
    this.#messagesAt.push(this.#messages);
  }

  /** Copies what was given to one place: it lay among what all others were given, the farther apart the more those are. */
  settle(): void {
    this.#given = this.#given.map(({ event, now }) => ({ event: copyOf(event), now: { ...now } }));
  }

  /** Messages that were checked in a span. */
  messages(span: number): number {
    return (this.#messagesAt[span] ?? 0) - (this.#messagesAt[span - 1] ?? 0);
  }

  /**
   * Does it once more.
   * @returns of each span the processor time of all threads, us: what `handle` takes, with its garbage collection
   */
  replay(): number[] {
    const core = new Peer(this.#config);
    const spans: number[] = [];
    let at = 0;
    let sum = 0;
    for (const end of this.#ends) {
      const before = process.cpuUsage();
      for (; at < end; at++) {
        const { event, now } = this.#given[at] as Given;
        sum += sumOf(core.handle(event, now));
      }
      const { user, system } = process.cpuUsage(before);
      spans.push(user + system);
    }
    this.#assertSame(sum);
    return spans;
  }

  #assertSame(sum: number): void {
    if (sum !== this.#sum)
      throw new Error(`a core did ${sum} where it did ${this.#sum} before: it is not pure`);
  }

  /** Does it once more, with copies of all frames. @returns a core that holds what it kept of them */
  remember(): Peer {
    const core = new Peer(this.#config);
    let sum = 0;
    for (const { event, now } of this.#given) sum += sumOf(core.handle(copyOf(event), now));
    this.#assertSame(sum);
    return core;
  }
}

/** A core that is written down. */
export class RecordedPeer extends Peer {
  readonly #recording: Recording;

  constructor(config: PeerConfig, recording: Recording) {
    super(config);
    this.#recording = recording;
  }

  override handle(event: Event, now: Now): Effect[] {
    const effects = super.handle(event, now);
    this.#recording.add(event, now, effects);
    return effects;
  }
}
