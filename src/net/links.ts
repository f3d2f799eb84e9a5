/**
 * The links of a daemon: owns the listener and all sockets, turns what happens on them into events of the core and
 * carries out the core's effects on them. Knows nothing of what the frames mean.
 *
 * 1. No method calls `onEvent` before it returns: effects of one event are all executed before the next event.
 * 2. Each `dial` is answered by `link-opened` or `dial-failed`, each `link-opened` by one `link-closed`; between its
 *    own `close` and `link-closed` nothing is received from a link.
 * 3. Nothing that the other side sends throws: it ends its own link at most.
 * 4. A frame that was dropped, or whose link ended first, is not answered with `link-flushed`.
 */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Bytes } from '../core/bytes.ts';
import type { Droppable, Event, LinkId, Scope } from '../core/contract.ts';
import type { ErrorCode } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { createOpener, createSealer, type Opener, type SessionKeys } from '../crypto/index.ts';
import { createAdmission, type Ticket } from './admission.ts';
import { type Dial, dialPeer } from './dialer.ts';
import type { Resolve } from './guard.ts';
import { hostOfIp, scopeOfIp } from './ip-scope.ts';
import { LinkSocket } from './link-socket.ts';
import type { Listening, ListenOptions } from './listen.ts';
import { NET_LIMITS } from './net-limits.ts';
import { createPeerPort } from './peer-port.ts';

/** The core's socket events. */
export type LinkEvent = Extract<
  Event,
  {
    kind: 'link-opened' | 'dial-failed' | 'text-received' | 'frame-received' | 'link-flushed' | 'link-closed';
  }
>;

/** Defaults are those of the tables; a test or bench that changes one names it here. */
export interface LinkLimits {
  readonly linksMax: number;
  readonly handshakesMax: number;
  readonly handshakesPerAddressMax: number;
  readonly outboundReserved: number;
  readonly diallingMax: number;
  readonly handshakeMs: number;
  readonly handshakeBytesMax: number;
  readonly linkQueueBytesMax: number;
  readonly ephemeralLinkQueueBytes: number;
  readonly linkQueueBytesClose: number;
  readonly closeMs: number;
}

export interface LinkNetOptions {
  readonly onEvent: (event: LinkEvent) => void;
  /** makes the X25519 key of a link and keeps its private half; returns the public one, 32 bytes */
  readonly createEphemeral: (link: LinkId) => Bytes;
  /** the list of peers for an asker that is so close, plain JSON (schema in docs/reference/bootstrap.md) */
  readonly bootstrapDocument: (asker: Scope) => object;
  readonly limits?: Partial<LinkLimits>;
  /** scopes in which unfinished handshakes are counted per address; default: public only */
  readonly countedScopes?: readonly Scope[];
  /** reverse proxies of the operator in front of the port, 0 to 8; default 0: see `asker.ts` */
  readonly trustProxy?: number;
  /** name resolution of dials; default `dns.lookup` */
  readonly resolve?: Resolve;
}

export interface LinkStats {
  /** open links, by who began them */
  readonly inbound: number;
  readonly outbound: number;
  /** links for which `markUp` was called */
  readonly up: number;
  /** accepted sockets, with those that are no link (yet) */
  readonly accepted: number;
  readonly dialling: number;
  /** accepted sockets closed at once, over the limits */
  readonly refused: number;
  /** failures of accepting, e.g. no file descriptors left */
  readonly acceptErrors: number;
  /** bytes that wait to be sent, over all links */
  readonly queuedBytes: number;
  readonly droppedFrames: number;
  readonly droppedBytes: number;
  /** links closed because they did not read */
  readonly tooSlow: number;
}

export interface LinkNet {
  /** Opens the port. @throws MeshError `port_in_use` or `bad_option` */
  listen(options: ListenOptions): Promise<Listening>;
  /** Dials an address that has to be at least as public as `minScope`; `loopback` is what the operator named. */
  dial(url: string, minScope: Scope): void;
  /** @param notify number for `link-flushed`, 0 for none, as it is without it */
  sendText(link: LinkId, text: string, notify?: number): void;
  /** The link speaks mesh/1: its handshake is done, its texts may have so many bytes, and it must show life. */
  mesh1(link: LinkId, textBytesMax: number): void;
  /** Queues one frame for many links without copying it; it must not be changed afterwards. */
  send(
    links: readonly LinkId[],
    frame: Bytes,
    options: { readonly droppable: Droppable; readonly notify: number },
  ): void;
  close(link: LinkId, code: ErrorCode, detail: string): void;
  /** stops reading a link for `delayMs` (1 to 2^31 - 1): the other side's queue and then TCP hold the rest back */
  pause(link: LinkId, delayMs: number): void;
  /**
   * From now on what is sent and received over this link are records sealed with these keys.
   * @returns what opens the records that came before, in order; undefined if the link is gone
   */
  seal(link: LinkId, keys: SessionKeys): Opener | undefined;
  /** The handshake of this link is done: it no longer takes a place among the unfinished ones. */
  markUp(link: LinkId): void;
  /** Closes everything with `stopping`; resolves when all sockets are gone. `link-closed` events still come. */
  shutdown(): Promise<void>;
  stats(): LinkStats;
}

interface Link {
  readonly socket: LinkSocket;
  readonly role: 'dialler' | 'responder';
  readonly ticket: Ticket | undefined;
  /** runs out if nobody calls `markUp` */
  readonly patience: NodeJS.Timeout;
  isUp: boolean;
}

/** Where a new link leads. */
interface Opened {
  /** the URL that was dialled, '' if the other side dialled */
  readonly url: string;
  readonly scope: Scope;
  /** of the other end, '' if the socket is gone already */
  readonly ip: string;
  readonly ticket: Ticket | undefined;
}

/** A place that somebody else's address comes from counts as public when it is unknown: that allows them least. */
function scopeOfSocket(socket: Socket): Scope {
  return socket.remoteAddress === undefined ? 'public' : scopeOfIp(socket.remoteAddress);
}

/** Creates the links of one daemon; nothing is opened before `listen` or `dial`. */
export function createLinkNet(options: LinkNetOptions): LinkNet {
  const limits: LinkLimits = { ...LIMITS, ...NET_LIMITS, ...options.limits };
  return new Links(options, limits);
}

class Links implements LinkNet {
  readonly #options: LinkNetOptions;
  readonly #limits: LinkLimits;
  readonly #admission;
  readonly #port;
  readonly #links = new Map<LinkId, Link>();
  readonly #dials = new Set<Dial>();
  readonly #counters = { droppedFrames: 0, droppedBytes: 0, tooSlow: 0 };
  #lastLink: LinkId = 0;
  #outbound = 0;
  #stopped: Promise<void> | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(options: LinkNetOptions, limits: LinkLimits) {
    this.#options = options;
    this.#limits = limits;
    this.#admission = createAdmission({
      ...limits,
      perAddressMax: limits.handshakesPerAddressMax,
      countedScopes: options.countedScopes ?? ['public'],
    });
    this.#port = createPeerPort({
      admission: this.#admission,
      outbound: () => this.#dials.size + this.#outbound,
      bootstrapDocument: options.bootstrapDocument,
      handshakeMs: limits.handshakeMs,
      trustProxy: options.trustProxy ?? 0,
      onLink: (ws, socket, ticket, { ip, scope }) => this.#open(ws, socket, { url: '', scope, ip, ticket }),
    });
  }

  listen(where: ListenOptions): Promise<Listening> {
    return this.#port.listen(where);
  }

  dial(url: string, minScope: Scope): void {
    const refusal = this.#dialRefusal();
    if (refusal !== undefined) {
      queueMicrotask(() => this.#options.onEvent({ kind: 'dial-failed', url, reason: refusal }));
      return;
    }
    const dial: Dial = dialPeer({
      url,
      minScope,
      timeoutMs: this.#limits.handshakeMs,
      resolve: this.#options.resolve,
      onOpen: (ws, socket) => {
        this.#dials.delete(dial);
        const ip = socket.remoteAddress ?? '';
        this.#open(ws, socket, { url, scope: scopeOfSocket(socket), ip, ticket: undefined });
      },
      onFailed: (reason) => {
        this.#dials.delete(dial);
        this.#settle();
        this.#options.onEvent({ kind: 'dial-failed', url, reason });
      },
    });
    this.#dials.add(dial);
    this.#port.adjust();
  }

  #dialRefusal(): string | undefined {
    if (this.#stopped !== undefined) return 'stopping';
    if (this.#dials.size >= this.#limits.diallingMax)
      return `too_many_links: ${this.#dials.size} dials in progress`;
    const sockets = this.#dials.size + this.#outbound + this.#admission.counts().accepted;
    return sockets >= this.#limits.linksMax ? `too_many_links: ${sockets} sockets are open` : undefined;
  }

  #open(ws: WebSocket, raw: Socket, { url, scope, ip, ticket }: Opened): void {
    const id = ++this.#lastLink;
    const { onEvent } = this.#options;
    const role = ticket === undefined ? 'dialler' : 'responder';
    const socket = new LinkSocket(ws, raw, this.#limits, {
      onText: (text) => onEvent({ kind: 'text-received', link: id, text }),
      onFrame: (bytes) => onEvent({ kind: 'frame-received', link: id, bytes }),
      onClosed: (reason) => this.#gone(id, reason),
    });
    // The core ends an unfinished handshake itself, with a better word; this is the net below it.
    const patience = setTimeout(
      () => socket.close('handshake_timeout', 'not finished'),
      2 * this.#limits.handshakeMs,
    );
    this.#links.set(id, { socket, role, ticket, patience, isUp: false });
    if (role === 'dialler') this.#outbound += 1;
    const ephemeral = this.#options.createEphemeral(id);
    const nonce = new Uint8Array(randomBytes(16));
    onEvent({ kind: 'link-opened', link: id, role, url, scope, host: hostOfIp(ip), nonce, ephemeral });
    if (this.#stopped !== undefined) socket.close('stopping', '');
  }

  #gone(id: LinkId, reason: string): void {
    const link = this.#links.get(id);
    if (link === undefined) return;
    clearTimeout(link.patience);
    this.#links.delete(id);
    if (link.role === 'dialler') this.#outbound -= 1;
    if (reason.startsWith('too_slow')) this.#counters.tooSlow += 1;
    this.#settle();
    this.#options.onEvent({ kind: 'link-closed', link: id, reason });
  }

  #settle(): void {
    this.#port.adjust();
    if (this.#links.size === 0 && this.#dials.size === 0) this.#onEmpty?.();
  }

  sendText(link: LinkId, text: string, notify = 0): void {
    this.#links.get(link)?.socket.send(text, false, this.#flushed(link, notify));
  }

  /** What tells the core that a frame has left. */
  #flushed(id: LinkId, notify: number): (() => void) | undefined {
    if (notify === 0) return undefined;
    return () => {
      if (this.#links.has(id)) this.#options.onEvent({ kind: 'link-flushed', link: id, notify });
    };
  }

  mesh1(link: LinkId, textBytesMax: number): void {
    this.markUp(link);
    this.#links.get(link)?.socket.mesh1(textBytesMax);
  }

  send(
    links: readonly LinkId[],
    frame: Bytes,
    { droppable, notify }: { readonly droppable: Droppable; readonly notify: number },
  ): void {
    const shared = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
    for (const id of links) {
      const link = this.#links.get(id);
      if (link === undefined) continue;
      if (link.socket.send(shared, droppable, this.#flushed(id, notify)) === 'dropped') {
        this.#counters.droppedFrames += 1;
        this.#counters.droppedBytes += shared.length;
      }
    }
  }

  close(link: LinkId, code: ErrorCode, detail: string): void {
    this.#links.get(link)?.socket.close(code, detail);
  }

  pause(link: LinkId, delayMs: number): void {
    this.#links.get(link)?.socket.pause(delayMs);
  }

  seal(id: LinkId, keys: SessionKeys): Opener | undefined {
    const link = this.#links.get(id);
    if (link === undefined) return undefined;
    const isDialler = link.role === 'dialler';
    const open = createOpener(isDialler ? keys.responder : keys.dialler);
    link.socket.seal(createSealer(isDialler ? keys.dialler : keys.responder), open);
    return open;
  }

  markUp(id: LinkId): void {
    const link = this.#links.get(id);
    if (link === undefined || link.isUp) return;
    link.isUp = true;
    clearTimeout(link.patience);
    link.ticket?.up();
    this.#port.adjust();
  }

  shutdown(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    // Everything below must see that we are stopping, and events must not come from within `shutdown`.
    await Promise.resolve();
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    for (const dial of [...this.#dials]) dial.abort('stopping');
    for (const link of this.#links.values()) link.socket.close('stopping', '');
    const closed = this.#port.stop();
    this.#settle();
    await Promise.all([empty, closed]);
  }

  stats(): LinkStats {
    let queuedBytes = 0;
    let up = 0;
    for (const link of this.#links.values()) {
      queuedBytes += link.socket.queuedBytes;
      if (link.isUp) up += 1;
    }
    return {
      inbound: this.#links.size - this.#outbound,
      outbound: this.#outbound,
      up,
      accepted: this.#admission.counts().accepted,
      dialling: this.#dials.size,
      ...this.#port.stats(),
      queuedBytes,
      ...this.#counters,
    };
  }
}
