/**
 * The table of links: at most one per proven peer and none to oneself, kept alive by pings, scored by what the other
 * side does wrong. Other parts send frames through it and never touch sockets.
 */

import { type Bytes, idFromText, toBase64url } from '../bytes.ts';
import type { Context } from '../context.ts';
import type { Event, LinkId } from '../contract.ts';
import { type ErrorCode, isErrorCode } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Footprint } from '../peer-types.ts';
import { encodeFrame, type Frame } from '../wire/frames.ts';
import { encodeErrorText, type Mesh1Hello, parseErrorText } from '../wire/handshake.ts';
import { Contests } from './contests.ts';
import { Handshakes, prefersNewer } from './handshake.ts';
import { type Link, type LinkKind, type Mesh1Listener, nextPing, notePong, type Offence } from './link.ts';
import { Sending, type SendOptions } from './sending.ts';
import { Standing } from './standing.ts';

/** Who is told what happens to links. */
export interface LinkListener {
  /** a proven peer reached us by dialling, whether or not this link stays */
  readonly reached: (link: Link) => void;
  readonly up: (link: Link) => void;
  /** a frame that came before the link was up and was held back */
  readonly frame: (link: Link, bytes: Bytes) => void;
  /** only for links that were up */
  readonly down: (link: Link) => void;
  readonly isRelay: () => boolean;
  readonly isVisit: (url: string) => boolean;
  readonly kindOf: (link: Link) => LinkKind;
  readonly mesh1: () => Mesh1Listener;
  /** any link ended, whether it was up or not; `code` and `reason` are why, `reason` the other side's word if it said any */
  readonly ended: (link: Link, code: ErrorCode | '', reason: string) => void;
}

export class Links {
  readonly #ctx: Context;
  readonly #listener: LinkListener;
  readonly #handshakes: Handshakes;
  readonly #links = new Map<LinkId, Link>();
  readonly #byPeer = new Map<string, Link>();
  readonly standing: Standing;
  readonly #contests: Contests;
  readonly #ownKey: Bytes;
  /** what the other side last said to be wrong */
  readonly #words = new WeakMap<Link, string>();
  readonly #sending: Sending;
  #tickMs = 0;

  constructor(ctx: Context, listener: LinkListener) {
    this.#ctx = ctx;
    this.#listener = listener;
    this.#ownKey = idFromText(ctx.config.peerId) as Bytes;
    this.standing = new Standing(ctx);
    this.#sending = new Sending(ctx);
    this.#contests = new Contests(ctx, {
      send: (link, frame) => this.send(link, frame),
      close: (link, code, detail) => this.close(link, code, detail),
      raise: (link) => this.#raise(link),
      current: (peer) => this.#byPeer.get(peer),
    });
    this.#handshakes = new Handshakes(ctx, {
      isRelay: listener.isRelay,
      isVisit: listener.isVisit,
      isBanned: (peer) => this.standing.isBanned(peer),
      refuse: (link, code, detail) => this.close(link, code, detail),
      mesh1: (link, hello) => this.#mesh1(link, hello),
      proven: (link) => this.#proven(link),
      ownNonces: () => [...this.#links.values()].map((link) => link.nonce),
    });
  }

  opened(event: Extract<Event, { kind: 'link-opened' }>): void {
    this.#links.set(event.link, this.#handshakes.open(event));
    if (this.#links.size > LIMITS.linksMax) {
      const link = this.#links.get(event.link);
      if (link) this.close(link, 'too_many_links', `${LIMITS.linksMax} links`);
    }
  }

  closed(id: LinkId, reason: string): void {
    const link = this.#links.get(id);
    if (!link) return;
    // The socket ended it for a frame over the limit or a broken one: that counts like any malformed frame.
    if (link.phase === 'up' && reason.startsWith('invalid_message')) this.offend(link, 'malformed', reason);
    if (this.#links.has(id)) this.#forget(link, '', reason, this.#words.get(link));
  }

  text(id: LinkId, text: string): void {
    const link = this.#links.get(id);
    if (!link) return;
    if (link.phase === 'mesh1') return this.#listener.mesh1().text(link, text);
    // Whoever refuses us says so in text, and may do that while we already take the link for good.
    const refusal = parseErrorText(text);
    if (refusal) this.#refusedBy(link, refusal);
    else if (link.phase === 'up') this.offend(link, 'malformed', 'text after the handshake');
    else this.#handshakes.text(link, text);
  }

  #refusedBy(link: Link, { code, detail }: { code: string; detail: string }): void {
    this.#ctx.emit({
      kind: 'close',
      link: link.id,
      code: 'invalid_message',
      detail: 'refused by the other side',
    });
    this.#forget(link, isErrorCode(code) ? code : '', `the other side: ${detail}`, wordsOf(code, detail));
  }

  /** @returns the link if it is up and the frame is for the parts above; handshake frames are taken here */
  frame(id: LinkId, bytes: Bytes): Link | undefined {
    const link = this.#links.get(id);
    if (!link) return undefined;
    link.heardMs = this.#ctx.now.monotonicMs;
    if (link.phase === 'up') {
      this.#contests.showsLife(link);
      return link;
    }
    this.#handshakes.frame(link, bytes);
    return undefined;
  }

  /** A peer that speaks mesh/1. What it calls itself proves nothing, so it takes the place of nobody. */
  /** Whether this peer is a relay. */
  get isRelay(): boolean {
    return this.#listener.isRelay();
  }

  #mesh1(link: Link, hello: Mesh1Hello): void {
    if (link.isVisit) return this.close(link, 'unsupported_version', 'a visit is no use here');
    const refusal = this.#listener.mesh1().refusal(link, hello);
    if (refusal) return this.close(link, refusal.code, refusal.detail);
    this.#handshakes.answerMesh1(link);
    // Without a store it is asked for nothing, and so has nothing large to say.
    const textBytesMax = hello.store ? LIMITS.mesh1FirstBytesMax : LIMITS.mesh1BytesMax;
    this.#ctx.emit({ kind: 'mesh1', link: link.id, textBytesMax });
    const { url, role } = link;
    // Who dials us is nobody that we know, and must not be able to fill a log.
    const level = role === 'dialler' ? 'info' : 'debug';
    this.#ctx.report(level, 'link up', { link: link.id, peer: hello.label, url, role, protocol: 'mesh/1' });
    this.#listener.mesh1().up(link, hello);
  }

  #proven(link: Link): void {
    this.standing.proved(link.peer);
    if (link.role === 'responder') this.#listener.reached(link);
    const older = this.#byPeer.get(link.peer);
    if (older) {
      if (older.instance !== link.instance) this.#otherInstance(older, link);
      else if (link.isVisit && !older.isVisit)
        return this.close(link, 'duplicate_link', 'neighbours need no visit');
      else if (older.isVisit && !link.isVisit)
        this.close(older, 'duplicate_link', 'neighbours need no visit');
      else if (prefersNewer(this.#ownKey, older, link))
        this.close(older, 'duplicate_link', 'a newer link took over');
      else return this.#contests.begin(older, link);
    }
    this.#raise(link);
  }

  /** Same key, another start: a restart if the old link is dead, two daemons with one key if it lives. */
  #otherInstance(older: Link, newer: Link): void {
    const alive = this.#ctx.now.monotonicMs - older.heardMs < LIMITS.silenceFastMs;
    if (alive && older.pings > 1) {
      this.#ctx.report('warn', 'two daemons use one peer key', { peer: newer.peer }, 'duplicate_peer');
      this.send(newer, {
        type: 'error',
        code: 'duplicate_peer',
        detail: 'another daemon was linked with this key',
      });
    }
    this.close(older, alive ? 'duplicate_peer' : 'timed_out', 'another start of the same peer took over');
  }

  #raise(link: Link): void {
    const { monotonicMs, wallMs } = this.#ctx.now;
    link.phase = 'up';
    link.upMs = monotonicMs;
    link.upWallMs = wallMs;
    link.heardMs = monotonicMs;
    link.pingedMs = monotonicMs;
    if (!link.carrier) this.#byPeer.set(link.peer, link);
    this.#ctx.report(link.isVisit ? 'debug' : 'info', 'link up', {
      link: link.id,
      peer: link.peer,
      url: link.url || link.theirUrl,
      role: link.role,
      ...(link.isVisit ? { visit: true } : {}),
    });
    this.#listener.up(link);
    // The first one tells how far it is; a standby link has its next one only in 25 seconds.
    if (link.phase === 'up' && !link.isVisit) this.send(link, nextPing(link, monotonicMs));
    for (const bytes of link.early.splice(0)) if (link.phase === 'up') this.#listener.frame(link, bytes);
  }

  /** Ends a link: tells the other side why, then forgets it. `code` '' ends it without a word. */
  close(link: Link, code: ErrorCode | '', detail: string): void {
    if (link.phase === 'closed') return;
    if (code !== '') {
      if (link.phase === 'up') this.send(link, { type: 'error', code, detail: detail.slice(0, 200) });
      else
        this.#ctx.emit({ kind: 'send-text', link: link.id, text: encodeErrorText(code, detail), notify: 0 });
    }
    if (link.carrier) link.carrier.close();
    else
      this.#ctx.emit({ kind: 'close', link: link.id, code: code === '' ? 'invalid_message' : code, detail });
    this.#forget(link, code, detail);
  }

  /** Whether there may be no other one. */
  get isFull(): boolean {
    return this.#links.size >= LIMITS.linksMax;
  }

  /** A link that others carry is up: nobody proved who is there, so it takes the place of nobody. */
  attach(link: Link): void {
    this.#links.set(link.id, link);
    this.#raise(link);
  }

  /** @param words the other side's, if it is the one that ended it */
  #forget(link: Link, code: ErrorCode | '', reason: string, words = reason): void {
    const { phase } = link;
    const wasUp = phase === 'up' || phase === 'mesh1';
    link.phase = 'closed';
    this.#links.delete(link.id);
    if (this.#byPeer.get(link.peer) === link) this.#byPeer.delete(link.peer);
    const data = { link: link.id, peer: link.peer, url: link.url, reason: reason.slice(0, 200) };
    const phrase = wasUp ? 'link down' : 'link refused';
    // Strangers that knock and fail are no news, nor are visits, and must not be able to fill a log.
    const level = !link.isVisit && (phase === 'up' || link.role === 'dialler') ? 'info' : 'debug';
    if (code === '') this.#ctx.report(level, phrase, data);
    else this.#ctx.report(level, phrase, data, code);
    if (phase === 'up') this.#listener.down(link);
    else if (phase === 'mesh1') this.#listener.mesh1().down(link);
    this.#listener.ended(link, code, words);
  }

  /** Counts what the sender could have known to be wrong; too much of it keeps the peer out for an hour. */
  offend(link: Link, offence: Offence, detail: string, code: ErrorCode = 'invalid_message'): void {
    if (link.phase === 'closed') return;
    // Nobody proved who is there, and a mesh/1 relay passes on what it cannot check.
    if (link.phase === 'mesh1') {
      this.#ctx.report('debug', 'offence', { link: link.id, protocol: 'mesh/1', offence, detail }, code);
      return this.#listener.mesh1().offence(link);
    }
    if (link.carrier) return this.close(link, code, detail);
    const count = this.standing.count(link.peer);
    this.#ctx.report('warn', 'offence', { link: link.id, peer: link.peer, offence, detail, count }, code);
    const { banThreshold } = this.#ctx.config;
    if (banThreshold > 0 && count >= banThreshold) {
      this.standing.ban(link.peer);
      this.close(link, 'banned', 'too many offences');
    } else {
      this.send(link, { type: 'error', code, detail });
    }
  }

  send(link: Link, frame: Frame, options: SendOptions = {}): void {
    this.sendBytes([link], encodeFrame(frame), options);
  }

  /** One serialisation for all links. */
  sendBytes(links: readonly Link[], frame: Bytes, options: SendOptions = {}): void {
    this.#sending.bytes(links, frame, options);
  }

  /** A text for a mesh/1 peer. */
  sendText(link: Link, text: string, onFlushed?: (link: Link) => void): void {
    this.#sending.text(link, text, onFlushed);
  }

  /** A frame has left our queue. */
  flushed(id: LinkId, notify: number): void {
    const link = this.#links.get(id);
    if (link) this.#sending.flushed(link, notify);
  }

  /** Handles the frames that concern the link itself. @returns whether the frame was one */
  control(link: Link, frame: Frame): boolean {
    if (frame.type === 'ping') this.send(link, { type: 'pong', n: frame.n });
    else if (frame.type === 'pong') notePong(link, frame.n, this.#ctx.now.monotonicMs);
    else if (frame.type === 'error') this.#told(link, frame.code, frame.detail);
    else if (frame.type === 'auth') this.offend(link, 'unasked', 'a second auth');
    else return false;
    return true;
  }

  #told(link: Link, code: string, detail: string): void {
    this.#words.set(link, wordsOf(code, detail));
    // What comes through a tunnel nobody has proven to have said.
    const level = link.isVisit ? 'debug' : code === 'duplicate_peer' ? 'error' : 'info';
    const data = { link: link.id, peer: link.peer, code: code.slice(0, 64), detail: detail.slice(0, 200) };
    if (level === 'error')
      this.#ctx.report(level, 'another daemon uses our peer key', data, 'duplicate_peer');
    else this.#ctx.report(level, 'the other side reports an error', data);
  }

  /** Once a second: handshakes that take too long, pings, silence. */
  tick(): void {
    const now = this.#ctx.now.monotonicMs;
    const stalledMs = this.#tickMs === 0 ? 0 : Math.max(0, now - this.#tickMs - 1000);
    this.#tickMs = now;
    if (stalledMs > 500) this.#forgive(stalledMs);
    for (const link of [...this.#links.values()]) {
      if (this.#handshakes.isLate(link) && !this.#contests.isNewer(link))
        this.close(link, 'handshake_timeout', `not proven after ${LIMITS.handshakeMs} ms`);
      else if (link.phase === 'up' && !link.carrier) this.#keepAlive(link, now);
    }
    this.#contests.settle();
    this.standing.tick();
  }

  /** A tick that comes late means that we stood still: silence and delay during that time are nobody's fault. */
  #forgive(stalledMs: number): void {
    const later = (ms: number): number => Math.min(this.#ctx.now.monotonicMs, ms + stalledMs);
    for (const link of this.#links.values()) {
      link.heardMs = later(link.heardMs);
      link.openedMs = later(link.openedMs);
    }
    this.#contests.forgive(later);
  }

  #keepAlive(link: Link, now: number): void {
    const kind = this.#listener.kindOf(link);
    const fast = kind === 'overlay' || kind === 'home-live' || (kind === 'leaf' && link.remoteLive);
    if (link.pausedUntilMs > now) link.heardMs = now; // its silence is our doing
    if (now - link.heardMs > (fast ? LIMITS.silenceFastMs : LIMITS.silenceSlowMs))
      return this.close(link, 'timed_out', `silent for ${Math.round(now - link.heardMs)} ms`);
    if (now - link.pingedMs < (fast ? LIMITS.pingFastMs : LIMITS.pingSlowMs) - 100) return;
    this.send(link, nextPing(link, now));
  }

  /** Links with neighbours that are up: all but visits. */
  all(): Link[] {
    return [...this.#byPeer.values()].filter(({ isVisit }) => !isVisit);
  }

  /** Visits that are up, ours and those of others. */
  visits(): Link[] {
    return [...this.#links.values()].filter(({ isVisit, phase }) => isVisit && phase === 'up');
  }

  /** Neighbours, and then visits. */
  withVisits(): Link[] {
    return [...this.all(), ...this.visits()];
  }

  get(id: LinkId): Link | undefined {
    const link = this.#links.get(id);
    return link?.phase === 'up' ? link : undefined;
  }

  footprint(): Footprint {
    return {
      links: { size: this.#links.size, max: LIMITS.linksMax },
      ...this.standing.footprint(),
    };
  }

  /** The link with this neighbour; a visit makes no neighbour. */
  withPeer(peer: string): Link | undefined {
    const link = this.#byPeer.get(peer);
    return link?.isVisit ? undefined : link;
  }

  /** links that are up or may still be, without those of mesh/1 */
  get mesh2Size(): number {
    let size = 0;
    for (const { phase } of this.#links.values()) if (phase !== 'mesh1') size++;
    return size;
  }
}

/** What the other side says to be wrong, as short text. */
function wordsOf(code: string, detail: string): string {
  return [code, detail]
    .filter((part) => part !== '')
    .join(': ')
    .slice(0, 200);
}

/** Short id of a peer as trees and copies carry it: the first 8 bytes of its key, as text. */
export function shortId(peer: string): string {
  return toBase64url((idFromText(peer) as Bytes).subarray(0, 8));
}
