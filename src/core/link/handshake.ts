/**
 * From an open socket to a proven peer: handshake texts, then `auth` frames signed by the peer keys, then the X25519
 * agreement. Invariants:
 * 1. Before a link is up nothing is accepted but the one frame that is due; anything else closes it.
 * 2. The signature covers role, both handshake texts, the instance number and the dialled URL, so that it is worth
 *    nothing on any other link (protocol design, section 4).
 * 3. A peer id is believed only once its `auth` has been verified.
 * 4. A link over a network is sealed, unless TLS does it: both texts say so, and `auth` covers them, so nobody on the way
 *    can talk two peers out of it.
 * 5. A peer that knows its public URL takes only diallers that meant this URL. Whoever answers at another one and hands
 *    our texts through (a relayed handshake) would otherwise stand between the two ends of a link that both believe.
 */
import { type Bytes, compare, equal, idFromText, toBase64url, utf8 } from '../bytes.ts';
import type { Context } from '../context.ts';
import type { Event } from '../contract.ts';
import type { ErrorCode } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { isUsablePoint } from '../message/signature.ts';
import { decodeFrame, encodeFrame } from '../wire/frames.ts';
import { encodeHandshake, type Mesh1Hello, parseHandshake } from '../wire/handshake.ts';
import { forgetHandshake, type Link, newLink } from './link.ts';

/** What the handshake needs of its surroundings. */
export interface HandshakeHost {
  readonly isRelay: () => boolean;
  /** whether we dial this URL for a visit */
  readonly isVisit: (url: string) => boolean;
  readonly isBanned: (peer: string) => boolean;
  /** refuse with an error text and close */
  readonly refuse: (link: Link, code: ErrorCode, detail: string) => void;
  /** the other side speaks mesh/1; {@link Handshakes.answerMesh1} takes it */
  readonly mesh1: (link: Link, hello: Mesh1Hello) => void;
  /** the link is proven */
  readonly proven: (link: Link) => void;
  /** nonces of own open links: one of them coming back means that we dialled ourselves */
  readonly ownNonces: () => Iterable<Bytes>;
}

const AUTH_FRAME_MAX = 1024;

/** Words of `features`: this side can seal a link; this one has to be; the dialler came over TLS; it comes for a visit. */
const FEATURE = { seal: 'seal', sealThis: 'seal-this', tls: 'tls', visit: 'visit' } as const;

/** Canonical URLs that lead to the dialler's own host, whatever a name server says (RFC 6761 section 6.3). */
const OWN_HOST = /^wss?:\/\/(?:127(?:\.\d{1,3}){3}|\[::1\]|(?:[^/:@?\\]*\.)?localhost)(?::\d+)?\//;

export class Handshakes {
  readonly #ctx: Context;
  readonly #host: HandshakeHost;

  constructor(ctx: Context, host: HandshakeHost) {
    this.#ctx = ctx;
    this.#host = host;
  }

  open(event: Extract<Event, { kind: 'link-opened' }>): Link {
    const isVisit = event.role === 'dialler' && this.#host.isVisit(event.url);
    const link = newLink({ ...event, id: event.link, isVisit }, this.#ctx.now.monotonicMs);
    if (link.role === 'dialler') this.#sendHandshake(link);
    return link;
  }

  #sendHandshake(link: Link): void {
    link.ownText = encodeHandshake({
      peer: this.#ctx.config.peerId,
      relay: this.#host.isRelay(),
      network: this.#ctx.config.network,
      nonce: link.nonce,
      ephemeral: link.ephemeral,
      features: this.#features(link),
      agent: this.#ctx.config.agent,
    });
    this.#ctx.emit({ kind: 'send-text', link: link.id, text: link.ownText, notify: 0 });
  }

  /** What a link must be, as far as this side knows: sealed over a network, unless TLS does it already. */
  #needsSeal(link: Link): boolean {
    return !link.isTls && (link.scope !== 'loopback' || this.#ctx.config.sealLoopback);
  }

  #features(link: Link): string[] {
    const needed = this.#needsSeal(link) ? [FEATURE.sealThis] : [];
    if (link.role === 'responder') return [FEATURE.seal, ...needed];
    const [tls, visit] = [link.isTls ? [FEATURE.tls] : [], link.isVisit ? [FEATURE.visit] : []];
    return [FEATURE.seal, ...needed, ...tls, ...visit];
  }

  text(link: Link, text: string): void {
    if (link.phase !== 'handshake')
      return this.#host.refuse(link, 'invalid_message', 'text after the handshake');
    const result = parseHandshake(text);
    if (!result.ok) return this.#host.refuse(link, result.code, result.detail);
    if ('mesh1' in result) return this.#host.mesh1(link, result.mesh1);
    const theirs = result.handshake;
    if (theirs.network !== this.#ctx.config.network)
      return this.#host.refuse(link, 'wrong_network', `this is network ${this.#ctx.config.network}`);
    const key = idFromText(theirs.peer) as Bytes;
    if (!isUsablePoint(key)) return this.#host.refuse(link, 'unauthorized', 'peer_id is not a usable key');
    if (
      theirs.peer === this.#ctx.config.peerId ||
      [...this.#host.ownNonces()].some((n) => equal(n, theirs.nonce))
    )
      return this.#host.refuse(link, 'self_link', 'this is the same daemon');
    if (this.#host.isBanned(theirs.peer)) return this.#host.refuse(link, 'banned', 'come back in an hour');
    link.theirText = text;
    link.peerKey = key;
    link.theirEphemeral = theirs.ephemeral;
    link.remoteRelay = theirs.relay;
    link.agent = theirs.agent;
    // What a dialler says of TLS is its own affair: who lies lays open its own link, and nobody on the way can change it.
    if (link.role === 'responder') {
      link.isTls = theirs.features.includes(FEATURE.tls);
      link.isVisit = theirs.features.includes(FEATURE.visit);
    }
    link.isSealed = this.#needsSeal(link) || theirs.features.includes(FEATURE.sealThis);
    if (link.isSealed && !theirs.features.includes(FEATURE.seal))
      return this.#host.refuse(link, 'unsupported_version', 'this link has to be sealed');
    link.phase = 'auth';
    if (link.role === 'responder') this.#sendHandshake(link);
    this.#sendAuth(link);
  }

  /** The link is one of mesh/1 from now on. */
  answerMesh1(link: Link): void {
    if (link.role === 'responder') this.#sendHandshake(link);
    link.phase = 'mesh1';
    link.upMs = this.#ctx.now.monotonicMs;
    link.upWallMs = this.#ctx.now.wallMs;
  }

  #texts(link: Link): Bytes {
    const dialler = link.role === 'dialler' ? link.ownText : link.theirText;
    const responder = link.role === 'dialler' ? link.theirText : link.ownText;
    const out = new Uint8Array(64);
    out.set(this.#ctx.config.sha256(utf8(dialler)), 0);
    out.set(this.#ctx.config.sha256(utf8(responder)), 32);
    return out;
  }

  #authData(link: Link, role: 'dialler' | 'responder', instance: Bytes, url: string): Bytes {
    return this.#ctx.signed('auth', utf8(`${role}\0`), this.#texts(link), instance, utf8(url));
  }

  #sendAuth(link: Link): void {
    const { instance } = this.#ctx.config;
    const url = link.role === 'dialler' ? link.url : '';
    this.#ctx.sign([{ key: 'peer', data: this.#authData(link, link.role, instance, url) }], ([signature]) => {
      if (link.phase === 'closed' || signature === undefined) return;
      const frame = encodeFrame({ type: 'auth', instance, url, signature });
      this.#ctx.emit({ kind: 'send', links: [link.id], frame, droppable: false, notify: 0 });
      link.hasSentAuth = true;
      if (link.phase === 'agreeing') this.#agree(link);
    });
  }

  /**
   * Both proofs are done: theirs is checked, ours has left. Only now, because from the agreement on everything that leaves
   * is sealed, and `auth` is not. What came early is opened by whoever has the keys.
   */
  #agree(link: Link): void {
    const transcript = this.#ctx.config.sha256(this.#texts(link));
    const { isSealed } = link;
    const early = link.early.splice(0);
    const asked = { link: link.id, publicKey: link.theirEphemeral, transcript, isSealed, early };
    this.#ctx.agree(asked, (answer) => {
      if (link.phase !== 'agreeing') return;
      if (!answer.ok) return this.#host.refuse(link, answer.code, answer.detail);
      link.early.unshift(...answer.early);
      forgetHandshake(link);
      this.#host.proven(link);
    });
  }

  /** A binary frame on a link that is not up yet. */
  frame(link: Link, bytes: Bytes): void {
    if (link.instance !== '') return this.#holdBack(link, bytes);
    const frame = bytes.length <= AUTH_FRAME_MAX ? decodeFrame(this.#ctx.messages, bytes) : undefined;
    if (link.phase !== 'auth' || frame?.type !== 'auth')
      return this.#host.refuse(link, 'invalid_message', 'expected auth');
    if (link.role === 'dialler' && frame.url !== '')
      return this.#host.refuse(link, 'invalid_message', 'a responder names no URL');
    if (link.role === 'responder' && !this.#isMeant(link, frame.url))
      return this.#host.refuse(link, 'unauthorized', `dial ${this.#ctx.config.publicUrl}, and no other URL`);
    link.instance = toBase64url(frame.instance);
    link.theirUrl = frame.url;
    const theirRole = link.role === 'dialler' ? 'responder' : 'dialler';
    const data = this.#authData(link, theirRole, frame.instance, frame.url);
    this.#ctx.verify([{ data, signature: frame.signature, publicKey: link.peerKey }], ([proof]) => {
      if (link.phase !== 'auth') return;
      if (!proof) return this.#host.refuse(link, 'unauthorized', 'auth is not signed by the key of peer_id');
      link.phase = 'agreeing';
      link.peer = toBase64url(link.peerKey);
      if (link.hasSentAuth) this.#agree(link);
    });
  }

  /**
   * Whether a dialler of `url` meant us. Without a public URL nobody can tell.
   *
   * On our own host a second daemon may dial us directly, past proxy and certificate. Both have to be so: the socket
   * comes from loopback, and the dialler meant its own host. The first alone would let everybody in who comes through a
   * proxy on this host that nobody told us to trust; with the second a relayed handshake needs somebody who listens on
   * the dialler's own host as well. Private addresses have no such exception: in every office somebody has 192.168.0.5.
   */
  #isMeant(link: Link, url: string): boolean {
    const { publicUrl } = this.#ctx.config;
    return publicUrl === '' || url === publicUrl || (link.scope === 'loopback' && OWN_HOST.test(url));
  }

  /** The other side may be through with our proof before we are with its: its first frames wait, within bounds. */
  #holdBack(link: Link, bytes: Bytes): void {
    link.early.push(bytes);
    link.earlyBytes += bytes.length;
    if (link.early.length > LIMITS.earlyFramesMax || link.earlyBytes > LIMITS.earlyBytesMax)
      this.#host.refuse(link, 'invalid_message', 'too much before the proof');
  }

  /** True if a link has taken too long to prove itself. */
  isLate(link: Link): boolean {
    if (link.phase === 'up' || link.phase === 'mesh1') return false;
    return this.#ctx.now.monotonicMs - link.openedMs > LIMITS.handshakeMs;
  }
}

/** Whether the link that `older` and `newer` peers share should be the newer one (protocol design, section 4). */
export function prefersNewer(ownKey: Bytes, older: Link, newer: Link): boolean {
  if (older.role === newer.role) return true;
  const diallerIsUs = compare(ownKey, newer.peerKey) < 0;
  return (newer.role === 'dialler') === diallerIsUs;
}
