import { describe, expect, it } from 'vitest';
import {
  ada,
  authorOf,
  fromHex,
  openclaw,
  readVectors,
  sha256,
  signedMessage,
  verify,
} from './message.fixture.ts';
import { createMessageContext, decodeMessage, Message } from './message.ts';
import { StoreReceipt, signatureCheck, Verification, VerifiedMessage, verifySignature } from './verified.ts';

const message = signedMessage();
const proof = verifySignature(verify, signatureCheck(openclaw, message)) as Verification;
const other = signedMessage({ body: 'other' });
const otherProof = verifySignature(verify, signatureCheck(openclaw, other)) as Verification;

/** A value that the compiler would not take here. */
function as<T>(value: unknown): T {
  return value as T;
}

describe('verifying', () => {
  it('turns a good signature into a proof and the proof into a verified message', () => {
    expect(proof).toBeInstanceOf(Verification);
    const verified = VerifiedMessage.fromVerification(openclaw, message, proof);
    expect(verified).toBeInstanceOf(VerifiedMessage);
    expect(verified?.message).toBe(message);
  });

  it('gives no proof for a bad signature and does not ask the primitive for what the guard stops', () => {
    const check = signatureCheck(openclaw, message);
    const bad = Uint8Array.from(check.signature);
    bad[0] = (bad[0] as number) ^ 1;
    expect(verifySignature(verify, { ...check, signature: bad })).toBeUndefined();
    expect(verifySignature(verify, { ...check, publicKey: authorOf('eve').publicKey })).toBeUndefined();
    expect(verifySignature(verify, { ...check, data: check.signature })).toBeUndefined();
    let asked = 0;
    const yes = () => {
      asked++;
      return true;
    };
    expect(verifySignature(yes, { ...check, publicKey: new Uint8Array(32) })).toBeUndefined();
    expect(verifySignature(yes, { ...check, signature: new Uint8Array(64) })).toBeUndefined();
    expect(verifySignature(yes, { ...check, signature: new Uint8Array(63) })).toBeUndefined();
    expect(asked).toBe(0);
    expect(verifySignature(yes, check)).toBeDefined();
    expect(asked).toBe(1);
  });

  it('gives the committed verdict for every vector', () => {
    type Vector = { name: string; valid: boolean; publicKey: string; message: string; signature: string };
    for (const vector of readVectors<{ vectors: Vector[] }>('ed25519.json').vectors) {
      const found = verifySignature(verify, {
        data: fromHex(vector.message),
        signature: fromHex(vector.signature),
        publicKey: fromHex(vector.publicKey),
      });
      expect(found !== undefined, vector.name).toBe(vector.valid);
    }
  });
});

describe('a proof', () => {
  it('is refused for another message, another author, another signature and another network', () => {
    expect(VerifiedMessage.fromVerification(openclaw, message, otherProof)).toBeUndefined();
    expect(VerifiedMessage.fromVerification(openclaw, other, proof)).toBeUndefined();
    const network = createMessageContext('elsewhere', sha256);
    expect(VerifiedMessage.fromVerification(network, message, proof)).toBeUndefined();
    const check = signatureCheck(openclaw, message);
    expect(proof.covers(check.data, check.signature, check.publicKey)).toBe(true);
    expect(proof.covers(check.data, other.signature, check.publicKey)).toBe(false);
    expect(proof.covers(check.data, check.signature, authorOf('eve').publicKey)).toBe(false);
    expect(proof.covers(check.data.subarray(1), check.signature, check.publicKey)).toBe(false);
  });

  it('is refused for the same message with a signature that was not checked', () => {
    const wire = Uint8Array.from(message.wire);
    const at = Buffer.from(wire).indexOf(message.signature);
    wire[at] = (wire[at] as number) ^ 1;
    const junk = decodeMessage(openclaw, wire) as Message;
    expect(junk.idText).toBe(message.idText);
    expect(VerifiedMessage.fromVerification(openclaw, junk, proof)).toBeUndefined();
  });

  it('cannot be built by hand', () => {
    const Forged = as<new (...parts: unknown[]) => Verification>(Verification);
    const { data, signature, publicKey } = signatureCheck(openclaw, message);
    expect(() => new Forged(Symbol('key'), data, signature, publicKey)).toThrow(TypeError);
    expect(() => new Forged(undefined, data, signature, publicKey)).toThrow(TypeError);
  });

  it.each([
    ['a spread', () => ({ ...proof })],
    ['a structured clone', () => structuredClone(proof)],
    ['Object.create', () => Object.create(Verification.prototype)],
    ['Object.create of the proof itself', () => Object.create(proof)],
  ])('does not survive %s', (_, copy) => {
    expect(() => VerifiedMessage.fromVerification(openclaw, message, as<Verification>(copy()))).toThrow(
      TypeError,
    );
  });
});

describe('a verified message', () => {
  const verified = VerifiedMessage.fromVerification(openclaw, message, proof) as VerifiedMessage;

  it.each([
    ['a spread', () => ({ ...verified })],
    ['a structured clone', () => structuredClone(verified)],
    ['JSON', () => JSON.parse(JSON.stringify(verified))],
    ['Object.assign', () => Object.assign({}, verified)],
  ])('loses its message and its class in %s', (_, copy) => {
    const copied = copy();
    expect(copied).not.toBeInstanceOf(VerifiedMessage);
    expect(copied.message).toBeUndefined();
  });

  it('cannot be had from its prototype', () => {
    expect(() => Object.create(VerifiedMessage.prototype).message).toThrow(TypeError);
    expect(() => Object.create(verified).message).toThrow(TypeError);
  });

  it('is never made from a changed copy of a message, with which the proof would agree', () => {
    const forged = as<Message>({ ...message, body: 'forged' });
    expect(VerifiedMessage.fromVerification(openclaw, forged, proof)).toBeUndefined();
    expect(VerifiedMessage.fromStore(forged, StoreReceipt.issue(message.id))).toBeUndefined();
    const inherited = Object.assign(Object.create(Message.prototype), message, { body: 'forged' });
    expect(VerifiedMessage.fromVerification(openclaw, inherited, proof)).toBeUndefined();
    const clone = as<Message>(structuredClone(message));
    expect(VerifiedMessage.fromVerification(openclaw, clone, proof)).toBeUndefined();
  });

  it('comes from the store by a receipt for its id and no other', () => {
    expect(VerifiedMessage.fromStore(message, StoreReceipt.issue(message.id))?.message).toBe(message);
    expect(VerifiedMessage.fromStore(message, StoreReceipt.issue(other.id))).toBeUndefined();
    expect(() =>
      VerifiedMessage.fromStore(message, as<StoreReceipt>({ ...StoreReceipt.issue(message.id) })),
    ).toThrow(TypeError);
  });
});

describe('a message', () => {
  it('is made by buildMessage only', () => {
    const Forged = as<new (...parts: unknown[]) => Message>(Message);
    expect(() => new Forged(Symbol('key'), message, message)).toThrow(TypeError);
    expect(Message.isBuilt(message)).toBe(true);
    expect(Message.isBuilt(as<Message>({ ...message }))).toBe(false);
    expect(message.author).toEqual(ada.publicKey);
  });
});
