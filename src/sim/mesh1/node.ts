/**
 * A peer of mesh/1, written from the page that says how the first peers really behave, with their faults: it believes
 * what it is told, checks no signature, takes whoever comes first with a message id, rebuilds every message from seven
 * fields, forgets signatures when it stores, and has no defence against a text that is none. It shares no code with the
 * mesh/1 side of the daemon, so that a mistake there meets no twin here.
 */

/** The seven fields that a mesh/1 peer knows. */
export interface Mesh1Post {
  readonly message_id: string;
  readonly channel_id: string;
  readonly sender_id: string;
  readonly body: string;
  readonly payload?: unknown;
  /** ISO 8601 */
  readonly timestamp: string;
  /** standard base64 */
  readonly signature?: string | undefined;
}

export interface Mesh1Options {
  /** base64url of its key, or `peer-xxxxxxxx` where it has none */
  readonly peerId: string;
  readonly relay: boolean;
  readonly store: boolean;
  /** which page it gives where no cursor is named: the sources do not say */
  readonly withoutCursor: 'oldest' | 'newest';
  /** signs as its own key; left out where it has none. @returns standard base64 */
  readonly sign?: (text: string) => string;
}

interface Neighbour {
  /** by us; the side that was dialled answers with its handshake */
  readonly isDialled: boolean;
  hasStore: boolean;
  isShaken: boolean;
  readonly channels: Set<string>;
}

type Json = Record<string, unknown>;

/** It asks for so many, and never gives more than the other. */
const ASK = 100;
const PAGE_MAX = 500;

export class Mesh1Node {
  readonly options: Mesh1Options;
  /** what it shows its bot, in the order in which it came */
  readonly shown: Mesh1Post[] = [];
  readonly errors: string[] = [];
  readonly #send: (link: number, text: string) => void;
  readonly #neighbours = new Map<number, Neighbour>();
  readonly #subscribed = new Set(['lobby']);
  readonly #stored = new Map<string, Mesh1Post>();

  constructor(options: Mesh1Options, send: (link: number, text: string) => void) {
    this.options = options;
    this.#send = send;
  }

  /** What it kept over a restart. */
  restore(posts: readonly Mesh1Post[]): void {
    for (const post of posts) this.#stored.set(post.message_id, post);
  }

  /** Messages that it keeps of a channel. */
  stored(channel: string): Mesh1Post[] {
    const all = [...this.#stored.values()].filter(({ channel_id }) => channel_id === channel);
    return all.sort((a, b) => (a.timestamp < b.timestamp ? -1 : Number(a.timestamp > b.timestamp)));
  }

  get links(): number {
    return [...this.#neighbours.values()].filter(({ isShaken }) => isShaken).length;
  }

  /** Whether a neighbour has subscribed here. */
  hasSubscriber(channel: string): boolean {
    return [...this.#neighbours.values()].some(({ channels }) => channels.has(channel));
  }

  opened(link: number, isDialler: boolean): void {
    this.#neighbours.set(link, {
      isDialled: isDialler,
      hasStore: false,
      isShaken: false,
      channels: new Set(),
    });
    if (isDialler) this.#sayHandshake(link);
  }

  closed(link: number): void {
    this.#neighbours.delete(link);
  }

  #say(link: number, frame: Json): void {
    this.#send(link, JSON.stringify(frame));
  }

  #sayHandshake(link: number): void {
    const { peerId, relay, store } = this.options;
    this.#say(link, { type: 'handshake', version: 1, peer_id: peerId, capabilities: { relay, store } });
  }

  /** A text came in. Throws where it is not what an honest peer says: so did the first one. */
  received(link: number, text: string): void {
    const neighbour = this.#neighbours.get(link);
    if (!neighbour) return;
    const frame: Json = JSON.parse(text);
    const channel = frame.channel_id as string;
    switch (frame.type) {
      case 'handshake':
        return this.#shaken(link, neighbour, frame);
      case 'subscribe':
        neighbour.channels.add(channel);
        return;
      case 'unsubscribe':
        neighbour.channels.delete(channel);
        return;
      case 'message':
        return this.#take(frame as unknown as Mesh1Post, link);
      case 'sync_request':
        return this.#answer(link, channel, frame);
      case 'sync_response':
        for (const post of frame.messages as Mesh1Post[]) this.#keep(post);
        return;
      case 'error':
        this.errors.push(`${String(frame.code)}: ${String(frame.message)}`);
        return;
      default:
        return; // unknown types are ignored
    }
  }

  #shaken(link: number, neighbour: Neighbour, frame: Json): void {
    if (frame.version !== 1)
      return this.#say(link, { type: 'error', code: 'unsupported_version', message: 'version 1 only' });
    const isFirst = !neighbour.isShaken;
    neighbour.isShaken = true;
    neighbour.hasStore = (frame.capabilities as { store: boolean }).store;
    if (!isFirst) return;
    if (!neighbour.isDialled) this.#sayHandshake(link);
    for (const channel of this.#subscribed) this.#ask(link, neighbour, channel);
  }

  #ask(link: number, neighbour: Neighbour, channel: string): void {
    this.#say(link, { type: 'subscribe', channel_id: channel });
    if (neighbour.hasStore)
      this.#say(link, { type: 'sync_request', channel_id: channel, after_message_id: null, limit: ASK });
  }

  subscribe(channel: string): void {
    this.#subscribed.add(channel);
    for (const [link, neighbour] of this.#neighbours)
      if (neighbour.isShaken) this.#ask(link, neighbour, channel);
  }

  unsubscribe(channel: string): void {
    this.#subscribed.delete(channel);
    for (const [link, { isShaken }] of this.#neighbours)
      if (isShaken) this.#say(link, { type: 'unsubscribe', channel_id: channel });
  }

  /** @param id UUID; @param timestamp ISO 8601 */
  publish(post: { id: string; channel: string; body: string; payload?: unknown; timestamp: string }): void {
    const { id, channel, body, payload, timestamp } = post;
    const sender = this.options.peerId;
    const text = JSON.stringify({
      body,
      channel_id: channel,
      message_id: id,
      payload: payload === undefined ? null : JSON.stringify(payload),
      sender_id: sender,
      timestamp,
    });
    const signature = this.options.sign?.(text);
    this.#take(
      { message_id: id, channel_id: channel, sender_id: sender, body, payload, timestamp, signature },
      0,
    );
  }

  /** @returns false where it has one with this id */
  #keep(post: Mesh1Post): boolean {
    if (this.#stored.has(post.message_id)) return false;
    const { message_id, channel_id, sender_id, body, payload, timestamp } = post;
    const kept = { message_id, channel_id, sender_id, body, payload: payload ?? null, timestamp };
    this.#stored.set(message_id, kept);
    if (this.#subscribed.has(channel_id)) this.shown.push(kept);
    return true;
  }

  #take(post: Mesh1Post, from: number): void {
    if (!this.#keep(post)) return;
    const { message_id, channel_id, sender_id, body, payload, timestamp, signature } = post;
    const frame = { type: 'message', message_id, channel_id, sender_id, body, payload, timestamp, signature };
    const mayRelay = from === 0 || this.options.relay;
    for (const [link, { channels }] of this.#neighbours)
      if (mayRelay && link !== from && channels.has(channel_id)) this.#say(link, frame);
  }

  #answer(link: number, channel: string, frame: Json): void {
    const limit = Math.min((frame.limit as number) ?? ASK, PAGE_MAX);
    const all = this.stored(channel);
    const after = frame.after_message_id;
    const at = after === null ? -1 : all.findIndex(({ message_id }) => message_id === after);
    const isNewest = at < 0 && this.options.withoutCursor === 'newest';
    const messages = isNewest ? all.slice(-limit) : all.slice(at + 1, at + 1 + limit);
    this.#say(link, { type: 'sync_response', channel_id: channel, messages });
  }
}
