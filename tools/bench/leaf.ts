/**
 * A leaf's link to its live home relay, made by hand and cheap, so that two cores are enough for fifty of them: it does
 * the whole handshake, tells its role and what it holds, and answers pings. It neither verifies nor stores what it gets.
 */
import { randomBytes } from 'node:crypto';
import { concat, toBase64url, utf8 } from '../../src/core/bytes.ts';
import { channelTag } from '../../src/core/channel/channel.ts';
import { decodeFrame, encodeFrame, type Frame } from '../../src/core/wire/frames.ts';
import { encodeHandshake } from '../../src/core/wire/handshake.ts';
import {
  createEphemeral,
  createSigner,
  generatePrivateKey,
  type Signer,
  sha256,
} from '../../src/crypto/index.ts';
import { context, countIds, NETWORK, readPush } from './messages.ts';
import { until } from './processes.ts';
import { binaryFrame, LoadSocket, textFrame } from './socket.ts';

/** Numbers of the frames that are many; all others are decoded whole. */
const PUSH = 7;
const STORED = 11;
const HOUR_MS = 3_600_000;

export interface LeafHandlers {
  onMessage?(seq: number): void;
  /** the relay says that it has so many more on its disk */
  onStored?(count: number): void;
}

export class Leaf {
  readonly #socket: LoadSocket;
  readonly #handlers: LeafHandlers;
  readonly #signer: Signer = createSigner(generatePrivateKey());
  #theirText = '';
  #isUp = false;
  /** why the relay ended the link, '' as long as it did not */
  failure = '';

  private constructor(socket: LoadSocket, handlers: LeafHandlers) {
    this.#socket = socket;
    this.#handlers = handlers;
    socket.handlers = { onMessage: (payload, isText) => this.#receive(payload, isText) };
  }

  /** A leaf that is linked. @param holds channels that it has joined */
  static async link(port: number, handlers: LeafHandlers, holds: readonly string[]): Promise<Leaf> {
    const socket = await LoadSocket.connect(port, { onMessage: () => undefined });
    const leaf = new Leaf(socket, handlers);
    await leaf.#shakeHands(`ws://127.0.0.1:${port}/`);
    leaf.send({ type: 'role', relay: false, live: true });
    await until('a link is up', () => leaf.#isUp || leaf.dead, { everyMs: 1 });
    if (leaf.dead) throw new Error(`the relay refused a link: ${leaf.failure}`);
    if (holds.length > 0) {
      const floorHour = Math.floor(Date.now() / HOUR_MS) - 24;
      const tags = holds.map((channel) => toBase64url(channelTag(sha256, NETWORK, channel)));
      leaf.send({ type: 'holds', reset: true, set: tags.map((tag) => ({ tag, floorHour })), unset: [] });
    }
    return leaf;
  }

  async #shakeHands(url: string): Promise<void> {
    const own = encodeHandshake({
      peer: toBase64url(this.#signer.publicKey),
      relay: false,
      network: NETWORK,
      nonce: randomBytes(16),
      ephemeral: createEphemeral().publicKey,
      features: [],
      agent: 'bench',
    });
    this.#socket.write(textFrame(own));
    await until('a handshake is answered', () => this.#theirText !== '' || this.dead, { everyMs: 1 });
    const instance = randomBytes(8);
    const hashes = [own, this.#theirText].map((text) => sha256(utf8(text)));
    const data = concat(utf8(`mesh/2 auth\0${NETWORK}\0dialler\0`), ...hashes, instance, utf8(url));
    this.send({ type: 'auth', instance, url, signature: this.#signer.sign(data) });
  }

  get dead(): boolean {
    return this.#socket.closed;
  }

  get bytes(): number {
    return this.#socket.bytes;
  }

  send(frame: Frame | Uint8Array): void {
    this.#socket.write(binaryFrame(frame instanceof Uint8Array ? frame : encodeFrame(frame)));
  }

  close(): void {
    this.#socket.close();
  }

  #receive(payload: Buffer, isText: boolean): void {
    if (isText) {
      const text = payload.toString();
      if (text.includes('"type":"error"')) this.#fail(text);
      else this.#theirText = text;
      return;
    }
    const number = payload[1];
    if (number === PUSH) return readPush(payload, this.#handlers.onMessage ?? (() => undefined));
    if (number === STORED) return this.#handlers.onStored?.(countIds(payload));
    const frame = decodeFrame(context, payload);
    if (frame === undefined) throw new Error('the daemon sent a frame that is none');
    if (frame.type === 'ping') this.send({ type: 'pong', n: frame.n });
    else if (frame.type === 'role') this.#isUp = true;
    else if (frame.type === 'error') this.#fail(`${frame.code}: ${frame.detail}`);
  }

  #fail(why: string): void {
    this.failure ||= why;
    this.close();
  }
}
