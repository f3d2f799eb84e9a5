/**
 * The signed records of a relay, written down once more from docs/protocol/mesh.md: nothing of src is used. Bits are text
 * here and numbers are big integers, so that this has as little as may be in common with what it is compared with; items
 * of CBOR come from cborg.
 */
import { createPrivateKey, createPublicKey, hash, sign } from 'node:crypto';
import { encode } from 'cborg';
import { fromHex } from './vectors.ts';

const join = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));
const inOrder = (items: readonly Uint8Array[]): Uint8Array[] => [...items].sort(Buffer.compare);

export type RecordType = 'peer record' | 'interest record' | 'interest delta';

/** What is put before bytes that are signed. */
function purpose(name: string, network: string): Uint8Array {
  return Uint8Array.from(Buffer.from(`mesh/2 ${name}\0${network}\0`, 'utf8'));
}

/** @returns 8 bytes */
export function tagOf(channel: string, network = 'openclaw'): Uint8Array {
  const data = join(purpose('tag', network), Buffer.from(channel, 'utf8'));
  return Uint8Array.from(hash('sha256', data, 'buffer').subarray(0, 8));
}

/** @param seed 32 bytes, the secret */
export function keyOf(seed: Uint8Array) {
  const der = join(fromHex('302e020100300506032b657004220420'), seed);
  const secret = createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(secret).export({ format: 'der', type: 'spki' });
  return {
    key: Uint8Array.from(spki.subarray(-32)),
    sign: (data: Uint8Array) => Uint8Array.from(sign(null, data, secret)),
  };
}

/** What the signature of a record is over. */
export function signedData(type: string, bytes: Uint8Array, network: string): Uint8Array {
  return join(purpose(type, network), bytes);
}

/** Tags, or upper halves of tags, as one byte string. */
export function setBytes(items: readonly Uint8Array[]): Uint8Array {
  return join(...inOrder(items));
}

/** The upper halves of tags as numbers, ascending, each once. */
export function numbersOf(tags: readonly Uint8Array[]): number[] {
  const halves = tags.map((tag) => Buffer.from(tag).readUInt32BE(0));
  return [...new Set(halves)].sort((a, b) => a - b);
}

export interface Rice {
  /** bits of a remainder */
  readonly r: number;
  /** of each number the one-bits and the zero-bit, and the remainder */
  readonly codes: readonly string[];
  readonly bytes: Uint8Array;
}

/** @param numbers ascending, each once, below 2^32; at least one */
export function rice(numbers: readonly number[]): Rice {
  const r = 32 - numbers.length.toString(2).length;
  const codes = numbers.map((n, i) => {
    const gap = BigInt(n - (numbers[i - 1] ?? -1) - 1);
    const size = 1n << BigInt(r);
    const remainder = (gap % size).toString(2).padStart(r, '0');
    return `${'1'.repeat(Number(gap / size))}0 ${remainder}`;
  });
  return { r, codes, bytes: bytesOfBits(codes.join('').replaceAll(' ', '')) };
}

/** Zero bits fill the last byte. */
export function bytesOfBits(bits: string): Uint8Array {
  const octets = bits.match(/.{1,8}/g) ?? [];
  return Uint8Array.from(octets, (octet) => Number.parseInt(octet.padEnd(8, '0'), 2));
}

/** An array of items that are encoded already: for what no encoder would write. */
export function arrayOf(...items: readonly Uint8Array[]): Uint8Array {
  return join(Uint8Array.of(0x80 + items.length), ...items);
}

/** Items of a record, in the order of the wire. */
export type Items = readonly unknown[];

export function peerItems(
  key: Uint8Array,
  sequence: number,
  rest: {
    readonly urls: readonly string[];
    readonly links: readonly Uint8Array[];
    readonly costs: readonly number[];
    readonly expires: number;
  },
): Items {
  return [1, key, sequence, rest.urls, rest.links, Uint8Array.from(rest.costs), rest.expires];
}

export function exactItems(key: Uint8Array, sequence: number, tags: readonly Uint8Array[]): Items {
  return [2, key, sequence, setBytes(tags)];
}

export function filterItems(key: Uint8Array, sequence: number, tags: readonly Uint8Array[]): Items {
  const numbers = numbersOf(tags);
  return [2, key, sequence, numbers.length, rice(numbers).bytes];
}

export interface Delta {
  readonly base: number;
  readonly exact: boolean;
  readonly added: readonly Uint8Array[];
  readonly removed: readonly Uint8Array[];
}

export function deltaItems(key: Uint8Array, sequence: number, delta: Delta): Items {
  const { base, exact, added, removed } = delta;
  return [3, key, sequence, base, exact, setBytes(added), setBytes(removed)];
}

export const bytesOf = (items: Items): Uint8Array => encode(items);
