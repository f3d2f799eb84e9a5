/**
 * Who has which tag, for all relays of the map: a hash table with chains, in typed arrays. One entry for each tag of each
 * relay, 14 bytes and 4 for its place in the table; a million of them take 18 to 36 MB.
 *
 * The table is keyed by upper halves, so that exact sets and filters share it. Tags are chosen by whoever signs a
 * record: a salt that nobody else knows keeps them from aiming at one chain.
 */
const NONE = -1;
const FIRST_CAPACITY = 1024;

export class TagIndex {
  readonly #salt: number;
  #heads = new Int32Array(FIRST_CAPACITY).fill(NONE);
  #next = new Int32Array(FIRST_CAPACITY);
  #hi = new Uint32Array(FIRST_CAPACITY);
  #lo = new Uint32Array(FIRST_CAPACITY);
  #relay = new Uint16Array(FIRST_CAPACITY);
  /** entries in use were below this once */
  #end = 0;
  #free = NONE;

  /** @param salt 32 bits */
  constructor(salt: number) {
    this.#salt = salt;
  }

  #bucket(hi: number): number {
    const mixed = Math.imul(hi ^ this.#salt, 0x9e3779b1);
    return (mixed ^ (mixed >>> 15)) & (this.#heads.length - 1);
  }

  /** @param relay number below 65536; @param lo 0 for a relay with a filter */
  add(hi: number, lo: number, relay: number): void {
    let entry = this.#free;
    if (entry !== NONE) this.#free = this.#next[entry] as number;
    else {
      if (this.#end === this.#next.length) this.#grow();
      entry = this.#end++;
    }
    this.#hi[entry] = hi;
    this.#lo[entry] = lo;
    this.#relay[entry] = relay;
    this.#link(entry);
  }

  #link(entry: number): void {
    const bucket = this.#bucket(this.#hi[entry] as number);
    this.#next[entry] = this.#heads[bucket] as number;
    this.#heads[bucket] = entry;
  }

  delete(hi: number, lo: number, relay: number): void {
    const bucket = this.#bucket(hi);
    let before = NONE;
    for (let entry = this.#heads[bucket] as number; entry !== NONE; entry = this.#next[entry] as number) {
      if (this.#relay[entry] === relay && this.#hi[entry] === hi && this.#lo[entry] === lo) {
        if (before === NONE) this.#heads[bucket] = this.#next[entry] as number;
        else this.#next[before] = this.#next[entry] as number;
        this.#next[entry] = this.#free;
        this.#free = entry;
        return;
      }
      before = entry;
    }
  }

  /** Every entry with this upper half, in no order. */
  find(hi: number, visit: (relay: number, lo: number) => void): void {
    let entry = this.#heads[this.#bucket(hi)] as number;
    for (; entry !== NONE; entry = this.#next[entry] as number)
      if (this.#hi[entry] === hi) visit(this.#relay[entry] as number, this.#lo[entry] as number);
  }

  /** Twice the room. Only called when no entry is free. */
  #grow(): void {
    const capacity = 2 * this.#next.length;
    const larger = <T extends Uint32Array | Uint16Array>(to: T, from: T): T => {
      to.set(from);
      return to;
    };
    this.#hi = larger(new Uint32Array(capacity), this.#hi);
    this.#lo = larger(new Uint32Array(capacity), this.#lo);
    this.#relay = larger(new Uint16Array(capacity), this.#relay);
    this.#next = new Int32Array(capacity);
    this.#heads = new Int32Array(capacity).fill(NONE);
    for (let entry = 0; entry < this.#end; entry++) this.#link(entry);
  }
}
