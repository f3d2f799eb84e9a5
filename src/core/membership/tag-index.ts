/**
 * Who has which tag, for all relays of the map: a hash table with doubly linked chains, in one typed array. An entry for
 * each tag of each relay, 16 bytes and 4 for its place in the table; a million of them take 20 to 40 MB.
 *
 * Tags are chosen by whoever signs a record, and thousands of relays may list the same ones or such as differ in a few
 * bits. So the hash has a key that nobody else knows and covers the whole tag (a filter's words, which are upper halves,
 * are hashed as such and looked up on their own), and neither adding nor deleting an entry walks a chain: the owner of a
 * set keeps the numbers of its entries.
 */
import { type HashKey, halfSipHash } from './half-sip-hash.ts';
import type { TagSet, TagWords } from './tag-set.ts';

const NONE = -1;
const FIRST_CAPACITY = 1024;
/** what there is of each entry */
const WIDTH = 4;
const HASH = 0;
const RELAY = 1;
const NEXT = 2;
const BEFORE = 3;

export class TagIndex {
  readonly #key: HashKey;
  #heads = new Int32Array(FIRST_CAPACITY).fill(NONE);
  #cells = new Int32Array(FIRST_CAPACITY * WIDTH);
  /** entries in use were below this once */
  #end = 0;
  #free = NONE;

  constructor(key: HashKey) {
    this.#key = key;
  }

  /**
   * @param i place in the set
   * @param relay any number that fits in 31 bits
   * @returns the number of the entry, which {@link delete} takes
   */
  add(tags: TagSet, i: number, relay: number): number {
    let entry = this.#free;
    if (entry !== NONE) this.#free = this.#cells[WIDTH * entry + NEXT] as number;
    else {
      if (this.#end === this.#heads.length) this.#grow();
      entry = this.#end++;
    }
    this.#cells[WIDTH * entry + HASH] = halfSipHash(
      this.#key,
      tags.hi(i),
      tags.isExact ? tags.lo(i) : undefined,
    );
    this.#cells[WIDTH * entry + RELAY] = relay;
    this.#link(entry);
    return entry;
  }

  #bucket(hash: number): number {
    return hash & (this.#heads.length - 1);
  }

  #link(entry: number): void {
    const at = WIDTH * entry;
    const bucket = this.#bucket(this.#cells[at + HASH] as number);
    const next = this.#heads[bucket] as number;
    this.#cells[at + NEXT] = next;
    this.#cells[at + BEFORE] = NONE;
    if (next !== NONE) this.#cells[WIDTH * next + BEFORE] = entry;
    this.#heads[bucket] = entry;
  }

  /** @param entry one in use; its number may be given out again */
  delete(entry: number): void {
    const at = WIDTH * entry;
    const next = this.#cells[at + NEXT] as number;
    const before = this.#cells[at + BEFORE] as number;
    if (before === NONE) this.#heads[this.#bucket(this.#cells[at + HASH] as number)] = next;
    else this.#cells[WIDTH * before + NEXT] = next;
    if (next !== NONE) this.#cells[WIDTH * next + BEFORE] = before;
    this.#cells[at + NEXT] = this.#free;
    this.#free = entry;
  }

  /**
   * Every relay whose exact set has the tag or whose filter has its upper half, in no order; and one in 2^32 of the others,
   * so the visitor asks the set itself.
   *
   * @returns how many entries were looked at
   */
  find({ hi, lo }: TagWords, visit: (relay: number) => void): number {
    return (
      this.#visit(halfSipHash(this.#key, hi, lo), visit) + this.#visit(halfSipHash(this.#key, hi), visit)
    );
  }

  #visit(hash: number, visit: (relay: number) => void): number {
    let looked = 0;
    let entry = this.#heads[this.#bucket(hash)] as number;
    while (entry !== NONE) {
      const at = WIDTH * entry;
      if (this.#cells[at + HASH] === hash) visit(this.#cells[at + RELAY] as number);
      entry = this.#cells[at + NEXT] as number;
      looked++;
    }
    return looked;
  }

  /** Twice the room. Only called when no entry is free. */
  #grow(): void {
    const cells = new Int32Array(2 * this.#cells.length);
    cells.set(this.#cells);
    this.#cells = cells;
    this.#heads = new Int32Array(2 * this.#heads.length).fill(NONE);
    for (let entry = 0; entry < this.#end; entry++) this.#link(entry);
  }
}
