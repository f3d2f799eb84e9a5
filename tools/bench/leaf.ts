/**
 * A leaf's link to its live home relay, made by hand and cheap, so that two cores are enough for fifty of them: it does
 * the whole handshake, tells its role and what it holds, and answers pings. It neither verifies nor stores what it gets.
 */
import { randomBytes } from 'node:crypto';
import { concat, toBase64url, utf8 } from '../../src/core/bytes.ts';
import { channelTag } from '../../src/core/channel/channel.ts';
import { decodeFrame, encodeFrame, type Frame } from '../../src/core/wire/frames.ts';
import { encodeHandshake, parseHandshake } from '../../src/core/wire/handshake.ts';
import {
  createEphemeral,
  createOpener,
  createSealer,
  createSigner,
  type Ephemeral,
  generatePrivateKey,
  type Opener,
  type Sealer,
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

export interface LeafOptions {
  /** channels that it has joined */
  readonly holds: readonly string[];
  /** whether it asks for a sealed link, as over a network */
  readonly isSealed: boolean;
}

export interface LeafHandlers {
  onMessage?(seq: number): void;
  /** the relay says that it has so many more on its disk */
  onStored?(count: number): void;
}

export class Leaf {
  readonly #socket: LoadSocket;
  readonly #handlers: LeafHandlers;
  readonly #signer: Signer = createSigner(generatePrivateKey());
  readonly #isSealed: boolean;
  #theirText = '';
  #isUp = false;
  /** of a sealed link: what is sent after our `auth`, what comes after theirs */
  #seal: Sealer | undefined;
  #open: Opener | undefined;
  #hasTheirAuth = false;
  /** why the relay ended the link, '' as long as it did not */
  failure = '';

  private constructor(socket: LoadSocket, handlers: LeafHandlers, isSealed: boolean) {
    this.#socket = socket;
    this.#handlers = handlers;
    this.#isSealed = isSealed;
    socket.handlers = { onMessage: (payload, isText) => this.#receive(payload, isText) };
  }

  /** A leaf that is linked. */
  static async link(port: number, handlers: LeafHandlers, options: LeafOptions): Promise<Leaf> {
    const { holds, isSealed } = options;
    const socket = await LoadSocket.connect(port, { onMessage: () => undefined });
    const leaf = new Leaf(socket, handlers, isSealed);
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
    const ephemeral = createEphemeral();
    const own = encodeHandshake({
      peer: toBase64url(this.#signer.publicKey),
      relay: false,
      network: NETWORK,
      nonce: randomBytes(16),
      ephemeral: ephemeral.publicKey,
      features: this.#isSealed ? ['seal', 'seal-this'] : ['seal'],
      agent: 'bench',
    });
    this.#socket.write(textFrame(own));
    await until('a handshake is answered', () => this.#theirText !== '' || this.dead, { everyMs: 1 });
    const instance = randomBytes(8);
    const hashes = [own, this.#theirText].map((text) => sha256(utf8(text)));
    const data = concat(utf8(`mesh/2 auth\0${NETWORK}\0dialler\0`), ...hashes, instance, utf8(url));
    this.send({ type: 'auth', instance, url, signature: this.#signer.sign(data) });
    if (this.#isSealed) this.#sealWith(ephemeral, sha256(concat(...hashes)));
  }

  #sealWith(ephemeral: Ephemeral, transcript: Uint8Array): void {
    const theirs = parseHandshake(this.#theirText);
    const keys = 'handshake' in theirs ? ephemeral.agree(theirs.handshake.ephemeral, transcript) : undefined;
    if (keys === undefined) throw new Error('the relay sent a handshake that is none');
    this.#seal = createSealer(keys.dialler);
    this.#open = createOpener(keys.responder);
  }

  get dead(): boolean {
    return this.#socket.closed;
  }

  get bytes(): number {
    return this.#socket.bytes;
  }

  send(frame: Frame | Uint8Array): void {
    const bytes = frame instanceof Uint8Array ? frame : encodeFrame(frame);
    this.#socket.write(binaryFrame(this.#seal?.([bytes]) ?? bytes));
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
    if (this.#isSealed && this.#hasTheirAuth) return this.#receiveRecord(payload);
    this.#hasTheirAuth = true; // the first frame, and the only one that is never sealed
    this.#receiveFrame(payload);
  }

  #receiveRecord(record: Uint8Array): void {
    const frames = this.#open?.(record);
    if (frames === undefined) throw new Error('the daemon sent a record that does not open');
    for (const frame of frames) this.#receiveFrame(frame);
  }

  #receiveFrame(payload: Uint8Array): void {
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
