/**
 * Who reaches whom: dials, links that break or fall silent, and partitions.
 */
import type { Event } from '../core/contract.ts';
import { Random } from '../core/random.ts';
import type { Host } from './host.ts';
import { derive } from './keys.ts';
import type { Profile, Range } from './profile.ts';
import type { Schedule } from './schedule.ts';
import type { Trace } from './trace.ts';
import { type LinkTable, Wire, WireEnd } from './wire.ts';

/** What the network does for its dialler. */
export interface Ground {
  readonly seed: number;
  readonly profile: Profile;
  readonly schedule: Schedule;
  readonly trace: Trace;
  readonly links: LinkTable;
  draw(range: Range): number;
  nextLink(): number;
  later(host: Host, delayMs: number, run: () => void): void;
  deliver(host: Host, event: Event): void;
  closeEnd(end: WireEnd, reason: string): void;
}

export class Dialler {
  readonly #network: Ground;
  readonly #hosts = new Map<string, Host>();
  readonly #random: Random;
  /** group of each host while the network is partitioned */
  #groups: ReadonlyMap<Host, number> | undefined;
  /** sides of the last partition, for pictures */
  lastSides: ReadonlyMap<Host, number> = new Map();
  /** who may reach whom at all; undefined for everybody */
  #pairs: readonly (readonly [Host, Host])[] | undefined;
  #wires: Wire[] = [];
  /** counts links that opened, broke or fell silent; one that is closed in order is told to observers as an event */
  changes = 0;

  constructor(network: Ground) {
    this.#network = network;
    this.#random = new Random(derive(network.seed, 'dialler'));
  }

  /** @param url another address of the same computer, its usual one without it */
  register(host: Host, url: string = host.options.url): void {
    this.#hosts.set(url, host);
  }

  /** Nobody reaches it at any address any more. */
  unregister(host: Host): void {
    for (const [url, known] of this.#hosts) if (known === host) this.#hosts.delete(url);
  }

  /** From now on only these pairs reach each other, whatever addresses they know. Links that exist stay. */
  restrict(pairs: readonly (readonly [Host, Host])[]): void {
    this.#pairs = pairs;
  }

  /** Links of which at least one end is open. */
  wires(): Wire[] {
    this.#wires = this.#wires.filter((wire) => wire.isAlive);
    return this.#wires;
  }

  #bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.#random.below(256));
  }

  #areApart(a: Host, b: Host): boolean {
    const pairs = this.#pairs;
    const mayReach = pairs?.some(([x, y]) => (x === a && y === b) || (x === b && y === a)) ?? true;
    if (!mayReach) return true;
    return this.#groups !== undefined && this.#groups.get(a) !== this.#groups.get(b);
  }

  dial(host: Host, url: string): void {
    const network = this.#network;
    const target = this.#hosts.get(url);
    const latencyMs = network.draw(network.profile.latencyMs);
    if (target !== undefined && this.#areApart(host, target)) {
      this.#fail(host, url, 'timed out', network.profile.dialTimeoutMs);
      return;
    }
    network.later(host, 2 * latencyMs, () => {
      if (target?.options.isReachable === false)
        this.#fail(host, url, 'timed out', network.profile.dialTimeoutMs - 2 * latencyMs);
      else if (target === undefined || !target.isUp) this.#fail(host, url, 'connection refused', 0);
      else if (this.#areApart(host, target))
        this.#fail(host, url, 'timed out', network.profile.dialTimeoutMs - 2 * latencyMs);
      else this.#connect(host, target, { url, latencyMs });
    });
  }

  #fail(host: Host, url: string, reason: string, delayMs: number): void {
    this.#network.later(host, delayMs, () =>
      this.#network.deliver(host, { kind: 'dial-failed', url, reason }),
    );
  }

  #connect(from: Host, to: Host, link: { url: string; latencyMs: number }): void {
    const dialler = new WireEnd(from, this.#network.nextLink());
    const responder = new WireEnd(to, this.#network.nextLink());
    const wire = new Wire(dialler, responder, link.latencyMs);
    this.#wires.push(wire);
    this.changes++;
    for (const end of wire.ends) {
      const other = wire.other(end).host.options.url;
      this.#network.links.add(end, wire);
      this.#network.deliver(end.host, {
        kind: 'link-opened',
        link: end.id,
        role: end === dialler ? 'dialler' : 'responder',
        url: end === dialler ? link.url : '',
        scope: 'loopback',
        host: new URL(other).hostname,
        nonce: this.#bytes(16),
        ephemeral: this.#bytes(32),
      });
    }
  }

  /** A link is gone, with what was in flight; both ends hear of it. */
  breakWire(wire: Wire): void {
    const network = this.#network;
    network.trace.add(
      `link ${wire.dialler.id} of ${wire.dialler.host.name}, ${wire.responder.host.name} breaks`,
    );
    wire.isSilent = true;
    this.changes++;
    for (const end of wire.ends) {
      network.schedule.after(this.#random.below(20), () => network.closeEnd(end, 'connection reset'));
    }
  }

  /** A half-open connection: nothing arrives any more, and nobody is told. */
  silenceWire(wire: Wire): void {
    this.#network.trace.add(`link ${wire.dialler.id} of ${wire.dialler.host.name} falls silent`);
    wire.isSilent = true;
    this.changes++;
  }

  /** Hosts of different groups cannot reach each other from now on. */
  partition(groups: readonly (readonly Host[])[]): void {
    this.#network.trace.add(
      `partition ${groups.map((group) => group.map((host) => host.name).join(',')).join(' | ')}`,
    );
    this.#groups = new Map(groups.flatMap((group, index) => group.map((host) => [host, index] as const)));
    this.lastSides = this.#groups;
    this.changes++;
    for (const wire of this.wires()) {
      if (this.#areApart(wire.dialler.host, wire.responder.host)) wire.isSilent = true;
    }
  }

  /** Everybody reaches everybody again. Links that lost something are reset, as a stream with a hole cannot go on. */
  heal(): void {
    this.#network.trace.add('partition heals');
    this.#groups = undefined;
    for (const wire of this.wires()) if (wire.isSilent) this.breakWire(wire);
  }

  /** A host is back: connections to its earlier run are reset when used; here within half a second. */
  resetStale(host: Host): void {
    for (const wire of this.wires()) {
      for (const end of wire.ends) {
        if (end.host !== host || end.run === host.run) continue;
        const other = wire.other(end);
        this.#network.schedule.after(this.#random.below(500), () =>
          this.#network.closeEnd(other, 'connection reset'),
        );
      }
    }
  }
}
