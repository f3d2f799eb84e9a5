/**
 * The map of the mesh: relays, the links that both ends list, and who has interest in what. From it every relay
 * computes the same shortest-path trees (MOSPF, RFC 1584): ties break by the costs of the links, then by the bytes of the id.
 *
 * Outside a relay is its id text; inside it has a *slot*, which it keeps while it is known and which is its number in the
 * graph, and a rank among the ids.
 *
 * Invariants:
 * 1. An edge counts only if both ends list each other.
 * 2. A relay counts only if such edges connect it to oneself; the others are kept until they expire and not used.
 * 3. Everything derived (trees, branches) is dropped when an edge changes; nothing is learnt from traffic.
 * 4. Who has a filter may be taken for a holder of a tag that it has not. That costs copies; whoever holds a tag is
 *    never taken for one who does not.
 */
import { type Bytes, compare, idFromText } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import { shortId } from '../link/links.ts';
import { Graph, NOBODY } from './graph.ts';
import type { HashKey } from './half-sip-hash.ts';
import type { PeerRecord } from './records.ts';
import { TagIndex } from './tag-index.ts';
import { NO_TAGS, TagSet, walkPair, wordsOf } from './tag-set.ts';

interface Node {
  readonly peer: string;
  readonly key: Bytes;
  readonly slot: number;
  record: PeerRecord | undefined;
  tags: TagSet;
  /** of each tag, in the index */
  entries: Int32Array;
}

/** The shortest-path tree of a root: the parent of each relay, '' for the root itself, from the root outwards. */
export type Tree = ReadonlyMap<string, string>;

/** Who counts, for one version of the map. */
interface View {
  /** slots in the order of the tree of oneself: who is in it counts */
  readonly own: Uint16Array;
  /** by slot */
  readonly counts: Uint8Array;
}

const NO_ENTRIES = new Int32Array(0);

export class RelayMap {
  readonly #own: Node;
  readonly #nodes = new Map<string, Node>();
  readonly #byShortId = new Map<string, string>();
  /** by slot */
  readonly #slots: (Node | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  readonly #graph = new Graph();
  readonly #index: TagIndex;
  /** for each root: by slot, the slot of the child of ours that leads there */
  readonly #branches = new Map<string, Uint16Array>();
  #view: View | undefined;
  /** counts what may change who is connected, or has interest in what: links, and tags */
  #holdings = 0;

  /** @param key what others cannot know */
  constructor(own: string, key: HashKey) {
    this.#index = new TagIndex(key);
    this.#own = this.#node(own);
  }

  #node(peer: string): Node {
    const known = this.#nodes.get(peer);
    if (known) return known;
    const key = idFromText(peer) as Bytes;
    const slot = this.#freeSlots.pop() ?? this.#slots.length;
    const node: Node = { peer, key, slot, record: undefined, tags: NO_TAGS, entries: NO_ENTRIES };
    this.#slots[slot] = node;
    this.#nodes.set(peer, node);
    this.#byShortId.set(shortId(peer), peer);
    this.#graph.insert(slot, this.#rankOf(key));
    this.#changed();
    return node;
  }

  /** How many ids are smaller. */
  #rankOf(key: Bytes): number {
    let from = 0;
    let to = this.#graph.count;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (compare((this.#slots[this.#graph.at(middle)] as Node).key, key) < 0) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  #changed(): void {
    this.#view = undefined;
    this.#branches.clear();
  }

  setPeer(record: PeerRecord): void {
    const node = this.#node(record.peer);
    const before = node.record;
    // A thousand records name the same relays: of each id one text is kept.
    const links = record.links.map((peer) => this.#nodes.get(peer)?.peer ?? peer);
    node.record = { ...record, peer: node.peer, links };
    // Most records are old ones made anew.
    const isLinkedAsBefore = before !== undefined && isEqual(before.links, record.links);
    if (isLinkedAsBefore && isEqual(before.costs, record.costs)) return;
    this.#relink(node);
    this.#changed();
    if (!isLinkedAsBefore) this.#holdings++;
  }

  /** Finds the edges of a relay anew. One costs what the end says that says more: nobody alone makes a way cheap. */
  #relink(node: Node): void {
    const { links = [], costs = [] } = node.record ?? {};
    const now: number[] = [];
    for (let i = 0; i < links.length; i++) {
      const to = this.#nodes.get(links[i] as string);
      const back = to === node ? -1 : (to?.record?.links.indexOf(node.peer) ?? -1);
      if (!to || back < 0) continue;
      now.push(to.slot);
      this.#graph.join(node.slot, to.slot, Math.max(costs[i] as number, to.record?.costs[back] as number));
    }
    if (this.#graph.degree(node.slot) === now.length) return;
    for (const slot of this.#graph.neighbours(node.slot))
      if (!now.includes(slot)) this.#graph.part(node.slot, slot);
  }

  /** What a relay has interest in from now on. */
  setTags(peer: string, tags: TagSet): void {
    const node = this.#node(peer);
    const { slot, tags: before, entries: had } = node;
    const entries = new Int32Array(tags.size);
    let at = 0;
    const drop = (i: number): void => this.#index.delete(had[i] as number);
    const keep = (i: number): void => {
      entries[at++] = had[i] as number;
    };
    const add = (i: number): void => {
      entries[at++] = this.#index.add(tags, i, slot);
    };
    if (before.isExact === tags.isExact) walkPair(before, tags, { first: drop, both: keep, second: add });
    else {
      for (let i = 0; i < before.size; i++) drop(i);
      for (let i = 0; i < tags.size; i++) add(i);
    }
    node.entries = entries;
    node.tags = tags;
    this.#holdings++;
  }

  remove(peer: string): void {
    const node = this.#nodes.get(peer);
    if (!node || node === this.#own) return;
    this.setTags(peer, new TagSet(node.tags.isExact, new Uint32Array(0)));
    node.record = undefined;
    this.#relink(node);
    this.#nodes.delete(peer);
    this.#byShortId.delete(shortId(peer));
    this.#slots[node.slot] = undefined;
    this.#freeSlots.push(node.slot);
    this.#graph.remove(node.slot);
    this.#changed();
    this.#holdings++;
  }

  #current(): View {
    if (this.#view) return this.#view;
    const own = this.#graph.treeOf(this.#own.slot).order;
    const counts = new Uint8Array(this.#graph.size);
    for (const slot of own) counts[slot] = 1;
    this.#view = { own, counts };
    return this.#view;
  }

  #peerAt(slot: number): string {
    return (this.#slots[slot] as Node).peer;
  }

  /** The shortest-path tree of `root` (peer id) over the relays that count; empty if it is none of them. */
  treeOf(root: string): Tree {
    const tree = new Map<string, string>();
    if (!this.counts(root)) return tree;
    const { order, parents } = this.#graph.treeOf((this.#nodes.get(root) as Node).slot);
    for (const slot of order) {
      const parent = parents[slot] as number;
      tree.set(this.#peerAt(slot), parent === NOBODY ? '' : this.#peerAt(parent));
    }
    return tree;
  }

  /** Notes for the tree of `root` which child of ours leads to whom. */
  #branchesOf(root: Node): Uint16Array {
    const known = this.#branches.get(root.peer);
    if (known) return known;
    const { order, parents } = this.#graph.treeOf(root.slot);
    const branches = new Uint16Array(this.#graph.size).fill(NOBODY);
    // From the root outwards: a parent's branch is known before its children are met.
    for (const slot of order) {
      const parent = parents[slot] as number;
      if (parent !== NOBODY) branches[slot] = parent === this.#own.slot ? slot : (branches[parent] as number);
    }
    if (this.#branches.size >= LIMITS.treesMax) this.#branches.clear();
    this.#branches.set(root.peer, branches);
    return branches;
  }

  /** Our children in the tree of `root` (peer id) below which somebody has interest in `tag`. */
  children(root: string, tag: string): Set<string> {
    const children = new Set<string>();
    if (!this.counts(root)) return children;
    let branches: Uint16Array | undefined;
    this.#findHolders(tag, (node) => {
      branches ??= this.#branchesOf(this.#nodes.get(root) as Node);
      const child = branches[node.slot] as number;
      if (child !== NOBODY) children.add(this.#peerAt(child));
    });
    return children;
  }

  /** Relays with interest in a tag, or with a filter that says so. */
  #findHolders(tag: string, visit: (node: Node) => void): void {
    const words = wordsOf(tag);
    this.#index.find(words, (slot) => {
      const node = this.#slots[slot] as Node;
      if (node.tags.has(words)) visit(node);
    });
  }

  /** Whether a relay is connected with us. */
  counts(peer: string): boolean {
    const node = this.#nodes.get(peer);
    return node !== undefined && this.#current().counts[node.slot] === 1;
  }

  /** The neighbour over whom the shortest way to a relay leads; `undefined` for ourselves, and for one that does not count. */
  towards(peer: string): string | undefined {
    if (!this.counts(peer)) return undefined;
    const branch = this.#branchesOf(this.#own)[(this.#nodes.get(peer) as Node).slot] as number;
    return branch === NOBODY ? undefined : this.#peerAt(branch);
  }

  /** The relay with this short id that counts, or `undefined`. */
  rootOf(short: string): string | undefined {
    const peer = this.#byShortId.get(short);
    return peer !== undefined && this.#isKnown(peer) && this.counts(peer) ? peer : undefined;
  }

  /** Whether a relay has interest in a tag, or a filter that says so. */
  holds(peer: string, tag: string): boolean {
    return this.#nodes.get(peer)?.tags.has(wordsOf(tag)) ?? false;
  }

  /** Relays with interest in a tag, whether they count or not. */
  holdersOf(tag: string): ReadonlySet<string> {
    const holders = new Set<string>();
    this.#findHolders(tag, ({ peer }) => holders.add(peer));
    return holders;
  }

  /** How many relays have interest in a tag, whether they count or not. */
  countHolders(tag: string): number {
    let count = 0;
    this.#findHolders(tag, () => count++);
    return count;
  }

  tagsOf(peer: string): TagSet {
    return this.#nodes.get(peer)?.tags ?? NO_TAGS;
  }

  recordOf(peer: string): PeerRecord | undefined {
    return this.#nodes.get(peer)?.record;
  }

  /** The same number as long as {@link eachConnected} has the same to tell. */
  get holdings(): number {
    return this.#holdings;
  }

  /** Relays that count, oneself included if it has a record, with what they have interest in. */
  eachConnected(visit: (peer: string, tags: TagSet) => void): void {
    for (const slot of this.#current().own) {
      const { peer, record, tags } = this.#slots[slot] as Node;
      if (record !== undefined) visit(peer, tags);
    }
  }

  connected(): string[] {
    const peers: string[] = [];
    this.eachConnected((peer) => peers.push(peer));
    return peers;
  }

  isConnected(peer: string): boolean {
    return this.recordOf(peer) !== undefined && this.counts(peer);
  }

  /** We are no relay before we have a record. */
  #isKnown(peer: string): boolean {
    return peer !== this.#own.peer || this.#own.record !== undefined || this.#own.tags.size > 0;
  }

  /** Everybody of whom there is a record, whether they count or not. */
  known(): string[] {
    return [...this.#nodes.keys()].filter((peer) => this.#isKnown(peer));
  }

  get size(): number {
    return this.#nodes.size - (this.#isKnown(this.#own.peer) ? 0 : 1);
  }

  /**
   * Who gives way where the map is full: those that do not count, in the order of `peers`, then those whose ways all lead
   * over one other relay, if that is the one over which most such ways lead, in the opposite order.
   * @param peers those that may go, those known longest first
   */
  spare(peers: readonly string[]): string[] {
    const { counts } = this.#current();
    const cuts = this.#graph.cutsFrom(this.#own.slot);
    const behind = new Map<number, number>();
    for (const cut of cuts) if (cut !== NOBODY) behind.set(cut, (behind.get(cut) ?? 0) + 1);
    let widest = NOBODY;
    for (const [cut, size] of behind) if (size > (behind.get(widest) ?? 0)) widest = cut;
    const slotOf = (peer: string): number => this.#nodes.get(peer)?.slot ?? NOBODY;
    const lost = peers.filter((peer) => counts[slotOf(peer)] !== 1);
    const hanging = peers.filter((peer) => widest !== NOBODY && cuts[slotOf(peer)] === widest);
    return [...lost, ...hanging.reverse()];
  }
}

function isEqual<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}
