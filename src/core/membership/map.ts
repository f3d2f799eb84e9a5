/**
 * The map of the mesh: relays, the links that both ends list, and who has interest in what. From it every relay
 * computes the same shortest-path trees (MOSPF, RFC 1584): ties break by the bytes of the id.
 *
 * Invariants:
 * 1. An edge counts only if both ends list each other.
 * 2. A relay counts only if such edges connect it to oneself; the others are kept until they expire and not used.
 * 3. Everything derived (trees, branches) is dropped when the version changes; nothing is learnt from traffic.
 */
import { type Bytes, compare, idFromText } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import { shortId } from '../link/links.ts';
import type { InterestRecord, PeerRecord } from './records.ts';

interface Node {
  readonly peer: string;
  readonly key: Bytes;
  record: PeerRecord | undefined;
  tags: ReadonlySet<string>;
}

/** For each relay below us in a tree: the child of ours that leads to it. */
type Branches = ReadonlyMap<string, string>;

/** The shortest-path tree of a root: the parent of each relay, '' for the root itself, from the root outwards. */
export type Tree = ReadonlyMap<string, string>;

export class RelayMap {
  readonly #own: string;
  readonly #nodes = new Map<string, Node>();
  readonly #byShortId = new Map<string, string>();
  readonly #holders = new Map<string, Set<string>>();
  readonly #branches = new Map<string, Branches>();
  #edges: Map<string, string[]> | undefined;

  constructor(own: string) {
    this.#own = own;
  }

  #node(peer: string): Node {
    let node = this.#nodes.get(peer);
    if (!node) {
      node = { peer, key: idFromText(peer) as Bytes, record: undefined, tags: new Set() };
      this.#nodes.set(peer, node);
      this.#byShortId.set(shortId(peer), peer);
    }
    return node;
  }

  #changed(): void {
    this.#edges = undefined;
    this.#branches.clear();
  }

  setPeer(record: PeerRecord): void {
    this.#node(record.peer).record = record;
    this.#changed();
  }

  setInterest(record: InterestRecord): void {
    const node = this.#node(record.peer);
    for (const tag of node.tags) this.#unhold(tag, record.peer);
    node.tags = new Set(record.tags);
    for (const tag of record.tags) {
      const holders = this.#holders.get(tag);
      if (holders) holders.add(record.peer);
      else this.#holders.set(tag, new Set([record.peer]));
    }
  }

  #unhold(tag: string, peer: string): void {
    const holders = this.#holders.get(tag);
    holders?.delete(peer);
    if (holders?.size === 0) this.#holders.delete(tag);
  }

  remove(peer: string): void {
    const node = this.#nodes.get(peer);
    if (!node) return;
    for (const tag of node.tags) this.#unhold(tag, peer);
    this.#nodes.delete(peer);
    this.#byShortId.delete(shortId(peer));
    this.#changed();
  }

  /** Edges that both ends list, of relays connected to us, each list in the order of ids. */
  #graph(): Map<string, string[]> {
    if (this.#edges) return this.#edges;
    const edges = new Map<string, string[]>();
    const queue = [this.#own];
    for (const peer of queue) {
      if (edges.has(peer)) continue;
      const node = this.#nodes.get(peer);
      const mutual = (node?.record?.links ?? []).filter((other) =>
        this.#nodes.get(other)?.record?.links.includes(peer),
      );
      mutual.sort((a, b) => compare(this.#node(a).key, this.#node(b).key));
      edges.set(peer, mutual);
      queue.push(...mutual);
    }
    this.#edges = edges;
    return edges;
  }

  /** The shortest-path tree of `root` (peer id) over the relays that count; empty if it is none of them. */
  treeOf(root: string): Tree {
    const edges = this.#graph();
    const parent = new Map<string, string>();
    if (!edges.has(root)) return parent;
    parent.set(root, '');
    let level = [root];
    while (level.length > 0) {
      // A node's parent is the smallest id among its neighbours one step nearer: visit those in the order of ids.
      level.sort((a, b) => compare(this.#node(a).key, this.#node(b).key));
      const next: string[] = [];
      for (const peer of level) {
        for (const other of edges.get(peer) ?? []) {
          if (parent.has(other)) continue;
          parent.set(other, peer);
          next.push(other);
        }
      }
      level = next;
    }
    return parent;
  }

  /** Notes for the tree of `root` which child of ours leads to whom. */
  #branchesOf(root: string): Branches {
    const known = this.#branches.get(root);
    if (known) return known;
    const branches = new Map<string, string>();
    // From the root outwards: a parent's branch is known before its children are met.
    for (const [peer, parent] of this.treeOf(root)) {
      const branch = parent === this.#own ? peer : branches.get(parent);
      if (branch !== undefined) branches.set(peer, branch);
    }
    if (this.#branches.size >= LIMITS.treesMax) this.#branches.clear();
    this.#branches.set(root, branches);
    return branches;
  }

  /** Our children in the tree of `root` (peer id) below which somebody has interest in `tag`. */
  children(root: string, tag: string): Set<string> {
    const children = new Set<string>();
    const holders = this.#holders.get(tag);
    if (!holders) return children;
    const branches = this.#branchesOf(root);
    for (const holder of holders) {
      const child = branches.get(holder);
      if (child !== undefined) children.add(child);
    }
    return children;
  }

  /** Whether a relay is connected with us. */
  counts(peer: string): boolean {
    return this.#graph().has(peer);
  }

  /** The relay with this short id that counts, or `undefined`. */
  rootOf(short: string): string | undefined {
    const peer = this.#byShortId.get(short);
    return peer !== undefined && this.#graph().has(peer) ? peer : undefined;
  }

  holds(peer: string, tag: string): boolean {
    return this.#nodes.get(peer)?.tags.has(tag) ?? false;
  }

  /** Relays whose interest record lists the tag, whether they count or not. */
  holdersOf(tag: string): ReadonlySet<string> {
    return this.#holders.get(tag) ?? new Set();
  }

  tagsOf(peer: string): ReadonlySet<string> {
    return this.#nodes.get(peer)?.tags ?? new Set();
  }

  recordOf(peer: string): PeerRecord | undefined {
    return this.#nodes.get(peer)?.record;
  }

  /** Relays that count, oneself included if it has a record. */
  connected(): string[] {
    return [...this.#graph().keys()].filter((peer) => this.#nodes.get(peer)?.record !== undefined);
  }

  /** Everybody of whom there is a record, whether they count or not. */
  known(): string[] {
    return [...this.#nodes.keys()];
  }

  get size(): number {
    return this.#nodes.size;
  }
}
