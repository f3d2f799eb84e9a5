/**
 * The baseline of latency: when a message would arrive at each peer if everybody passed it on over every open link at
 * once (Dijkstra, "A note on two problems in connexion with graphs", 1959). Nothing that a mesh does can be earlier, but
 * for what chance adds to single frames: each link counts with its own latency and the mean of the jitter, each peer on
 * the way with the mean time of a verification. Queues are empty in it, so it never waits for its own copies.
 */
import type { Host } from '../host.ts';
import type { Profile, Range } from '../profile.ts';
import type { Wire } from '../wire.ts';

/** How a flood reaches one peer. */
export interface Reach {
  /** ms, without the time in which the bytes of the message leave */
  readonly ms: number;
  /** links on the way: each sends the bytes once more */
  readonly links: number;
}

const mean = ([min, max]: Range): number => (min + max) / 2;

/** Floods of one moment that are kept: 9 bytes for each peer and flood (guess). */
const FLOODS_MAX = 512;

/** The open links of one moment: those of peer `i` are `to` and `ms` from `begin[i]` up to `begin[i + 1]`. */
class Graph {
  readonly index = new Map<Host, number>();
  readonly begin: Uint32Array;
  readonly to: Uint32Array;
  readonly ms: Float64Array;

  constructor(wires: Iterable<Wire>, { jitterMs }: Profile) {
    const open = [...wires].filter((wire) => !wire.isSilent && wire.ends.every(({ isOpen }) => isOpen));
    const ends = open.flatMap(({ dialler, responder, latencyMs }) => {
      const [a, b] = [this.#numberOf(dialler.host), this.#numberOf(responder.host)];
      return [
        { from: a, to: b, latencyMs },
        { from: b, to: a, latencyMs },
      ];
    });
    this.begin = new Uint32Array(this.index.size + 1);
    for (const { from } of ends) this.begin[from + 1] = (this.begin[from + 1] as number) + 1;
    for (let i = 0; i < this.index.size; i++)
      this.begin[i + 1] = (this.begin[i + 1] as number) + (this.begin[i] as number);
    this.to = new Uint32Array(ends.length);
    this.ms = new Float64Array(ends.length);
    const next = this.begin.slice();
    for (const { from, to, latencyMs } of ends) {
      const at = next[from] as number;
      next[from] = at + 1;
      this.to[at] = to;
      this.ms[at] = latencyMs + mean(jitterMs);
    }
  }

  #numberOf(host: Host): number {
    const number = this.index.get(host) ?? this.index.size;
    this.index.set(host, number);
    return number;
  }
}

/** A binary heap of peers by the time at which something reaches them, the earliest first. */
class Heap {
  readonly #peers: number[] = [];
  readonly #ms: number[] = [];

  get size(): number {
    return this.#peers.length;
  }

  push(peer: number, ms: number): void {
    let at = this.size;
    while (at > 0) {
      const up = (at - 1) >> 1;
      if ((this.#ms[up] as number) <= ms) break;
      this.#set(at, this.#peers[up] as number, this.#ms[up] as number);
      at = up;
    }
    this.#set(at, peer, ms);
  }

  #set(at: number, peer: number, ms: number): void {
    this.#peers[at] = peer;
    this.#ms[at] = ms;
  }

  /** Takes the earliest. @returns undefined if there is none */
  pop(): number | undefined {
    const first = this.#peers[0];
    const [peer, ms] = [this.#peers.pop(), this.#ms.pop()];
    if (peer === undefined || ms === undefined || this.size === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.size) break;
      if ((this.#ms[child + 1] ?? Number.POSITIVE_INFINITY) < (this.#ms[child] as number)) child++;
      if ((this.#ms[child] as number) >= ms) break;
      this.#set(at, this.#peers[child] as number, this.#ms[child] as number);
      at = child;
    }
    this.#set(at, peer, ms);
    return first;
  }
}

/** A flood from one peer. */
export class Flood {
  readonly #index: ReadonlyMap<Host, number>;
  readonly #ms: Float64Array;
  /** links on the way; more than 255 of them count as 255 */
  readonly #links: Uint8Array;

  /** @param perPeerMs what each peer on the way needs before it passes a message on */
  constructor({ index, begin, to, ms }: Graph, from: Host, perPeerMs: number) {
    this.#index = index;
    this.#ms = new Float64Array(index.size).fill(Number.POSITIVE_INFINITY);
    this.#links = new Uint8Array(index.size);
    const root = index.get(from);
    if (root === undefined) return;
    const isDone = new Uint8Array(index.size);
    const heap = new Heap();
    this.#ms[root] = 0;
    heap.push(root, 0);
    for (let peer = heap.pop(); peer !== undefined; peer = heap.pop()) {
      if (isDone[peer] === 1) continue;
      isDone[peer] = 1;
      const leavesMs = (this.#ms[peer] as number) + (peer === root ? 0 : perPeerMs);
      const links = Math.min(255, (this.#links[peer] as number) + 1);
      for (let at = begin[peer] as number; at < (begin[peer + 1] as number); at++) {
        const other = to[at] as number;
        const reachedMs = leavesMs + (ms[at] as number);
        if (reachedMs >= (this.#ms[other] as number)) continue;
        this.#ms[other] = reachedMs;
        this.#links[other] = links;
        heap.push(other, reachedMs);
      }
    }
  }

  /** @returns undefined for a peer that no links lead to */
  reach(host: Host): Reach | undefined {
    const at = this.#index.get(host);
    const ms = at === undefined ? Number.POSITIVE_INFINITY : (this.#ms[at] as number);
    return ms === Number.POSITIVE_INFINITY ? undefined : { ms, links: this.#links[at as number] as number };
  }
}

/** Floods from each peer over the links as they are now, worked out once for as long as those stay. */
export class Floods {
  readonly #wires: () => Iterable<Wire>;
  readonly #profile: () => Profile;
  #version = -1;
  #graph: Graph | undefined;
  readonly #known = new Map<Host, Flood>();

  constructor(wires: () => Iterable<Wire>, profile: () => Profile) {
    this.#wires = wires;
    this.#profile = profile;
  }

  /** @param version another number whenever a link has opened or closed since the last call */
  from(host: Host, version: number): Flood {
    const profile = this.#profile();
    if (version !== this.#version || this.#graph === undefined) {
      this.#version = version;
      this.#known.clear();
      this.#graph = new Graph(this.#wires(), profile);
    }
    if (this.#known.size >= FLOODS_MAX) this.#known.clear();
    const known = this.#known.get(host) ?? new Flood(this.#graph, host, mean(profile.verifyMs));
    this.#known.set(host, known);
    return known;
  }
}
