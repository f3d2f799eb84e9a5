/**
 * Hashing for the core, which is pure and takes it as a parameter: SHA-256 and SHA-512 of `node:crypto`, as plain
 * `Uint8Array`s. A Buffer would be one too, but its `slice` shares memory where `Uint8Array.slice` copies.
 */
import { hash } from 'node:crypto';

/** @param bytes any length. @returns 32 bytes (FIPS 180-4) */
export function sha256(bytes: Uint8Array): Uint8Array {
  // By way of a string, because a Buffer has memory of its own outside V8's heap: half the CPU for short inputs.
  const text = hash('sha256', bytes, 'binary');
  const out = new Uint8Array(32);
  for (let i = 0; i < 32; i++) out[i] = text.charCodeAt(i);
  return out;
}

/** @param bytes any length. @returns 64 bytes (FIPS 180-4) */
export function sha512(bytes: Uint8Array): Uint8Array {
  return plain(hash('sha512', bytes, 'buffer'));
}

/** The same memory without Buffer's own methods. */
export function plain(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
