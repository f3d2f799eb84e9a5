/**
 * The graph of the relays in numbers: edges that both ends list, shortest-path trees, and who hangs on one other relay
 * alone. A relay has one number for as long as it is known, and a *rank*, its place in the order of ids, which decides
 * where two ways are equal. A change of edges costs what it touches: the rest stays where it is.
 */
import { LIMITS } from '../limits.ts';

/** No relay. */
export const NOBODY = 0xffff;

/** A shortest-path tree. */
export interface NumberedTree {
  /** the relays that it reaches, from the root outwards */
  readonly order: Uint16Array;
  /** the parent of each relay, {@link NOBODY} for the root and those that it does not reach */
  readonly parents: Uint16Array;
}

function resized(before: Uint16Array, length: number): Uint16Array<ArrayBuffer> {
  const after = new Uint16Array(length);
  after.set(before);
  return after;
}

export class Graph {
  /** numbers in use are below */
  #size = 0;
  /** edges that there is room for at each relay */
  #width: number = LIMITS.recordLinksMax;
  /** those of relay n from `n * width` on, in the order of their ranks */
  #edges = new Uint16Array(0);
  #costs = new Uint8Array(0);
  #degrees = new Uint16Array(0);
  #ranks = new Uint16Array(0);
  /** by rank, the relay */
  #order = new Uint16Array(0);
  #count = 0;

  get size(): number {
    return this.#size;
  }

  /** Relays in use, in the order of their ids. */
  get count(): number {
    return this.#count;
  }

  /** The relay of a rank. */
  at(rank: number): number {
    return this.#order[rank] as number;
  }

  /** Takes a relay in, without edges. @param n below 65535 @param rank how many ids are smaller */
  insert(n: number, rank: number): void {
    if (n >= this.#size) this.#size = n + 1;
    if (n >= this.#ranks.length) this.#resize(Math.max(16, 2 * n), this.#width);
    this.#order.copyWithin(rank + 1, rank, this.#count++);
    this.#order[rank] = n;
    this.#rankFrom(rank);
  }

  /** Takes a relay out that has no edges. */
  remove(n: number): void {
    const rank = this.#ranks[n] as number;
    this.#order.copyWithin(rank, rank + 1, this.#count--);
    this.#rankFrom(rank);
  }

  #rankFrom(first: number): void {
    for (let rank = first; rank < this.#count; rank++) this.#ranks[this.#order[rank] as number] = rank;
  }

  #resize(capacity: number, width: number): void {
    const edges = new Uint16Array(capacity * width);
    const costs = new Uint8Array(capacity * width);
    for (let n = 0; n < this.#degrees.length; n++) {
      const from = n * this.#width;
      const to = from + (this.#degrees[n] as number);
      edges.set(this.#edges.subarray(from, to), n * width);
      costs.set(this.#costs.subarray(from, to), n * width);
    }
    this.#width = width;
    [this.#edges, this.#costs] = [edges, costs];
    this.#degrees = resized(this.#degrees, capacity);
    this.#ranks = resized(this.#ranks, capacity);
    this.#order = resized(this.#order, capacity);
  }

  /** How many neighbours a relay has. */
  degree(n: number): number {
    return this.#degrees[n] as number;
  }

  /** The neighbours of a relay. */
  neighbours(n: number): Uint16Array {
    const from = n * this.#width;
    return this.#edges.slice(from, from + (this.#degrees[n] as number));
  }

  /** Where the edge from one relay to another is, or the end of its row. No views: this is asked for every edge of a record. */
  #placeOf(n: number, other: number): number {
    const end = n * this.#width + (this.#degrees[n] as number);
    let at = n * this.#width;
    while (at < end && this.#edges[at] !== other) at++;
    return at;
  }

  /** Sets what the edge of two relays costs, 0 to 255; there is one from now on. */
  join(a: number, b: number, cost: number): void {
    this.#set(a, b, cost);
    this.#set(b, a, cost);
  }

  #set(n: number, other: number, cost: number): void {
    const degree = this.#degrees[n] as number;
    const known = this.#placeOf(n, other);
    if (known < n * this.#width + degree) {
      this.#costs[known] = cost;
      return;
    }
    if (degree === this.#width) this.#resize(this.#ranks.length, 2 * this.#width);
    const from = n * this.#width;
    let at = from + degree;
    for (; at > from && this.#isBefore(other, this.#edges[at - 1] as number); at--) {
      this.#edges[at] = this.#edges[at - 1] as number;
      this.#costs[at] = this.#costs[at - 1] as number;
    }
    this.#edges[at] = other;
    this.#costs[at] = cost;
    this.#degrees[n] = degree + 1;
  }

  #isBefore(a: number, b: number): boolean {
    return (this.#ranks[a] as number) < (this.#ranks[b] as number);
  }

  /** There is no edge between two relays any more. */
  part(a: number, b: number): void {
    this.#drop(a, b);
    this.#drop(b, a);
  }

  #drop(n: number, other: number): void {
    const at = this.#placeOf(n, other);
    const end = n * this.#width + (this.#degrees[n] as number);
    this.#edges.copyWithin(at, at + 1, end);
    this.#costs.copyWithin(at, at + 1, end);
    this.#degrees[n] = (this.#degrees[n] as number) - 1;
  }

  /**
   * Breadth first. Of several neighbours one step nearer to the root the parent is the one over which the way costs least,
   * of equal ones the one with the smallest id.
   */
  treeOf(root: number): NumberedTree {
    const [width, edges, costs, degrees] = [this.#width, this.#edges, this.#costs, this.#degrees];
    const order = new Uint16Array(this.size);
    const parents = new Uint16Array(this.size).fill(NOBODY);
    const depths = new Uint16Array(this.size).fill(NOBODY);
    const ways = new Uint32Array(this.size);
    depths[root] = 0;
    order[0] = root;
    let found = 1;
    for (let at = 0; at < found; at++) {
      // All that are nearer to the root were looked at before: its own parent, and what its way costs, stand.
      const n = order[at] as number;
      const depth = (depths[n] as number) + 1;
      const end = n * width + (degrees[n] as number);
      for (let e = n * width; e < end; e++) {
        const other = edges[e] as number;
        const way = (ways[n] as number) + (costs[e] as number);
        if (depths[other] === NOBODY) {
          depths[other] = depth;
          order[found++] = other;
        } else if (depths[other] !== depth || way > (ways[other] as number)) continue;
        else if (way === ways[other] && this.#isBefore(parents[other] as number, n)) continue;
        parents[other] = n;
        ways[other] = way;
      }
    }
    return { order: order.subarray(0, found), parents };
  }

  /**
   * For each relay the one that all its ways to `root` lead over, the nearest to the root if there are several;
   * {@link NOBODY} for those with two separate ways, and for neighbours of the root (Hopcroft and Tarjan's low points,
   * 1973, without recursion).
   */
  cutsFrom(root: number): Uint16Array {
    const [width, edges, degrees] = [this.#width, this.#edges, this.#degrees];
    const parents = new Uint16Array(this.size).fill(NOBODY);
    const found = new Int32Array(this.size).fill(-1);
    const low = new Int32Array(this.size);
    /** how many edges of each were gone through */
    const gone = new Uint16Array(this.size);
    const order: number[] = [];
    for (let n = root; n !== NOBODY; ) {
      if (found[n] === -1) {
        found[n] = order.length;
        low[n] = order.length;
        order.push(n);
      }
      const parent = parents[n] as number;
      const i = gone[n] as number;
      if (i < (degrees[n] as number)) {
        gone[n] = i + 1;
        const other = edges[n * width + i] as number;
        if (found[other] === -1) {
          parents[other] = n;
          n = other;
        } else if (other !== parent) low[n] = Math.min(low[n] as number, found[other] as number);
      } else {
        if (parent !== NOBODY) low[parent] = Math.min(low[parent] as number, low[n] as number);
        n = parent;
      }
    }
    const cuts = new Uint16Array(this.size).fill(NOBODY);
    for (const n of order) {
      const parent = parents[n] as number;
      if (parent === NOBODY || parent === root) continue;
      if (cuts[parent] !== NOBODY) cuts[n] = cuts[parent] as number;
      else if ((low[n] as number) >= (found[parent] as number)) cuts[n] = parent;
    }
    return cuts;
  }
}
