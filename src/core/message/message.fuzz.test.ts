/**
 * A million damaged wire items. The decoder answers with a message or with `undefined`, never with an exception, and what
 * it accepts has exactly one spelling.
 */
import { describe, expect, it } from 'vitest';
import { equal, utf8 } from '../bytes.ts';
import { fuzz, fuzzRounds } from '../fuzz.fixture.ts';
import { Random } from '../random.ts';
import { damage, pick } from '../wire/damage.fixture.ts';
import { encodeMesh1Header, readMesh1Header } from './mesh1-record.ts';
import { authorOf, fromHex, openclaw, readVectors, sha256, signedMessage } from './message.fixture.ts';
import { decodeMessage, encodeSignedBytes, encodeWireItem, type Message } from './message.ts';

const ROUNDS = fuzzRounds(1_000_000);
const SEED = utf8('fuzz decodeMessage, seed 1');

const ref = (n: number) => ({ relation: n, id: sha256(utf8(`ref ${n}`)) });
/** Two that began at a mesh/1 peer: without and with a payload. */
const began = readVectors<{ vectors: { wire: string }[] }>('mesh1.json')
  .vectors.slice(0, 3)
  .flatMap(({ wire }) => decodeMessage(openclaw, fromHex(wire)) ?? []);
const originals: readonly Message[] = [
  ...began,
  signedMessage(),
  signedMessage({ body: '', channel: 'x' }),
  signedMessage({ body: 'é\u{1f980}'.repeat(20), payload: utf8('{"a":[1,2,3]}') }),
  signedMessage({ refs: [1, 2, 3, 4, 5, 6, 7, 8].map(ref), prev: sha256(utf8('prev')) }),
  signedMessage({ expiresMs: 2 ** 53 - 1, nonce: 2 ** 32, kind: 65535 }, authorOf('eve')),
];

/** Damage to the signed bytes inside an intact wire item: the outer lengths stay right. */
function damagedInside(random: Random, message: Message): Uint8Array {
  const { signature, body, payload } = message;
  return encodeWireItem(
    damage(random, message.bytes, pick(random, originals).wire),
    signature,
    body,
    payload,
  );
}

function spelledOnce(message: Message, wire: Uint8Array): boolean {
  const { bytes, signature, body, payload } = message;
  const header = message.isMesh1 ? readMesh1Header(bytes) : undefined;
  const signed = header ? encodeMesh1Header(header) : encodeSignedBytes(openclaw, message);
  const again = encodeWireItem(signed, signature, body, payload);
  return equal(message.wire, wire) && equal(again, wire) && equal(signed, bytes);
}

describe('the message decoder', () => {
  it('throws nothing for any damaged wire item and accepts only what it would write itself', () => {
    const random = new Random(SEED);
    let accepted = 0;
    fuzz(ROUNDS, (n) => {
      const message = pick(random, originals);
      let wire = n % 2 === 0 ? message.wire : damagedInside(random, message);
      const times = n % 2 === 0 ? 1 + random.below(4) : random.below(2);
      for (let k = 0; k < times; k++) wire = damage(random, wire, pick(random, originals).wire);
      let decoded: Message | undefined;
      try {
        decoded = decodeMessage(openclaw, wire);
      } catch (error) {
        throw new Error(`round ${n} threw for ${Buffer.from(wire).toString('hex')}`, { cause: error });
      }
      if (decoded === undefined) return;
      accepted++;
      if (!spelledOnce(decoded, wire)) throw new Error(`round ${n}: two spellings of ${decoded.idText}`);
    });
    // damage to author, time or signature leaves a message, with another id or a signature that does not hold
    expect(accepted).toBeGreaterThan(1000);
    expect(accepted).toBeLessThan(ROUNDS / 2);
  });

  it('throws nothing for noise of any length', () => {
    const random = new Random(SEED);
    for (let n = 0; n < 20_000; n++) {
      const noise = Uint8Array.from({ length: random.below(64) }, () => random.below(256));
      expect(decodeMessage(openclaw, noise)).toBeUndefined();
    }
  });
});
