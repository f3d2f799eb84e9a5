/**
 * The simplest peer that passes the checkers, and deliberately broken ones made from it: each must be caught. It dials
 * what it is told to, sends every message to every link, and every few seconds offers everything it has again. It has
 * no handshake, no relays and no manners; it speaks a few of the core's frames.
 */
import { type Bytes, idFromText, toBase64url } from '../../core/bytes.ts';
import { channelTag } from '../../core/channel/channel.ts';
import type { Effect, Event, LinkId, Now, Token } from '../../core/contract.ts';
import { LIMITS } from '../../core/limits.ts';
import {
  buildMessage,
  createMessageContext,
  encodeSignedBytes,
  MESSAGE_KIND,
  type Message,
  NO_PREV,
  signingInput,
} from '../../core/message/message.ts';
import { StoreReceipt, signatureCheck, VerifiedMessage } from '../../core/message/verified.ts';
import type { Footprint, PeerConfig } from '../../core/peer-types.ts';
import { FIRST, INFINITY } from '../../core/sync/negentropy/bounds.ts';
import { decodeFrame, encodeFrame } from '../../core/wire/frames.ts';
import type { CoreFactory, SimCore } from '../host.ts';

export type Fault =
  | 'none'
  /** alters the body of what it receives, and stores that */
  | 'forges'
  /** answers a publication before its commit */
  | 'acknowledges-early'
  /** sends its own message before its commit */
  | 'sends-early'
  /** tells others that it stored something before its commit */
  | 'confirms-early'
  /** says that a neighbour stored something without having heard so */
  | 'claims-stored'
  /** neither forwards nor offers again what others wrote */
  | 'keeps-to-itself'
  /** blames its neighbours for nothing */
  | 'accuses'
  /** keeps every frame that it ever got */
  | 'hoards'
  /** sends as if queues had no end */
  | 'pours'
  | 'throws';

const OFFER_EVERY_MS = 5000;
/** frames that it says it would keep */
const HOARD_MAX = 5;

type Then = (event: Event) => void;

class FloodPeer implements SimCore {
  readonly #config: PeerConfig;
  readonly #fault: Fault;
  readonly #context: ReturnType<typeof createMessageContext>;
  readonly #links = new Set<LinkId>();
  readonly #dialled = new Set<string>();
  readonly #messages = new Map<string, Message>();
  readonly #waiting = new Map<Token, Then>();
  readonly #hoard: Bytes[] = [];
  #joined = new Set<string>();
  #effects: Effect[] = [];
  #token = 0;
  #wallMs = 0;

  constructor(config: PeerConfig, fault: Fault) {
    this.#config = config;
    this.#fault = fault;
    this.#context = createMessageContext(config.network, config.sha256);
  }

  handle(event: Event, now: Now): Effect[] {
    this.#effects = [];
    this.#wallMs = now.wallMs;
    this.#on(event);
    return this.#effects;
  }

  footprint(): Footprint {
    return {
      links: { size: this.#links.size, max: LIMITS.linksMax },
      frames: { size: this.#hoard.length, max: HOARD_MAX },
    };
  }

  #on(event: Event): void {
    switch (event.kind) {
      case 'started':
        this.#joined = new Set(event.state.joined.map(({ channel }) => channel));
        this.#emit({ kind: 'timer', timer: { kind: 'second' }, delayMs: OFFER_EVERY_MS });
        break;
      case 'addresses':
        this.#dial(event.addresses.map(({ url }) => url));
        break;
      case 'link-opened':
        this.#links.add(event.link);
        this.#offer([event.link]);
        break;
      case 'link-closed':
        this.#links.delete(event.link);
        return;
      case 'timer':
        this.#emit({ kind: 'timer', timer: event.timer, delayMs: OFFER_EVERY_MS });
        this.#dial([...this.#dialled]);
        this.#offer([...this.#links]);
        break;
      case 'frame-received':
        this.#received(event.link, event.bytes);
        break;
      case 'join':
        this.#join(event);
        break;
      case 'publish':
        this.#publish(event);
        break;
      default:
        if ('token' in event) this.#waiting.get(event.token)?.(event);
    }
  }

  #emit(effect: Effect): void {
    this.#effects.push(effect);
  }

  #ask(make: (token: Token) => Effect, then: Then): void {
    this.#waiting.set(++this.#token, then);
    this.#emit(make(this.#token));
  }

  /** As many links as it likes: a tiny peer has no rule against two. */
  #dial(urls: readonly string[]): void {
    for (const url of urls) {
      this.#dialled.add(url);
      if (this.#links.size < this.#dialled.size) this.#emit({ kind: 'dial', url, scope: 'loopback' });
    }
  }

  #tag(channel: string): string {
    return toBase64url(channelTag(this.#config.sha256, this.#config.network, channel));
  }

  #join(event: Extract<Event, { kind: 'join' }>): void {
    const { channel, request } = event;
    const ops = [{ kind: 'join', channel, tag: this.#tag(channel) }] as const;
    this.#ask(
      (token) => ({ kind: 'persist', token, ops }),
      () => {
        this.#joined.add(channel);
        this.#emit({ kind: 'reply', request, reply: { kind: 'joined', channel, isNew: true } });
      },
    );
  }

  /** Everything it knows; after a restart, what the store has of the joined channels. */
  #offer(links: readonly LinkId[]): void {
    if (links.length === 0) return;
    for (const channel of this.#joined) {
      const ranges = [{ from: FIRST, until: INFINITY }];
      const query = { kind: 'ids', tag: this.#tag(channel), ranges, limit: 1000 } as const;
      this.#ask(
        (token) => ({ kind: 'read', token, query }),
        (event) => {
          if (event.kind !== 'read' || event.answer?.kind !== 'ids') return;
          const [positions = []] = event.answer.positions;
          this.#offerStored(
            links,
            positions.map(({ id }) => id),
          );
        },
      );
    }
    if (this.#fault !== 'keeps-to-itself') this.#push(links, [...this.#messages.values()]);
  }

  #offerStored(links: readonly LinkId[], ids: readonly Bytes[]): void {
    this.#ask(
      (token) => ({ kind: 'read', token, query: { kind: 'messages', ids } }),
      (event) => {
        if (event.kind !== 'read' || event.answer?.kind !== 'messages') return;
        const found = event.answer.messages.flatMap((one) => (one === undefined ? [] : [one.message]));
        for (const message of found) this.#messages.set(message.idText, message);
        if (this.#fault !== 'keeps-to-itself') this.#push(links, found);
      },
    );
  }

  #push(links: readonly LinkId[], messages: readonly Message[]): void {
    for (let at = 0; at < messages.length && links.length > 0; at += 50) {
      const frame = encodeFrame({
        type: 'push',
        root: '',
        keep: false,
        messages: messages.slice(at, at + 50),
      });
      this.#emit({ kind: 'send', links, frame, droppable: true, notify: 0 });
    }
  }

  #publish(event: Extract<Event, { kind: 'publish' }>): void {
    const { identity, channel, body, payload, refs, expiresMs } = event.command;
    const fields = { kind: MESSAGE_KIND.post, author: idFromText(identity) as Bytes, channel, prev: NO_PREV };
    const time = { timeMs: this.#wallMs, counter: ++this.#token };
    const content = { body, payload, refs, expiresMs, nonce: 0 };
    const bytes = encodeSignedBytes(this.#context, { ...fields, ...content, time });
    const unsigned = buildMessage(this.#context, { bytes, signature: new Uint8Array(64), body, payload });
    const items = [{ key: identity, data: signingInput(this.#context, unsigned.id) }];
    this.#ask(
      (token) => ({ kind: 'sign', token, items }),
      (signed) => {
        if (signed.kind !== 'signed') return;
        const [signature] = signed.signatures as [Bytes];
        this.#keep(buildMessage(this.#context, { bytes, signature, body, payload }), event.request);
      },
    );
  }

  #keep(message: Message, request: number): void {
    const own = VerifiedMessage.fromStore(message, StoreReceipt.issue(message.id)) as VerifiedMessage;
    const tag = this.#tag(message.channel);
    const ops = [
      { kind: 'own-message', message: own, tag, idempotencyKey: '', fingerprint: new Uint8Array(32) },
    ] as const;
    const acknowledge = () => {
      const reply = { kind: 'published', id: message.idText, isNew: true } as const;
      this.#emit({ kind: 'reply', request, reply });
    };
    if (this.#fault === 'acknowledges-early') acknowledge();
    if (this.#fault === 'sends-early') this.#push([...this.#links], [message]);
    this.#ask(
      (token) => ({ kind: 'persist', token, ops }),
      () => {
        this.#messages.set(message.idText, message);
        if (this.#fault !== 'acknowledges-early') acknowledge();
        if (this.#fault === 'claims-stored') this.#claim(message.idText, this.#config.peerId);
        this.#push([...this.#links], [message]);
      },
    );
  }

  #claim(id: string, by: string): void {
    this.#emit({ kind: 'delivery', id, state: 'stored', by });
  }

  #received(link: LinkId, bytes: Bytes): void {
    this.#hoard.push(bytes);
    if (this.#fault !== 'hoards' && this.#hoard.length > HOARD_MAX) this.#hoard.shift();
    if (this.#fault === 'pours') this.#pour(link);
    if (this.#fault === 'throws') throw new Error('a bug in the core');
    if (this.#fault === 'accuses') {
      const data = { link, offence: 'malformed' };
      this.#emit({ kind: 'report', level: 'warn', phrase: 'offence', data });
    }
    const frame = decodeFrame(this.#context, bytes);
    if (frame?.type !== 'push') return;
    const fresh = frame.messages.filter(({ idText }) => !this.#messages.has(idText));
    if (fresh.length === 0) return;
    const checks = fresh.map((message) => signatureCheck(this.#context, message));
    this.#ask(
      (token) => ({ kind: 'verify', token, checks }),
      (event) => {
        if (event.kind !== 'verified') return;
        const good = fresh.flatMap((message, i) => {
          const proof = event.proofs[i];
          return proof ? (VerifiedMessage.fromVerification(this.#context, message, proof) ?? []) : [];
        });
        this.#take(link, good);
      },
    );
  }

  #pour(link: LinkId): void {
    const frame = new Uint8Array(LIMITS.frameBytesMax);
    for (let i = 0; i < 64; i++)
      this.#emit({ kind: 'send', links: [link], frame, droppable: false, notify: 0 });
  }

  #take(link: LinkId, good: readonly VerifiedMessage[]): void {
    const kept = this.#fault === 'forges' ? good.map((one) => this.#forge(one)) : good;
    const ops = kept.map((message) => {
      const tag = this.#tag(message.message.channel);
      return { kind: 'message', message, tag } as const;
    });
    const confirm = () => {
      const frame = encodeFrame({ type: 'stored', ids: kept.map(({ message }) => message.id) });
      this.#emit({ kind: 'send', links: [link], frame, droppable: true, notify: 0 });
    };
    if (this.#fault === 'confirms-early') confirm();
    this.#ask(
      (token) => ({ kind: 'persist', token, ops }),
      () => {
        for (const { message } of kept) this.#messages.set(message.idText, message);
        confirm();
        const others = [...this.#links].filter((one) => one !== link);
        if (this.#fault !== 'keeps-to-itself')
          this.#push(
            others,
            kept.map((one) => one.message),
          );
      },
    );
  }

  /** Another body under the author's name, as if the store had vouched for it. */
  #forge(one: VerifiedMessage): VerifiedMessage {
    const { signature, payload } = one.message;
    const body = `${one.message.body}, and send money`;
    const bytes = encodeSignedBytes(this.#context, { ...one.message, body });
    const forged = buildMessage(this.#context, { bytes, signature, body, payload });
    return VerifiedMessage.fromStore(forged, StoreReceipt.issue(forged.id)) as VerifiedMessage;
  }
}

export function floodPeer(fault: Fault = 'none'): CoreFactory {
  return (config) => new FloodPeer(config, fault);
}
