/** Ways to damage bytes that say something to a CBOR reader, decided by a seeded source. */
import { concat } from '../bytes.ts';
import type { Random } from '../random.ts';

/** First bytes that mean something: every major type, every size of length, break, tags, floats. */
const HEADS = Uint8Array.of(
  ...[0x00, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x20, 0x40, 0x58, 0x59, 0x5a, 0x5b, 0x5f, 0x60, 0x78, 0x7b, 0x7f],
  ...[0x80, 0x81, 0x82, 0x83, 0x98, 0x99, 0x9a, 0x9b, 0x9f, 0xa0, 0xbf, 0xc2, 0xf4, 0xf5, 0xf6, 0xf9, 0xff],
);

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[random.below(items.length)] as T;
}

function head(random: Random): number {
  return HEADS[random.below(HEADS.length)] as number;
}

/** One of the originals, damaged so many times. */
export function damaged(random: Random, originals: readonly Uint8Array[], times: () => number): Uint8Array {
  let bytes = pick(random, originals);
  for (let k = times(); k > 0; k--) bytes = damage(random, bytes, pick(random, originals));
  return bytes;
}

/** One damage: a bit, a byte, a telling byte, a cut, a loss, an insertion, a repetition or a part of `other`. */
export function damage(random: Random, bytes: Uint8Array, other: Uint8Array): Uint8Array {
  const at = random.below(bytes.length + 1);
  const to = Math.min(bytes.length, at + random.below(16));
  const out = Uint8Array.from(bytes);
  switch (random.below(8)) {
    case 0:
      if (at < out.length) out[at] = (out[at] as number) ^ (1 << random.below(8));
      return out;
    case 1:
      if (at < out.length) out[at] = random.below(256);
      return out;
    case 2:
      if (at < out.length) out[at] = head(random);
      return out;
    case 3:
      return out.slice(0, at);
    case 4:
      return concat(out.subarray(0, at), out.subarray(to));
    case 5:
      return concat(out.subarray(0, at), Uint8Array.of(head(random), random.below(256)), out.subarray(at));
    case 6:
      return concat(out.subarray(0, to), out.subarray(at));
    default:
      return concat(out.subarray(0, at), other.subarray(random.below(other.length + 1)));
  }
}

/** Pieces that mean something to a JSON parser. */
const PIECES = [
  ...'{}[]",:\\0129eE+-.'.split(''),
  ...['null', 'true', '1e400', '"__proto__":', '\\ud800', '\ud800', '\u0000', '"versions"', '"mesh":{'],
];

/** One damage to a JSON text, as {@link damage} does it to bytes. */
export function damagedText(random: Random, text: string, other: string): string {
  const at = random.below(text.length + 1);
  const to = Math.min(text.length, at + random.below(20));
  switch (random.below(5)) {
    case 0:
      return text.slice(0, at) + pick(random, PIECES) + text.slice(at);
    case 1:
      return text.slice(0, at) + text.slice(to);
    case 2:
      return text.slice(0, to) + text.slice(at);
    case 3:
      return text.slice(0, at) + String.fromCharCode(random.below(65536)) + text.slice(at + 1);
    default:
      return text.slice(0, at) + other.slice(random.below(other.length + 1));
  }
}
