import { describe, expect, it } from 'vitest';
import { textOf, toHex, utf8 } from '../bytes.ts';
import { isMesh1Header, mesh1Text, readMesh1Header } from './mesh1-record.ts';
import {
  authorOfSeed,
  fromHex,
  openclaw,
  readVectors,
  sha256,
  signedMessage,
  verify,
} from './message.fixture.ts';
import { buildMessage, createMessageContext, decodeMessage, type Message } from './message.ts';
import { signatureCheck, VerifiedMessage, verifySignature } from './verified.ts';

interface Vector {
  readonly name: string;
  readonly network: string;
  readonly seed: string;
  readonly body: string;
  readonly channel: string;
  readonly messageId: string;
  readonly payload: unknown;
  readonly timestamp: string;
  readonly timeMs: number;
  readonly text: string;
  readonly header: string;
  readonly id: string;
  readonly signature: string;
  readonly wire: string;
}

const { vectors, invalid } = readVectors<{ vectors: Vector[]; invalid: { name: string; header: string }[] }>(
  'mesh1.json',
);

function decoded(wire: string, network = 'openclaw'): Message {
  const message = decodeMessage(createMessageContext(network, sha256), fromHex(wire));
  if (!message) throw new Error('not a message');
  return message;
}

describe('a message that began at a mesh/1 peer', () => {
  it.each(vectors)('is read from its wire item: $name', (vector) => {
    const message = decoded(vector.wire, vector.network);
    expect(toHex(message.id)).toBe(vector.id);
    expect(message).toMatchObject({
      isMesh1: true,
      kind: 1,
      channel: vector.channel,
      body: vector.body,
      time: { timeMs: vector.timeMs, counter: 0 },
      prev: new Uint8Array(0),
      refs: [],
      expiresMs: 0,
    });
    expect(message.author).toEqual(authorOfSeed(fromHex(vector.seed)).publicKey);
    expect(textOf(message.payload)).toBe(vector.payload === null ? '' : JSON.stringify(vector.payload));
    const header = readMesh1Header(message.bytes);
    expect(header).toMatchObject({ messageId: vector.messageId, timestamp: vector.timestamp });
    expect(header && mesh1Text(header, message.body, message.payload)).toEqual(utf8(vector.text));
  });

  it.each(vectors)('is verified over the text that its author signed: $name', (vector) => {
    const context = createMessageContext(vector.network, sha256);
    const message = decoded(vector.wire, vector.network);
    const check = signatureCheck(context, message);
    expect(textOf(check.data)).toBe(vector.text);
    const proof = verifySignature(verify, check);
    expect(proof && VerifiedMessage.fromVerification(context, message, proof)?.message).toBe(message);
  });

  it('is another message with another body, payload or header, and its signature does not hold there', () => {
    const [vector] = vectors as [Vector];
    const good = decoded(vector.wire);
    const parts = { bytes: good.bytes, signature: good.signature, body: good.body, payload: good.payload };
    const header = vector.text.replace(/"body":.*?,|"payload":.*?,/g, '');
    for (const change of [
      { body: 'hullo' },
      { payload: utf8('{}') },
      { bytes: utf8(header.replace('0001"', '0002"')) },
    ]) {
      const other = buildMessage(openclaw, { ...parts, ...change });
      expect(other.idText).not.toBe(good.idText);
      expect(verifySignature(verify, signatureCheck(openclaw, other))).toBeUndefined();
    }
  });

  it.each(invalid)('has one header, in one spelling: not $name', ({ header }) => {
    const bytes = fromHex(header);
    expect(readMesh1Header(bytes)).toBeUndefined();
    const [vector] = vectors as [Vector];
    const { signature, body, payload } = decoded(vector.wire);
    expect(() => buildMessage(openclaw, { bytes, signature, body, payload })).toThrow();
  });

  it('has a payload that is text, and no half characters', () => {
    const { bytes, signature, body, payload } = decoded((vectors[0] as Vector).wire);
    const build = (changes: object) =>
      buildMessage(openclaw, { bytes, signature, body, payload, ...changes });
    expect(() => build({ payload: Uint8Array.of(0xff) })).toThrow('no text');
    expect(() => build({ body: '\ud800' })).toThrow('no text');
    expect(() => build({ body: 'x'.repeat(66_000) })).toThrow('bytes');
    expect(() => build({ signature: new Uint8Array(63) })).toThrow('64 bytes');
  });

  it('is never taken for one of mesh/2, nor one of mesh/2 for it', () => {
    expect(isMesh1Header(signedMessage().bytes)).toBe(false);
    expect(signedMessage().isMesh1).toBe(false);
    expect(isMesh1Header(fromHex((vectors[0] as Vector).header))).toBe(true);
  });
});
