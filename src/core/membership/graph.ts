/**
 * The graph of the relays in numbers, for one version of the map: edges that both ends list, shortest-path trees, and who
 * hangs on one other relay alone. Relays are numbered in the order of their ids, so "smallest id" is "smallest number".
 */

/** No relay. */
export const NOBODY = 0xffff;

/** A shortest-path tree. */
export interface NumberedTree {
  /** the relays that it reaches, from the root outwards */
  readonly order: Uint16Array;
  /** the parent of each relay, {@link NOBODY} for the root and those that it does not reach */
  readonly parents: Uint16Array;
}

export class Graph {
  readonly size: number;
  readonly #starts: Int32Array;
  readonly #edges: Uint16Array;
  readonly #costs: Uint8Array;

  /**
   * @param edges neighbours of relay n are `edges[starts[n]]` up to `edges[starts[n + 1]]`, ascending; below 65535 relays
   * @param costs of each edge, the same in both directions
   */
  constructor(starts: Int32Array, edges: Uint16Array, costs: Uint8Array) {
    this.size = starts.length - 1;
    this.#starts = starts;
    this.#edges = edges;
    this.#costs = costs;
  }

  /**
   * Breadth first. Of several neighbours one step nearer to the root the parent is the one over which the way costs least,
   * of equal ones the smallest number.
   */
  treeOf(root: number): NumberedTree {
    const [starts, edges] = [this.#starts, this.#edges];
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
      for (let e = starts[n] as number; e < (starts[n + 1] as number); e++) {
        const other = edges[e] as number;
        const way = (ways[n] as number) + (this.#costs[e] as number);
        if (depths[other] === NOBODY) {
          depths[other] = depth;
          order[found++] = other;
        } else if (depths[other] !== depth || way > (ways[other] as number)) continue;
        else if (way === ways[other] && n > (parents[other] as number)) continue;
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
    const [starts, edges] = [this.#starts, this.#edges];
    const parents = new Uint16Array(this.size).fill(NOBODY);
    const found = new Int32Array(this.size).fill(-1);
    const low = new Int32Array(this.size);
    const next = Int32Array.from(starts);
    const order: number[] = [];
    for (let n = root; n !== NOBODY; ) {
      if (found[n] === -1) {
        found[n] = order.length;
        low[n] = order.length;
        order.push(n);
      }
      const parent = parents[n] as number;
      const e = next[n] as number;
      if (e < (starts[n + 1] as number)) {
        next[n] = e + 1;
        const other = edges[e] as number;
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
