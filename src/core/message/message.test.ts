import { decode as cborgDecode, encode as cborgEncode } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex, utf8 } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import { CborError, CborReader } from '../wire/cbor.ts';
import {
  authorOf,
  authorOfSeed,
  fromHex,
  openclaw,
  readVectors,
  sha256,
  signedMessage,
} from './message.fixture.ts';
import {
  buildMessage,
  createMessageContext,
  decodeMessage,
  encodeSignedBytes,
  encodeWireItem,
  type Message,
  type MessageFields,
  messageId,
  readMessage,
  signingInput,
} from './message.ts';
import { toUint64 } from './time.ts';

interface Vector {
  readonly name: string;
  readonly network: string;
  readonly seed: string;
  readonly author: string;
  readonly fields: {
    readonly kind: number;
    readonly channel: string;
    readonly timeMs: number;
    readonly counter: number;
    readonly prev: string;
    readonly refs: readonly { readonly relation: number; readonly id: string }[];
    readonly expiresMs: number;
    readonly nonce: number;
    readonly body: string;
    readonly payload: string;
  };
  readonly bytes: string;
  readonly id: string;
  readonly idText: string;
  readonly signature: string;
  readonly wire: string;
}

const { vectors, invalid } = readVectors<{ vectors: Vector[]; invalid: { name: string; wire: string }[] }>(
  'message.json',
);

function fieldsOf({ fields, author }: Vector): MessageFields {
  const { timeMs, counter, prev, refs, payload, ...rest } = fields;
  return {
    ...rest,
    author: fromHex(author),
    time: { timeMs, counter },
    prev: fromHex(prev),
    refs: refs.map(({ relation, id }) => ({ relation, id: fromHex(id) })),
    payload: fromHex(payload),
  };
}

/** The ten fields, without what follows from them. */
function onlyFields(message: Message): MessageFields {
  const { id, idText, bytes, signature, wire, ...fields } = message;
  expect(id.length + idText.length + signature.length).toBe(32 + 43 + 64);
  expect(bytes.length).toBeLessThan(wire.length);
  return fields;
}

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const channel = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 30 })
  .filter((name) => name.trim() === name && [...name].every((c) => c >= ' ' && c !== '\x7f'));
const anyFields: fc.Arbitrary<MessageFields> = fc.record({
  kind: fc.nat(0xffff),
  author: bytes32,
  channel,
  time: fc.record({ timeMs: fc.integer({ min: 0, max: 2 ** 47 - 1 }), counter: fc.nat(0xffff) }),
  prev: fc.oneof(bytes32, fc.constant(new Uint8Array(0))),
  refs: fc.array(fc.record({ relation: fc.nat(0xffff), id: bytes32 }), { maxLength: 8 }),
  expiresMs: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  nonce: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  body: fc.string({ unit: 'binary', maxLength: 200 }),
  payload: fc.uint8Array({ maxLength: 300 }),
});

describe('the vectors', () => {
  it.each(vectors)('agree with us on $name', (vector) => {
    const context = createMessageContext(vector.network, sha256);
    const fields = fieldsOf(vector);
    const bytes = encodeSignedBytes(context, fields);
    expect(toHex(bytes)).toBe(vector.bytes);
    const id = messageId(context, bytes);
    expect(toHex(id)).toBe(vector.id);
    const author = authorOfSeed(fromHex(vector.seed));
    expect(toHex(author.publicKey)).toBe(vector.author);
    const signature = author.sign(signingInput(context, id));
    expect(toHex(signature)).toBe(vector.signature);
    expect(toHex(encodeWireItem(bytes, signature, fields.body, fields.payload))).toBe(vector.wire);

    const decoded = decodeMessage(context, fromHex(vector.wire)) as Message;
    expect(onlyFields(decoded)).toEqual(fields);
    expect(decoded.idText).toBe(vector.idText);
    expect(toHex(decoded.signature)).toBe(vector.signature);
    expect(toHex(decoded.wire)).toBe(vector.wire);
  });

  it.each(invalid)('hold no message in: $name', ({ wire }) => {
    expect(decodeMessage(openclaw, fromHex(wire))).toBeUndefined();
  });
});

describe('a message', () => {
  it('comes back from its wire item as it was, for any fields', () => {
    fc.assert(
      fc.property(anyFields, fc.uint8Array({ minLength: 64, maxLength: 64 }), (fields, signature) => {
        const bytes = encodeSignedBytes(openclaw, fields);
        const built = buildMessage(openclaw, {
          bytes,
          signature,
          body: fields.body,
          payload: fields.payload,
        });
        const decoded = decodeMessage(openclaw, built.wire) as Message;
        expect(onlyFields(decoded)).toEqual(fields);
        expect(decoded).toEqual(built);
      }),
    );
  });

  it('is for cborg the array that the specification names', () => {
    fc.assert(
      fc.property(anyFields, (fields) => {
        const { hi, lo } = toUint64(fields.time);
        const time = (BigInt(hi) << 32n) | BigInt(lo);
        const content = sha256(cborgEncode([fields.body, fields.payload]));
        const refs = fields.refs.map((ref) => [ref.relation, ref.id]);
        const { kind, author, prev, expiresMs, nonce } = fields;
        const items = [kind, author, fields.channel, time, prev, content, refs, expiresMs, nonce];
        const bytes = encodeSignedBytes(openclaw, fields);
        expect(bytes).toEqual(Uint8Array.from(cborgEncode(items)));
        expect(cborgDecode(bytes)).toHaveLength(9);
      }),
    );
  });

  it('has one id whatever its signature, and another in every other network', () => {
    const message = signedMessage();
    const parts = { bytes: message.bytes, body: message.body, payload: message.payload };
    const junk = buildMessage(openclaw, { ...parts, signature: new Uint8Array(64) });
    expect(junk.idText).toBe(message.idText);
    const elsewhere = createMessageContext('elsewhere', sha256);
    expect(buildMessage(elsewhere, { ...parts, signature: message.signature }).idText).not.toBe(
      message.idText,
    );
  });

  it('changes its id with every field', () => {
    const changes: Partial<MessageFields>[] = [
      {},
      { kind: 2 },
      { author: authorOf('eve').publicKey },
      { channel: 'hall' },
      { time: { timeMs: 1_780_000_000_000, counter: 1 } },
      { time: { timeMs: 1_780_000_000_001, counter: 0 } },
      { prev: sha256(utf8('prev')) },
      { refs: [{ relation: 1, id: sha256(utf8('ref')) }] },
      { expiresMs: 1 },
      { nonce: 1 },
      { body: 'hello!' },
      { payload: utf8('{}') },
    ];
    expect(new Set(changes.map((change) => signedMessage(change).idText)).size).toBe(changes.length);
  });

  it('does not confuse body and payload: the same bytes on the other side give another id', () => {
    const asBody = signedMessage({ body: 'x', payload: new Uint8Array(0) });
    const asPayload = signedMessage({ body: '', payload: utf8('x') });
    expect(asBody.idText).not.toBe(asPayload.idText);
  });

  it('keeps its fields as views into the frame that it came in', () => {
    const { wire } = signedMessage({ payload: utf8('{"a":1}') });
    const frame = Uint8Array.of(7, ...wire, ...wire);
    const r = new CborReader(frame.subarray(1));
    const first = readMessage(openclaw, r);
    const second = readMessage(openclaw, r);
    r.end();
    expect(first).toEqual(second);
    for (const view of [first.bytes, first.signature, first.author, first.payload, first.wire]) {
      expect(view.buffer).toBe(frame.buffer);
    }
  });
});

describe('the limits', () => {
  const room = LIMITS.messageBytesMax - signedMessage({ body: '' }).wire.length;

  it('leave room for a wire item of exactly 64 KiB and not one byte more', () => {
    // a body of more than 65535 bytes would have a head of 5 bytes; this one has 3 instead of 1
    const largest = signedMessage({ body: 'x'.repeat(room - 2) });
    expect(largest.wire.length).toBe(LIMITS.messageBytesMax);
    expect(decodeMessage(openclaw, largest.wire)?.idText).toBe(largest.idText);
    expect(() => signedMessage({ body: 'x'.repeat(room - 1) })).toThrow(CborError);
    expect(() => signedMessage({ payload: new Uint8Array(room) })).toThrow(CborError);
  });

  it('refuse what an encoder was given too much of', () => {
    const ref = { relation: 1, id: sha256(utf8('ref')) };
    expect(() => signedMessage({ refs: Array(9).fill(ref) })).toThrow(CborError);
    expect(() => signedMessage({ channel: 'x'.repeat(129) })).toThrow(CborError);
    expect(() => signedMessage({ channel: '' })).toThrow(CborError);
    expect(() => signedMessage({ prev: new Uint8Array(31) })).toThrow(CborError);
    expect(() => signedMessage({ kind: 65536 })).toThrow(CborError);
    expect(() => signedMessage({ expiresMs: -1 })).toThrow(RangeError);
    expect(() => signedMessage({ nonce: 0.5 })).toThrow(RangeError);
  });

  it('cannot see a lone surrogate in a body: it is written as U+FFFD, so callers must look first', () => {
    const message = signedMessage({ body: 'a\ufffd' });
    const bytes = encodeSignedBytes(openclaw, { ...onlyFields(message), body: 'a\ud800' });
    expect(bytes).toEqual(message.bytes);
  });
});
