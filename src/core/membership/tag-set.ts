/**
 * A set of channel tags, compact: numbers in a typed array, in ascending order. A tag is the first 8 bytes of a hash, so
 * its upper half alone nearly tells it. An *exact* set has both halves of each tag; a *filter* has upper halves only,
 * and takes a tag that it does not have for one of its own with a chance of size / 2^32.
 */
import { type Bytes, fromBase64url, toBase64url } from '../bytes.ts';

/** A tag as two numbers of 32 bits, big-endian. */
export interface TagWords {
  readonly hi: number;
  readonly lo: number;
}

/** @param tag base64url of 8 bytes; anything else is a mistake of the caller */
export function wordsOf(tag: string): TagWords {
  const b = fromBase64url(tag);
  if (b?.length !== 8) throw new RangeError(`not a tag: ${tag}`);
  return { hi: wordAt(b, 0), lo: wordAt(b, 4) };
}

function wordAt(b: Bytes, at: number): number {
  const high = ((b[at] as number) << 8) | (b[at + 1] as number);
  return ((high << 16) | ((b[at + 2] as number) << 8) | (b[at + 3] as number)) >>> 0;
}

export class TagSet {
  /** whether there are two words for each tag */
  readonly isExact: boolean;
  /** ascending, each tag once: upper and lower halves in turn, or upper halves alone */
  readonly words: Uint32Array;

  constructor(isExact: boolean, words: Uint32Array) {
    this.isExact = isExact;
    this.words = words;
  }

  /** An exact set. */
  static of(tags: Iterable<string>): TagSet {
    const numbers = [...new Set(tags)].map((tag) => {
      const { hi, lo } = wordsOf(tag);
      return (BigInt(hi) << 32n) | BigInt(lo);
    });
    const sorted = BigUint64Array.from(numbers).sort();
    const words = new Uint32Array(2 * sorted.length);
    sorted.forEach((n, i) => {
      words[2 * i] = Number(n >> 32n);
      words[2 * i + 1] = Number(n & 0xffffffffn);
    });
    return new TagSet(true, words);
  }

  /** The set whose words are these bytes, big-endian; `undefined` if they are not in ascending order, each once. */
  static ofBytes(isExact: boolean, bytes: Bytes): TagSet | undefined {
    const width = isExact ? 8 : 4;
    if (bytes.length % width !== 0) return undefined;
    const words = Uint32Array.from({ length: bytes.length / 4 }, (_, i) => wordAt(bytes, 4 * i));
    const set = new TagSet(isExact, words);
    for (let i = 1; i < set.size; i++) if (compareAt(set, i - 1, set, i) >= 0) return undefined;
    return set;
  }

  get size(): number {
    return this.isExact ? this.words.length / 2 : this.words.length;
  }

  hi(i: number): number {
    return this.words[this.isExact ? 2 * i : i] as number;
  }

  /** 0 in a filter. */
  lo(i: number): number {
    return this.isExact ? (this.words[2 * i + 1] as number) : 0;
  }

  /** The upper halves of an exact set. */
  toFilter(): TagSet {
    const words = new Uint32Array(this.size);
    let count = 0;
    for (let i = 0; i < this.size; i++) {
      const hi = this.hi(i);
      if (count === 0 || words[count - 1] !== hi) words[count++] = hi;
    }
    return new TagSet(false, words.slice(0, count));
  }

  /** A filter says yes to all that it has, and now and then to another. */
  has({ hi, lo }: TagWords): boolean {
    const { words, isExact } = this;
    let from = 0;
    let to = this.size;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const order = (words[isExact ? 2 * middle : middle] as number) - hi;
      const next = order === 0 && isExact ? (words[2 * middle + 1] as number) - lo : order;
      if (next === 0) return true;
      if (next < 0) from = middle + 1;
      else to = middle;
    }
    return false;
  }

  /** What is in one and not in the other; both must be of the same kind. */
  minus(other: TagSet): TagSet {
    return this.#joined(this.size, (put) => walkPair(this, other, { first: (i) => put(this, i) }));
  }

  plus(other: TagSet): TagSet {
    return this.#joined(this.size + other.size, (put) => {
      const mine = (i: number): void => put(this, i);
      walkPair(this, other, { first: mine, both: mine, second: (i) => put(other, i) });
    });
  }

  /** What `walk` puts, in that order: at most so many. */
  #joined(most: number, walk: (put: (set: TagSet, i: number) => void) => void): TagSet {
    const words = new Uint32Array(most * (this.isExact ? 2 : 1));
    let at = 0;
    walk((set, i) => {
      words[at++] = set.hi(i);
      if (set.isExact) words[at++] = set.lo(i);
    });
    return new TagSet(this.isExact, at === words.length ? words : words.slice(0, at));
  }

  /** 8 bytes for each tag of an exact set, 4 in a filter. */
  toBytes(): Bytes {
    const out = new Uint8Array(4 * this.words.length);
    const view = new DataView(out.buffer);
    this.words.forEach((word, i) => {
      view.setUint32(4 * i, word);
    });
    return out;
  }

  /** The tags of an exact set as text; of a filter the halves that it has. */
  texts(): string[] {
    const bytes = this.toBytes();
    const width = this.isExact ? 8 : 4;
    return Array.from({ length: this.size }, (_, i) =>
      toBase64url(bytes.subarray(i * width, (i + 1) * width)),
    );
  }
}

/** The exact set of nothing. */
export const NO_TAGS = new TagSet(true, new Uint32Array(0));

function compareAt(a: TagSet, i: number, b: TagSet, k: number): number {
  return a.hi(i) - b.hi(k) || a.lo(i) - b.lo(k);
}

/** What is done with the place of a tag that only the first set has, only the second, or both (place in the first). */
export interface PairVisitor {
  readonly first?: (i: number) => void;
  readonly second?: (i: number) => void;
  readonly both?: (i: number) => void;
}

/** Goes through two sets of the same kind in ascending order. */
export function walkPair(a: TagSet, b: TagSet, visit: PairVisitor): void {
  if (a.isExact !== b.isExact) throw new RangeError('an exact set and a filter have no order in common');
  let [i, k] = [0, 0];
  while (i < a.size || k < b.size) {
    const order = i === a.size ? 1 : k === b.size ? -1 : compareAt(a, i, b, k);
    if (order < 0) visit.first?.(i);
    else if (order > 0) visit.second?.(k);
    else visit.both?.(i);
    if (order <= 0) i++;
    if (order >= 0) k++;
  }
}
