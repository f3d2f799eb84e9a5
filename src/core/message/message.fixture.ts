/**
 * What tests of the core need from outside it: a hash, keys, a verifier, honest messages and the committed vectors. The
 * core's tests import nothing outside the core, so this takes `node:crypto` as it comes.
 */
import {
  createPrivateKey,
  createPublicKey,
  hash,
  type KeyObject,
  sign as nodeSign,
  verify as nodeVerify,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Bytes, utf8 } from '../bytes.ts';
import {
  buildMessage,
  createMessageContext,
  encodeSignedBytes,
  type Message,
  type MessageContext,
  type MessageFields,
  messageId,
  signingInput,
} from './message.ts';
import type { Ed25519Verify } from './verified.ts';

export function sha256(bytes: Bytes): Bytes {
  return Uint8Array.from(hash('sha256', bytes, 'buffer'));
}

export function fromHex(text: string): Bytes {
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

export const openclaw: MessageContext = createMessageContext('openclaw', sha256);

export interface Author {
  readonly publicKey: Bytes;
  sign(data: Bytes): Bytes;
}

function authorFrom(privateKey: KeyObject): Author {
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return {
    publicKey: Uint8Array.from(spki.subarray(-32)),
    sign: (data) => Uint8Array.from(nodeSign(null, data, privateKey)),
  };
}

/** The key whose secret is `seed` (32 bytes). */
export function authorOfSeed(seed: Bytes): Author {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  return authorFrom(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
}

/** A key that follows from `label`. */
export function authorOf(label: string): Author {
  return authorOfSeed(sha256(utf8(label)));
}

export const verify: Ed25519Verify = (signature, data, publicKey) => {
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), publicKey]);
  return nodeVerify(null, data, createPublicKey({ key: der, format: 'der', type: 'spki' }), signature);
};

export const ada = authorOf('ada');

/** A message signed by `author`, with `changes` to a plain one. */
export function signedMessage(
  changes: Partial<MessageFields> = {},
  author = ada,
  context = openclaw,
): Message {
  const fields: MessageFields = {
    kind: 1,
    author: author.publicKey,
    channel: 'lobby',
    time: { timeMs: 1_780_000_000_000, counter: 0 },
    prev: new Uint8Array(0),
    refs: [],
    expiresMs: 0,
    nonce: 0,
    body: 'hello',
    payload: new Uint8Array(0),
    ...changes,
  };
  const bytes = encodeSignedBytes(context, fields);
  const signature = author.sign(signingInput(context, messageId(context, bytes)));
  return buildMessage(context, { bytes, signature, body: fields.body, payload: fields.payload });
}

/** A file of docs/protocol/vectors. The shape is what its tool writes. */
export function readVectors<T>(name: string): T {
  const url = new URL(`../../../docs/protocol/vectors/${name}`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8')) as T;
}
