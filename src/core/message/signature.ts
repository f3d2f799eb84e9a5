/**
 * The byte-level part of the one verification rule (strict, cofactorless Ed25519): what must hold before the curve
 * equation is asked. With it `node:crypto` of any version, libsodium and our portable equation accept the same set.
 *
 *   S < L, and A and R are canonical (y < p) and not of small order.
 *
 * Points of small order have one of five y coordinates (0, 1, p - 1 and the two of order 8); comparing y with the sign
 * bit masked off catches both signs. Source: RFC 8032 section 5.1; Chalkias, Garillot and Nikolaenko, "Taming the many
 * EdDSAs" (2020).
 */
import type { Bytes } from '../bytes.ts';

const P = hexToBytes('edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f');
const L = hexToBytes('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010');
const SMALL_ORDER_Y = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].map(hexToBytes);

function hexToBytes(hex: string): Bytes {
  const out = new Uint8Array(hex.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return out;
}

/** little-endian a < b, the top bit of a's last byte masked by `mask` */
function below(a: Bytes, b: Bytes, mask: number): boolean {
  for (let i = 31; i >= 0; i--) {
    const x = (a[i] as number) & (i === 31 ? mask : 0xff);
    const d = x - (b[i] as number);
    if (d !== 0) return d < 0;
  }
  return false;
}

function sameY(point: Bytes, y: Bytes): boolean {
  for (let i = 0; i < 31; i++) if (point[i] !== y[i]) return false;
  return ((point[31] as number) & 0x7f) === y[31];
}

/** True for 32 bytes with a canonical y that is not of small order. Says nothing about being on the curve. */
export function isUsablePoint(point: Bytes): boolean {
  return point.length === 32 && below(point, P, 0x7f) && !SMALL_ORDER_Y.some((y) => sameY(point, y));
}

/** The guard in front of every verifier. Any length may be passed; only 64 and 32 bytes can pass. */
export function passesGuard(signature: Bytes, publicKey: Bytes): boolean {
  if (signature.length !== 64) return false;
  return (
    below(signature.subarray(32), L, 0xff) &&
    isUsablePoint(publicKey) &&
    isUsablePoint(signature.subarray(0, 32))
  );
}
