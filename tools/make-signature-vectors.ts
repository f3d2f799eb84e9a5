/**
 * Makes docs/protocol/vectors/ed25519.json: signatures with the verdict of the one verification rule, most of them at
 * its edges, and src/crypto/start-vectors.ts, the few of them that a daemon checks at start.
 *
 * How the edges are made. Every point of the curve is [x]B + T with T one of the 8 torsion points. For a key A = [a]B +
 * [i]T and a commitment R = [r]B + [j]T (T of order 8) the signer's S = r + k*a gives
 *
 *   [S]B - [k]A = [r]B - [k*i]T, which equals R exactly if k*i + j = 0 mod 8 (cofactorless),
 *
 * and always times 8 (cofactored). k is a hash of R, A and M, so we vary r and M until k mod 8 is as wanted.
 *
 * Every verdict is stated by construction and checked against `ruleHolds`, written out here once more with curve
 * operations only (no table of encodings, as the guard has it). Run: node tools/make-signature-vectors.ts
 */
import { hash } from 'node:crypto';
import { Point } from '@noble/ed25519';
import { RFC_8032 } from './rfc8032.ts';
import { fromHex, hex, seeded, vectorText, writeFiles } from './vectors.ts';

export interface SignatureVector {
  readonly name: string;
  readonly valid: boolean;
  /** secret seed, where the signature is an honest one */
  readonly seed?: string;
  readonly publicKey: string;
  readonly message: string;
  readonly signature: string;
}

const { n: L, p: P } = Point.CURVE();

const number = (bytes: Uint8Array): bigint => BigInt(`0x${hex(bytes.toReversed())}`);
const bytes32 = (value: bigint): Uint8Array =>
  fromHex(value.toString(16).padStart(64, '0')).toReversed() as Uint8Array;
const join = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));
const mod = (value: bigint, by: bigint): bigint => ((value % by) + by) % by;

/** [x]P for any x: noble's own multiplication wants 0 <= x < L. */
const times = (point: Point, x: bigint): Point => point.multiply(mod(x, L), false);

/** The canonical encoding of the torsion point that all others are multiples of: order 8. */
const TORSION = Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05');

function torsion(i: bigint): Point {
  let out = Point.ZERO;
  for (let n = 0n; n < mod(i, 8n); n++) out = out.add(TORSION);
  return out;
}

/** All 14 encodings of the 8 points of small order: the 8 canonical ones, and those with y >= p or a sign on x = 0. */
const SMALL_ORDER: readonly { name: string; bytes: Uint8Array; i: bigint }[] = [
  0, 1, 2, 3, 4, 5, 6, 7,
].flatMap((i) => {
  const point = torsion(BigInt(i));
  const { x, y } = point.toAffine();
  const sign = (x & 1n) << 255n;
  const forms = [{ name: `${i}T`, bytes: point.toBytes() as Uint8Array }];
  if (y + P < 1n << 255n) forms.push({ name: `${i}T, y + p`, bytes: bytes32((y + P) | sign) });
  if (x === 0n) forms.push({ name: `${i}T, sign of x = 0 set`, bytes: bytes32(y | (1n << 255n)) });
  if (x === 0n && y + P < 1n << 255n)
    forms.push({ name: `${i}T, y + p, sign of x = 0 set`, bytes: bytes32((y + P) | (1n << 255n)) });
  return forms.map((form) => ({ ...form, i: BigInt(i) }));
});

/** The 512-bit challenge, not reduced. */
function challenge(r: Uint8Array, a: Uint8Array, message: Uint8Array): bigint {
  return number(Uint8Array.from(hash('sha512', join(r, a, message), 'buffer')));
}

/** A canonical encoding of a point that is not of small order. */
function strictPoint(bytes: Uint8Array): Point | undefined {
  const y = number(bytes) & ((1n << 255n) - 1n);
  if (y >= P) return undefined;
  try {
    const point = Point.fromBytes(bytes, false);
    const eight = point.double().double().double();
    return hex(point.toBytes()) === hex(bytes) && !eight.is0() ? point : undefined;
  } catch {
    return undefined; // not on the curve
  }
}

/** The rule, word for word from the specification. */
export function ruleHolds(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  const r = signature.slice(0, 32);
  const s = number(signature.slice(32));
  const a = strictPoint(publicKey);
  if (s >= L || a === undefined || strictPoint(r) === undefined) return false;
  const k = challenge(r, publicKey, message) % L;
  return hex(times(Point.BASE, s).subtract(times(a, k)).toBytes()) === hex(r);
}

interface Key {
  readonly seed: Uint8Array;
  readonly a: bigint;
  readonly prefix: Uint8Array;
  readonly point: Point;
}

/** RFC 8032 section 5.1.5 */
function keyOf(label: string): Key {
  const seed = seeded(`key ${label}`);
  const h = hash('sha512', seed, 'buffer');
  const head = Uint8Array.from(h.subarray(0, 32));
  head[0] = (head[0] as number) & 248;
  head[31] = ((head[31] as number) & 127) | 64;
  const a = number(head) % L;
  return { seed, a, prefix: Uint8Array.from(h.subarray(32)), point: times(Point.BASE, a) };
}

/** RFC 8032 section 5.1.6 */
function signed(name: string, key: Key, message: Uint8Array): SignatureVector {
  const r = number(Uint8Array.from(hash('sha512', join(key.prefix, message), 'buffer'))) % L;
  const R = times(Point.BASE, r).toBytes();
  const A = key.point.toBytes();
  const s = mod(r + (challenge(R, A, message) % L) * key.a, L);
  return { ...vector(name, true, A, message, join(R, bytes32(s))), seed: hex(key.seed) };
}

function vector(
  name: string,
  valid: boolean,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): SignatureVector {
  return { name, valid, publicKey: hex(publicKey), message: hex(message), signature: hex(signature) };
}

interface Crafted {
  readonly name: string;
  readonly valid: boolean;
  /** discrete logarithm of A's prime part; 0 for a key of small order */
  readonly a: bigint;
  readonly i: bigint;
  readonly j: bigint;
  /** R is a torsion point only */
  readonly smallR?: boolean;
  /** other encodings of the same points, and how S is written down */
  readonly aBytes?: Uint8Array;
  readonly rBytes?: Uint8Array;
  /** whether the cofactorless equation holds with k mod L, and with k as it comes out of the hash */
  readonly reduced?: boolean;
  readonly unreduced?: boolean;
}

/** Varies r and the message until the equation holds or fails as wanted. */
function craft(wanted: Crafted): SignatureVector {
  const aBytes = wanted.aBytes ?? times(Point.BASE, wanted.a).add(torsion(wanted.i)).toBytes();
  for (let n = 0; n < 1000; n++) {
    const message = seeded(`${wanted.name} message ${n}`, 16);
    const r = wanted.smallR === true ? 0n : number(seeded(`${wanted.name} r ${n}`, 64)) % L;
    const rBytes = wanted.rBytes ?? times(Point.BASE, r).add(torsion(wanted.j)).toBytes();
    const full = challenge(rBytes, aBytes, message);
    const k = full % L;
    const holds = (value: bigint) => mod(value * wanted.i + wanted.j, 8n) === 0n;
    if (wanted.reduced !== undefined && holds(k) !== wanted.reduced) continue;
    if (wanted.unreduced !== undefined && holds(full) !== wanted.unreduced) continue;
    const s = mod(r + k * wanted.a, L);
    return vector(wanted.name, wanted.valid, aBytes, message, join(rBytes, bytes32(s)));
  }
  throw new Error(`nothing found for: ${wanted.name}`);
}

function honest(): SignatureVector[] {
  const rfc = RFC_8032.map(({ name, ...rest }) => ({ name: `RFC 8032 test ${name}`, valid: true, ...rest }));
  const own = [0, 1, 32, 55, 64].map((length) =>
    signed(
      `honest signature over ${length} bytes`,
      keyOf(`honest ${length}`),
      seeded(`honest ${length}`, length),
    ),
  );
  return [...rfc, ...own];
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const out = Uint8Array.from(bytes);
  out[bit >> 3] = (out[bit >> 3] as number) ^ (1 << (bit & 7));
  return out;
}

function damaged(): SignatureVector[] {
  const good = signed('good', keyOf('damaged'), seeded('damaged', 20));
  const other = keyOf('somebody else').point.toBytes();
  const [A, M, sig] = [fromHex(good.publicKey), fromHex(good.message), fromHex(good.signature)];
  const [R, S] = [sig.slice(0, 32), sig.slice(32)];
  const bad = (name: string, a: Uint8Array, m: Uint8Array, s: Uint8Array) => vector(name, false, a, m, s);
  return [
    bad('key of somebody else', other, M, sig),
    bad('empty message instead of the signed one', A, new Uint8Array(0), sig),
    bad('R of somebody else', A, M, join(other, S)),
    bad('R negated: its sign bit is flipped', A, M, flipped(sig, 255)),
    bad('A negated: its sign bit is flipped', flipped(A, 255), M, sig),
    bad('S negated', A, M, join(R, bytes32(L - number(S)))),
    bad('R and S exchanged', A, M, join(S, R)),
    bad('all bytes zero', new Uint8Array(32), M, new Uint8Array(64)),
    bad('all bits set', new Uint8Array(32).fill(255), M, new Uint8Array(64).fill(255)),
    ...[0, 100, 254].map((bit) => bad(`bit ${bit} of R flipped`, A, M, flipped(sig, bit))),
    ...[0, 100, 251].map((bit) => bad(`bit ${bit} of S flipped`, A, M, flipped(sig, 256 + bit))),
    ...[0, 100, 254].map((bit) => bad(`bit ${bit} of A flipped`, flipped(A, bit), M, sig)),
    ...[0, 159].map((bit) => bad(`bit ${bit} of M flipped`, A, flipped(M, bit), sig)),
    bad('signature of 0 bytes', A, M, new Uint8Array(0)),
    bad('signature of 63 bytes', A, M, sig.slice(0, 63)),
    bad('signature of 65 bytes', A, M, join(sig, new Uint8Array(1))),
    bad('key of 0 bytes', new Uint8Array(0), M, sig),
    bad('key of 31 bytes', A.slice(0, 31), M, sig),
    bad('key of 33 bytes', join(A, new Uint8Array(1)), M, sig),
  ];
}

function largeS(): SignatureVector[] {
  const good = signed('good', keyOf('large S'), seeded('large S', 20));
  const [A, M, sig] = [fromHex(good.publicKey), fromHex(good.message), fromHex(good.signature)];
  const s = number(sig.slice(32));
  const withS = (name: string, value: bigint) =>
    vector(name, false, A, M, join(sig.slice(0, 32), bytes32(value)));
  const out = [
    withS('S = 0', 0n),
    withS('S = L - 1', L - 1n),
    withS('S = L', L),
    withS('S = 2^252', 1n << 252n),
  ];
  out.push(withS('S = 2^253 - 1', (1n << 253n) - 1n), withS('S = 2^256 - 1', (1n << 256n) - 1n));
  for (let m = 1n; s + m * L < 1n << 256n; m++) out.push(withS(`S + ${m}L of a good signature`, s + m * L));
  return out;
}

function smallOrder(): SignatureVector[] {
  const { a } = keyOf('small order');
  const made: SignatureVector[] = [];
  for (const { name, bytes, i } of SMALL_ORDER) {
    const j = i === 0n ? 0n : 8n - i;
    made.push(
      craft({
        name: `A is ${name}, R of large order`,
        valid: false,
        a: 0n,
        i,
        j,
        aBytes: bytes,
        reduced: true,
      }),
    );
    const odd = { valid: false, a, i: i === 0n ? 0n : 1n, j: i, smallR: true, rBytes: bytes };
    made.push(craft({ name: `R is ${name}, the equation holds for the point`, ...odd, reduced: true }));
    made.push(
      craft({
        name: `A and R are ${name}, S = 0`,
        valid: false,
        a: 0n,
        i,
        j: i,
        smallR: true,
        aBytes: bytes,
        rBytes: bytes,
      }),
    );
  }
  return made;
}

function mixedOrder(): SignatureVector[] {
  const { a } = keyOf('mixed order');
  const made: SignatureVector[] = [];
  for (let i = 1n; i < 8n; i++) {
    const A = `A = [a]B + ${i}T`;
    made.push(
      craft({ name: `${A}, R of prime order, equation holds`, valid: true, a, i, j: 0n, reduced: true }),
      craft({ name: `${A}, R = [r]B + ${i}T, equation holds`, valid: true, a, i, j: i, reduced: true }),
      craft({ name: `${A}, R of prime order, cofactored only`, valid: false, a, i, j: 0n, reduced: false }),
      craft({ name: `${A}, R = [r]B + ${i}T, cofactored only`, valid: false, a, i, j: i, reduced: false }),
      craft({ name: `A of prime order, R = [r]B + ${i}T, cofactored only`, valid: false, a, i: 0n, j: i }),
      craft({
        name: `${A}, holds only for k mod L`,
        valid: true,
        a,
        i,
        j: 0n,
        reduced: true,
        unreduced: false,
      }),
      craft({
        name: `${A}, holds only for k not reduced`,
        valid: false,
        a,
        i,
        j: 0n,
        reduced: false,
        unreduced: true,
      }),
    );
  }
  return made;
}

/** Encodings with y from 2 to 18 and from p + 2 to p + 18: y = 0 and 1 are of small order and stand above. */
function strangeEncodings(): SignatureVector[] {
  const good = signed('good', keyOf('encodings'), seeded('encodings', 20));
  const [A, M, sig] = [fromHex(good.publicKey), fromHex(good.message), fromHex(good.signature)];
  const made: SignatureVector[] = [];
  for (let y = 2n; y < 19n; y++) {
    for (const [name, value] of [
      [`y = ${y}`, y],
      [`y = p + ${y}`, y + P],
      [`y = p + ${y}, sign set`, (y + P) | (1n << 255n)],
    ] as const) {
      const bytes = bytes32(value);
      made.push(vector(`A has ${name}`, false, bytes, M, sig));
      made.push(vector(`R has ${name}`, false, A, M, join(bytes, sig.slice(32))));
    }
  }
  return made;
}

export function makeSignatureVectors(): SignatureVector[] {
  const vectors = [
    ...honest(),
    ...damaged(),
    ...largeS(),
    ...smallOrder(),
    ...mixedOrder(),
    ...strangeEncodings(),
  ];
  const names = new Set(vectors.map((one) => one.name));
  if (names.size !== vectors.length) throw new Error('two vectors have one name');
  for (const one of vectors) {
    const holds = ruleHolds(fromHex(one.publicKey), fromHex(one.message), fromHex(one.signature));
    if (holds !== one.valid) throw new Error(`the rule says ${holds} for: ${one.name}`);
  }
  return vectors;
}

/** One of each way in which verifiers are known to differ, and a few plain ones. */
const START = [
  'RFC 8032 test 1, empty message',
  'RFC 8032 test 3, two bytes',
  'bit 0 of R flipped',
  'bit 0 of S flipped',
  'S + 1L of a good signature',
  'A is 0T, R of large order',
  'A is 1T, R of large order',
  'A is 0T, y + p, R of large order',
  'R is 0T, the equation holds for the point',
  'R is 4T, sign of x = 0 set, the equation holds for the point',
  'R is 2T, y + p, the equation holds for the point',
  'A = [a]B + 1T, R of prime order, equation holds',
  'A = [a]B + 4T, R of prime order, equation holds',
  'A = [a]B + 1T, R = [r]B + 1T, equation holds',
  'A = [a]B + 1T, R of prime order, cofactored only',
  'A of prime order, R = [r]B + 1T, cofactored only',
  'A = [a]B + 1T, holds only for k mod L',
  'A = [a]B + 1T, holds only for k not reduced',
  'A has y = 2',
  'R has y = 2',
];

const START_HEAD = `/**
 * The vectors that a daemon checks at start: one of each way in which Ed25519 verifiers are known to differ.
 * Made by tools/make-signature-vectors.ts from the same cases as docs/protocol/vectors/ed25519.json; do not edit.
 */
export interface StartVector {
  readonly name: string;
  /** the verdict of the rule */
  readonly valid: boolean;
  readonly publicKey: string;
  readonly message: string;
  readonly signature: string;
}

`;

function startModule(vectors: readonly SignatureVector[]): string {
  const items = START.map((name) => {
    const one = vectors.find((candidate) => candidate.name === name);
    if (one === undefined) throw new Error(`no vector has the name: ${name}`);
    const { valid, publicKey, message, signature } = one;
    const lines = Object.entries({ name, valid, publicKey, message, signature }).map(([key, value]) => {
      const text = typeof value === 'string' ? `'${value}'` : String(value);
      return key === 'signature' ? `    ${key}:\n      ${text},` : `    ${key}: ${text},`;
    });
    return `  {\n${lines.join('\n')}\n  },`;
  });
  return `${START_HEAD}export const START_VECTORS: readonly StartVector[] = [\n${items.join('\n')}\n];\n`;
}

/** The files that this tool makes: name from the repository's root, and text. */
export function makeSignatureFiles(): Record<string, string> {
  const vectors = makeSignatureVectors();
  const about =
    'Ed25519 signatures with the verdict of the one verification rule. Hexadecimal; T is the torsion point of order 8 with encoding 26e8...fc05; made by tools/make-signature-vectors.ts.';
  return {
    'docs/protocol/vectors/ed25519.json': vectorText({ about, vectors }),
    'src/crypto/start-vectors.ts': startModule(vectors),
  };
}

if (process.argv[1] === import.meta.filename) writeFiles(makeSignatureFiles());
