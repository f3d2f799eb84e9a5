/**
 * A peer made by hand, for doing things wrong: a WebSocket, keys of its own, and the handshake step by step. What it
 * receives is kept; nothing is answered by itself but pings, and these only while `answersPings` is true.
 */
import { randomBytes } from 'node:crypto';
import { WebSocket } from 'ws';
import { type Bytes, concat, toBase64url, utf8 } from '../../core/bytes.ts';
import { decodeFrame, encodeFrame, type Frame } from '../../core/wire/frames.ts';
import { encodeHandshake } from '../../core/wire/handshake.ts';
import {
  createEphemeral,
  createSigner,
  generatePrivateKey,
  type Signer,
  sha256,
} from '../../crypto/index.ts';
import { context, NETWORK } from './author.ts';
import type { MeshProcess } from './mesh-process.ts';
import { until } from './wait.ts';

type FrameOf<T extends Frame['type']> = Extract<Frame, { type: T }>;

export interface Closed {
  readonly status: number;
  readonly reason: string;
}

export interface HandshakeKnobs {
  readonly peer?: string;
  readonly network?: string;
  readonly relay?: boolean;
  readonly nonce?: Bytes;
  readonly ephemeral?: Bytes;
  readonly features?: readonly string[];
}

export interface AuthKnobs {
  readonly signer?: Signer;
  readonly role?: 'dialler' | 'responder';
  readonly url?: string;
  /** URL that the signature covers, if not the one in the frame */
  readonly signedUrl?: string;
  readonly network?: string;
  /** the two handshake texts that the signature covers */
  readonly texts?: readonly [string, string];
}

export class RawPeer {
  readonly socket: WebSocket;
  readonly url: string;
  readonly signer: Signer;
  readonly texts: string[] = [];
  readonly frames: Frame[] = [];
  readonly instance: Bytes = randomBytes(8);
  ownText = '';
  closed: Closed | undefined;
  answersPings = true;
  /** called with each frame after it was noted, before anything else happens */
  onFrame: (frame: Frame) => void = () => undefined;
  #pings = 0;

  private constructor(url: string, signer: Signer) {
    this.url = url;
    this.signer = signer;
    this.socket = new WebSocket(url, { perMessageDeflate: false });
    this.socket.on('message', (data: Buffer, isBinary) => this.#receive(data, isBinary));
    this.socket.on('error', () => undefined); // the close that follows tells it
    this.socket.on('close', (status, reason) => {
      this.closed = { status, reason: reason.toString() };
    });
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (!isBinary) {
      this.texts.push(data.toString());
      return;
    }
    const frame = decodeFrame(context, new Uint8Array(data));
    if (frame === undefined) throw new Error(`the daemon sent a frame that is none: ${data.toString('hex')}`);
    this.frames.push(frame);
    if (frame.type === 'ping' && this.answersPings) this.send({ type: 'pong', n: frame.n });
    this.onFrame(frame);
  }

  /** An open WebSocket, nothing said yet. */
  static async connect(mesh: MeshProcess, signer = createSigner(generatePrivateKey())): Promise<RawPeer> {
    const peer = new RawPeer(mesh.url, signer);
    await until(
      'a socket opens',
      () => peer.socket.readyState === WebSocket.OPEN || peer.closed !== undefined,
    );
    return peer;
  }

  /** A proven link. */
  static async link(mesh: MeshProcess, signer?: Signer, knobs: HandshakeKnobs = {}): Promise<RawPeer> {
    const peer = await RawPeer.connect(mesh, signer);
    await peer.greet(knobs);
    peer.send(peer.auth());
    await peer.next('role');
    return peer;
  }

  get id(): string {
    return toBase64url(this.signer.publicKey);
  }

  sendText(text: string): void {
    this.ownText ||= text;
    this.socket.send(text);
  }

  send(frame: Frame | Bytes): void {
    this.socket.send(frame instanceof Uint8Array ? frame : encodeFrame(frame));
  }

  /** A good handshake but for the knobs. */
  handshake(knobs: HandshakeKnobs = {}): string {
    return encodeHandshake({
      peer: knobs.peer ?? this.id,
      relay: knobs.relay ?? false,
      network: knobs.network ?? NETWORK,
      nonce: knobs.nonce ?? randomBytes(16),
      ephemeral: knobs.ephemeral ?? createEphemeral().publicKey,
      features: knobs.features ?? [],
      agent: 'attacker',
    });
  }

  /** Sends the handshake and waits for the other's, or for the end. */
  async greet(knobs: HandshakeKnobs = {}): Promise<void> {
    this.sendText(this.handshake(knobs));
    await until('the handshake is answered', () => this.texts.length > 0 || this.closed !== undefined);
  }

  /** A good `auth` but for the knobs. */
  auth(knobs: AuthKnobs = {}): Frame {
    const { role = 'dialler', url = this.url, network = NETWORK } = knobs;
    const [dialler, responder] = knobs.texts ?? [this.ownText, this.texts[0] ?? ''];
    const data = concat(
      utf8(`mesh/2 auth\0${network}\0`),
      utf8(`${role}\0`),
      sha256(utf8(dialler)),
      sha256(utf8(responder)),
      this.instance,
      utf8(knobs.signedUrl ?? url),
    );
    const signature = (knobs.signer ?? this.signer).sign(data);
    return { type: 'auth', instance: this.instance, url, signature };
  }

  all<T extends Frame['type']>(type: T): FrameOf<T>[] {
    return this.frames.filter((frame): frame is FrameOf<T> => frame.type === type);
  }

  /** The first frame of a type that fits, now or later. */
  next<T extends Frame['type']>(
    type: T,
    fits: (frame: FrameOf<T>) => boolean = () => true,
  ): Promise<FrameOf<T>> {
    return until(`a frame "${type}"`, () => {
      const found = this.all(type).find(fits);
      if (found === undefined && this.closed !== undefined)
        throw new Error(`closed (${this.closed.reason}) while waiting for "${type}"`);
      return found;
    });
  }

  /** Resolves once the daemon has handled everything that was sent before. */
  async settle(): Promise<void> {
    this.#pings += 1;
    const n = 1_000_000 + this.#pings;
    this.send({ type: 'ping', n });
    await this.next('pong', (pong) => pong.n === n);
  }

  /** Ids that the daemon said it has on its disk. */
  get stored(): Set<string> {
    return new Set(this.all('stored').flatMap(({ ids }) => ids.map((id) => toBase64url(id))));
  }

  /** Codes of the errors that the daemon sent: in frames, or as text before the link was up. */
  get errors(): string[] {
    const texts = this.texts.filter((text) => text.includes('"type":"error"'));
    return [
      ...texts.map((text) => (JSON.parse(text) as { code: string }).code),
      ...this.all('error').map(({ code }) => code),
    ];
  }

  /** The end of the link, and why. */
  async end(): Promise<Closed> {
    return until('the link is closed', () => this.closed);
  }

  close(): void {
    this.socket.terminate();
  }
}
