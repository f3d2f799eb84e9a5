/** The other end of a link, played by a test. See `peer.fixture.ts`. */
import { type Bytes, concat, toBase64url, utf8 } from './bytes.ts';
import type { Effect, Event, LinkId, Scope } from './contract.ts';
import type { ErrorCode } from './errors.ts';
import { type Author, authorOf, sha256 } from './message/message.fixture.ts';
import { encodeFrame, type Frame } from './wire/frames.ts';
import { encodeHandshake, type Handshake } from './wire/handshake.ts';

export interface ConnectOptions {
  /** what the remote end is: `dialler` dialled us */
  readonly role?: 'dialler' | 'responder';
  /** the URL that was dialled, by whom ever */
  readonly url?: string;
  readonly scope?: Scope;
  readonly host?: string;
  readonly relay?: boolean;
  readonly live?: boolean;
  /** comes for a visit */
  readonly isVisit?: boolean;
  /** number of the start: another one is another daemon with the same key */
  readonly instance?: number;
  /** does not answer pings */
  readonly isSilent?: boolean;
}

/** What an auth frame may lie about. */
export interface AuthChanges {
  readonly signer?: Author;
  readonly role?: 'dialler' | 'responder';
  readonly texts?: readonly [dialler: string, responder: string];
  readonly signedUrl?: string;
  readonly url?: string;
  readonly instance?: Bytes;
  readonly network?: string;
  readonly purpose?: string;
}

/** What a remote end needs of its bench. */
export interface RemoteHost {
  nextLink(): LinkId;
  event(event: Event): void;
  later(delayMs: number, run: () => void): void;
  run(durationMs: number): void;
  reports(phrase: string): readonly Extract<Effect, { kind: 'report' }>[];
}

const PONG_DELAY_MS = 5;

export class Remote {
  readonly link: LinkId;
  readonly name: string;
  readonly key: Author;
  readonly role: 'dialler' | 'responder';
  readonly options: ConnectOptions;
  readonly nonce: Bytes;
  readonly texts: string[] = [];
  readonly frames: Frame[] = [];
  /** set once the peer has closed the link, with the reason that it gave its interpreter */
  closed: { readonly code: ErrorCode; readonly detail: string } | undefined;
  isSilent: boolean;
  /** frames with `notify` stay in the queue until the test flushes them */
  isReadingSlowly = false;
  /** numbers of the frames with `notify` that are in the queue */
  readonly unflushed: number[] = [];
  ownText = '';
  readonly #bench: RemoteHost;

  constructor(bench: RemoteHost, name: string, options: ConnectOptions) {
    this.#bench = bench;
    this.link = bench.nextLink();
    this.name = name;
    this.key = authorOf(name);
    this.role = options.role ?? 'dialler';
    this.options = options;
    this.nonce = sha256(utf8(`nonce ${name} ${this.link}`)).slice(0, 16);
    this.isSilent = options.isSilent ?? false;
  }

  get id(): string {
    return toBase64url(this.key.publicKey);
  }

  get url(): string {
    return this.options.url ?? `ws://${this.name.replace(/\W/g, '-')}.example:5000/`;
  }

  open(): void {
    const isDialled = this.role === 'responder';
    this.#bench.event({
      kind: 'link-opened',
      link: this.link,
      role: isDialled ? 'dialler' : 'responder',
      url: isDialled ? this.url : '',
      scope: this.options.scope ?? 'loopback',
      host: this.options.host ?? '',
      nonce: sha256(utf8(`own nonce ${this.link}`)).slice(0, 16),
      ephemeral: sha256(utf8(`own ephemeral ${this.link}`)),
    });
  }

  /** The text of an honest handshake, with changes. */
  handshakeText(changes: Partial<Handshake> = {}): string {
    return encodeHandshake({
      peer: this.id,
      relay: this.options.relay ?? false,
      network: 'openclaw',
      nonce: this.nonce,
      ephemeral: sha256(utf8(`ephemeral ${this.name} ${this.link}`)),
      features: this.options.isVisit ? ['seal', 'visit'] : ['seal'],
      agent: `remote ${this.name}`,
      ...changes,
    });
  }

  sayHandshake(changes: Partial<Handshake> = {}): void {
    this.ownText = this.handshakeText(changes);
    this.text(this.ownText);
  }

  get instance(): Bytes {
    return new Uint8Array(8).fill(this.options.instance ?? 100);
  }

  /** The frame that proves the id, signed over what the protocol says, with changes. */
  authFrame(changes: AuthChanges = {}): Frame {
    const theirs = this.texts[0] ?? '';
    const inOrder = this.role === 'dialler' ? [this.ownText, theirs] : [theirs, this.ownText];
    const [dialler, responder] = changes.texts ?? inOrder;
    const instance = changes.instance ?? this.instance;
    const url = changes.url ?? (this.role === 'dialler' ? this.ownUrl : '');
    const data = concat(
      utf8(`mesh/2 ${changes.purpose ?? 'auth'}\0${changes.network ?? 'openclaw'}\0`),
      utf8(`${changes.role ?? this.role}\0`),
      sha256(utf8(dialler as string)),
      sha256(utf8(responder as string)),
      instance,
      utf8(changes.signedUrl ?? url),
    );
    return { type: 'auth', instance, url, signature: (changes.signer ?? this.key).sign(data) };
  }

  /** The URL of ours that it dialled. */
  get ownUrl(): string {
    return this.options.url ?? 'ws://subject.example:5000/';
  }

  shake(): void {
    this.sayHandshake();
    this.send(this.authFrame());
  }

  text(text: string): void {
    this.#bench.event({ kind: 'text-received', link: this.link, text });
  }

  bytes(bytes: Bytes): void {
    this.#bench.event({ kind: 'frame-received', link: this.link, bytes });
  }

  send(frame: Frame): void {
    this.bytes(encodeFrame(frame));
  }

  /** The connection ends from this side. */
  hangUp(): void {
    this.closed ??= { code: 'invalid_message', detail: 'hung up' };
    this.#bench.event({ kind: 'link-closed', link: this.link, reason: 'connection closed' });
  }

  hearText(text: string): void {
    this.texts.push(text);
  }

  hearClose(code: ErrorCode, detail: string): void {
    this.closed ??= { code, detail };
  }

  hear(frame: Frame): void {
    this.frames.push(frame);
    if (frame.type !== 'ping' || this.isSilent) return;
    this.#bench.later(PONG_DELAY_MS, () => {
      if (!this.isSilent && !this.closed) this.send({ type: 'pong', n: frame.n });
    });
  }

  /** Lets time pass for everybody. */
  wait(durationMs: number): void {
    this.#bench.run(durationMs);
  }

  /** Frames of one type that came, in order. */
  got<T extends Frame['type']>(type: T): Extract<Frame, { type: T }>[] {
    return this.frames.filter((frame): frame is Extract<Frame, { type: T }> => frame.type === type);
  }

  /** Forgets what came so far. */
  clear(): void {
    this.frames.length = 0;
    this.texts.length = 0;
  }

  /** Code of the last refusal: an error frame or an error text. */
  get refusal(): string {
    const frame = this.got('error').at(-1);
    if (frame) return frame.code;
    const text = this.texts.find((one) => one.includes('"error"'));
    return text === undefined ? '' : (JSON.parse(text) as { code: string }).code;
  }

  /** Whether the peer takes the link for good. */
  get isUp(): boolean {
    const has = (phrase: string) => this.#bench.reports(phrase).some(({ data }) => data.link === this.link);
    return has('link up') && !has('link down');
  }
}
