/**
 * Dissemination. A message enters at its author's live relay, the root; every relay pushes it to its children in the
 * root's shortest-path tree below which somebody is interested, and to its live leaves that want it (eager push). Off
 * the tree, holders announce ids to interested neighbours, and whoever lacks one asks for it (lazy push).
 *
 * Invariants:
 * 1. A message is forwarded at most once per (id, root) and delivered to a leaf at most once per id.
 * 2. Nothing is sent back over the link that it came by.
 * 3. Only verified messages are forwarded; a message of a local identity only once it is durable.
 */

import { type Bytes, toBase64url } from '../bytes.ts';
import type { Context } from '../context.ts';
import type { Interest } from '../interest/interest.ts';
import { LIMITS } from '../limits.ts';
import { type Link, nameOf } from '../link/link.ts';
import type { Links } from '../link/links.ts';
import type { Membership } from '../membership/membership.ts';
import type { Message } from '../message/message.ts';
import type { VerifiedMessage } from '../message/verified.ts';
import type { Footprint } from '../peer-types.ts';
import type { Chained, Holding } from '../persistence.ts';
import type { Retention } from '../retention/retention.ts';
import type { Fetcher } from '../sync/fetcher.ts';
import type { Frame } from '../wire/frame.ts';
import { Admission, type Arrival, type IntakeHost } from './admission.ts';
import { AuthorRates } from './author-rates.ts';
import { Burial } from './burial.ts';
import { Gaps } from './gaps.ts';
import { Homes } from './homes.ts';
import { Origins } from './origins.ts';
import { Outbound, targetOf } from './outbound.ts';
import { Routes } from './routes.ts';
import { SeenMessages } from './seen.ts';
import { type Asked, Wanted } from './wanted.ts';

/** Roots under which a first delivery to leaves is booked: not a peer id, so it meets no tree. */
const DELIVERED = 'leaves';

/** Whether a message has still to come. */
function isLacking(holding: Holding | undefined): boolean {
  return holding === 'unknown' || holding === 'named' || holding === 'wanted';
}

export interface GossipParts {
  readonly links: Links;
  readonly membership: Membership;
  readonly interest: Interest;
  readonly fetcher: Fetcher;
  readonly retention: Retention;
}

export class Gossip {
  readonly seen = new SeenMessages();
  readonly outbound: Outbound;
  readonly origins: Origins;
  readonly routes: Routes;
  readonly gaps: Gaps;
  readonly #rates: AuthorRates;
  readonly #wanted: Wanted;
  readonly #retention: Retention;
  readonly #ctx: Context;
  readonly #links: Links;
  readonly #membership: Membership;
  readonly #interest: Interest;
  readonly #fetcher: Fetcher;
  readonly #admission: Admission;
  readonly #burial: Burial;
  readonly #homes: Homes;
  readonly #toAnnounce = new Map<Link, Bytes[]>();
  /**
   * Told of each verified message when it passes, and once more when it is durable here: who asked in between, and was
   * shown what was durable then, would miss it. `from`: the link that it came by, or where else it comes from.
   */
  onPassing: (message: VerifiedMessage, from: Link | 'own' | 'store') => void = () => undefined;
  /** told of each message that is newly durable here and is not our own */
  onStored: (message: Message) => void = () => undefined;
  readonly #announced = new Map<string, { id: Bytes; links: Link[]; dueMs: number }>();
  /** how many of them a link was the first to announce */
  readonly #announcedBy = new Map<Link, number>();

  constructor(ctx: Context, parts: GossipParts) {
    const { links, interest, fetcher, retention } = parts;
    this.#ctx = ctx;
    this.#links = links;
    this.#membership = parts.membership;
    this.#interest = interest;
    this.#fetcher = fetcher;
    this.#retention = retention;
    this.outbound = new Outbound(ctx, links, (message) => this.seen.isDeleted(message));
    this.origins = new Origins(ctx);
    this.routes = new Routes(links, parts.membership, interest);
    this.#rates = new AuthorRates(ctx);
    this.#wanted = new Wanted(ctx, { links, interest, fetcher, rates: this.#rates });
    this.gaps = new Gaps(ctx, { links, interest, fetcher, seen: this.seen });
    this.#homes = new Homes(ctx, {
      homes: () => parts.membership.homes(),
      holds: (link, tag) => interest.isShared(link, tag),
      inject: (homes, message) =>
        this.outbound.push(targetOf(homes, { root: '', keep: false, own: true }), message),
      announce: (link, message) => this.#announce(link, message.message.id),
      liveFails: () =>
        parts.membership.distrust(parts.membership.live, 'it does not pass on what others bring'),
    });
    const intake: IntakeHost = {
      keeps: (tag, timeMs) => interest.holds(tag) && retention.takes(tag, timeMs),
      refused: (idText, link, reason) => this.origins.refused(idText, nameOf(link), reason),
      settled: (idText) => this.#settled(idText),
      forged: (idText, from) => fetcher.forged(idText, from),
    };
    this.#burial = new Burial(ctx, links, {
      ...intake,
      verified: (deletion) => this.seen.deleted(deletion),
      deleted: (deletion, tag, link, isNew) => this.#deleted(deletion, tag, link, isNew),
    });
    this.#admission = new Admission(ctx, links, this.seen, {
      ...intake,
      carry: (tag, timeMs) => interest.kept.carry(tag, false, timeMs),
      noted: (op) => interest.kept.noted(op),
      mayTake: (author) => this.#rates.take(author),
      reserve: (message, tag) => retention.reserve(tag, message),
      release: (message, tag, isStored) => retention.release(tag, message, isStored),
      putOff: () => this.#wanted.added(),
      filled: (idText) => this.#wanted.filled(idText),
      verified: (message, tag, arrival) => {
        this.#forward(message, tag, arrival);
        this.onPassing(message, arrival.link);
      },
      durable: (message, tag, arrivals, isNew) => this.#durable(message, tag, arrivals, isNew),
      chained: (message, tag, arrivals, chained) => this.#chained(message, tag, arrivals, chained),
    });
  }

  /** Local identities: no rate holds for their content. */
  restore(identities: readonly string[]): void {
    this.#rates.know(identities);
  }

  /** Stores a message that has passed here lately, if it is to be kept now. @returns whether nobody need be asked for it */
  keepPassed(idText: string): boolean {
    return this.#admission.keepPassed(idText);
  }

  #settled(idText: string): void {
    this.#unannounce(idText);
    this.#fetcher.settled(idText);
  }

  receive(link: Link, frame: Extract<Frame, { type: 'push' | 'fetched' | 'announce' }>): void {
    if (frame.type === 'announce') this.#hearAnnounce(link, frame.ids);
    else if (frame.type === 'push') {
      if (!this.#membership.isRelay)
        this.#homes.heard(
          link,
          frame.messages.map(({ idText }) => idText),
        );
      const root =
        frame.root === '' ? this.#ctx.config.peerId : (this.#membership.map.rootOf(frame.root) ?? '');
      this.#admission.admit(frame.messages, { link, root, keep: frame.keep, rated: true });
    } else {
      const { rated, free, tombstones } = this.#fetcher.answered(link, frame);
      if (rated.length > 0) this.#admission.admit(rated, { link, root: '', keep: false, rated: true });
      if (free.length > 0) this.#admission.admit(free, { link, root: '', keep: false, rated: false });
      if (tombstones.length > 0) this.#burial.admit(link, tombstones);
    }
  }

  /**
   * Messages that a mesh/1 peer brought. It counts as a leaf of ours: they enter the mesh here if we are a relay, else at
   * our live relay, and whoever is the root keeps them. @param rated whether the rates of authors hold for them
   */
  enter(link: Link, messages: readonly Message[], rated: boolean): void {
    const { isRelay } = this.#membership;
    const root = isRelay ? this.#ctx.config.peerId : '';
    this.#admission.admit(messages, { link, root, keep: isRelay, rated, enters: true });
  }

  /** Eager push along the tree and to leaves. */
  #forward(message: VerifiedMessage, tag: string, { root, link, enters = false }: Arrival): void {
    this.origins.came(message.message.idText, nameOf(link), root);
    const { isRelay, live } = this.#membership;
    if (!isRelay) this.#homes.passed(message, tag, link);
    // It may have become a relay since the message came.
    if (isRelay && enters) this.#push(message, tag, this.#ctx.config.peerId, link);
    else if (isRelay && root !== '') this.#push(message, tag, root, link);
    else if (live && enters)
      this.outbound.push(targetOf([live], { root: '', keep: true, own: false }), message);
  }

  /** @param from the link that it came by, `undefined` for messages of local identities */
  #push(message: VerifiedMessage, tag: string, root: string, from: Link | undefined): void {
    const { id, idText } = message.message;
    const { version } = this.#interest;
    const route = this.routes.of(tag, root, from);
    if (this.seen.forwardFirst(idText, root, version)) this.outbound.push(route.children, message);
    if (!this.seen.forwardFirst(idText, DELIVERED, version)) return;
    this.outbound.push(route.live, message);
    for (const link of route.standby) this.#announce(link, id);
  }

  /** A durable message of a local identity enters the mesh here. */
  publish(message: VerifiedMessage, tag: string): void {
    this.seen.add(message, this.#ctx.now.monotonicMs);
    this.onPassing(message, 'own');
    if (!this.#membership.isRelay) return this.#homes.passed(message, tag, undefined);
    this.#push(message, tag, this.#ctx.config.peerId, undefined);
    this.#offer(message.message, tag, this.#ctx.config.peerId, []);
  }

  #durable(message: Message, tag: string, arrivals: readonly Arrival[], isNew: boolean): void {
    // What nobody could ask us for is not kept in any useful sense: no word of it.
    if (this.#interest.holds(tag))
      for (const arrival of arrivals) if (arrival.keep) this.#confirm(arrival.link, message.id);
    if (!isNew) return;
    this.onStored(message);
    const verified = this.seen.message(message.idText);
    if (verified) this.onPassing(verified, 'store');
    const from = arrivals.map((arrival) => arrival.link);
    this.#offer(message, tag, arrivals[0]?.root ?? '', from);
  }

  /** What the chain of its author says of a message that is newly stored. */
  #chained(message: Message, tag: string, arrivals: readonly Arrival[], chained: Chained): void {
    const live = arrivals.filter(({ rated }) => rated).map(({ link }) => link);
    if (chained.isGap && live.length > 0) this.gaps.found(message, tag, live);
    this.gaps.filled(message.idText);
    if (!chained.equivocates) return;
    const { channel, author } = message;
    if (this.#rates.isKnown(author))
      this.#ctx.report('error', 'an identity of this peer is used elsewhere', {
        identity: toBase64url(author),
        channel,
      });
    else
      this.#ctx.report('warn', 'an author has signed two messages in one place', {
        author: toBase64url(author),
        channel,
      });
  }

  /** A delete came together with what is left of its target. */
  #deleted(deletion: VerifiedMessage, tag: string, link: Link, isNew: boolean): void {
    if (isNew) {
      this.seen.add(deletion, this.#ctx.now.monotonicMs);
      this.#retention.stored(tag, deletion.message);
    }
    const arrival = { link, root: '', keep: false, rated: false };
    this.#durable(deletion.message, tag, [arrival], isNew);
    this.#settled(deletion.message.idText);
  }

  readonly #toConfirm = new Map<Link, Bytes[]>();

  #confirm(link: Link, id: Bytes): void {
    if (link.phase !== 'up') return;
    const ids = this.#toConfirm.get(link);
    if (ids) ids.push(id);
    else this.#toConfirm.set(link, [id]);
    this.#ctx.arm('flush', 0);
  }

  /** Announces a held message to interested neighbours that no tree brought it to. */
  #offer({ id, idText }: Message, tag: string, root: string, except: readonly Link[]): void {
    if (!this.#membership.isRelay) return;
    // Who has become a child since it was forwarded was sent nothing.
    const isServed = this.seen.wasForwardedBy(idText, this.#interest.version);
    for (const link of this.routes.offers(tag, root, isServed))
      if (!except.includes(link)) this.#announce(link, id);
  }

  #announce(link: Link, id: Bytes): void {
    const ids = this.#toAnnounce.get(link);
    if (!ids) this.#toAnnounce.set(link, [id]);
    else if (ids.length < LIMITS.idsPerFrameMax) ids.push(id);
    this.#ctx.arm('announce', LIMITS.announceMs);
  }

  /** Sends the announcements gathered in the last 20 ms. */
  sendAnnouncements(): void {
    for (const [link, ids] of this.#toAnnounce)
      this.#links.send(link, { type: 'announce', ids }, { droppable: true });
    this.#toAnnounce.clear();
  }

  /** How long an announced message has to come by itself. */
  get #announceWaitMs(): number {
    return this.#membership.isRelay ? LIMITS.announceWaitMs : LIMITS.announceWaitLeafMs;
  }

  #hearAnnounce(link: Link, ids: readonly Bytes[]): void {
    const dueMs = this.#ctx.now.monotonicMs + this.#announceWaitMs;
    const idTexts = ids.map((id) => this.#fetcher.idText(id));
    this.#homes.heard(link, idTexts);
    for (const [i, id] of ids.entries()) {
      const idText = idTexts[i] as string;
      const known = this.#announced.get(idText);
      if (known) {
        if (known.links.length < 4 && !known.links.includes(link)) known.links.push(link);
      } else if (!this.seen.has(idText) && this.#mayAnnounce(link)) {
        this.#announced.set(idText, { id, links: [link], dueMs });
        this.#announcedBy.set(link, (this.#announcedBy.get(link) ?? 0) + 1);
      }
    }
    if (this.#announced.size > 0) this.#ctx.arm('announced', this.#announceWaitMs);
  }

  #mayAnnounce(link: Link): boolean {
    const isFull = this.#announced.size >= LIMITS.announcedMax;
    return !isFull && (this.#announcedBy.get(link) ?? 0) < LIMITS.announcedPerLinkMax;
  }

  #unannounce(idText: string): void {
    const first = this.#announced.get(idText)?.links[0];
    this.#announced.delete(idText);
    const count = first && this.#announcedBy.get(first);
    if (first && count !== undefined) this.#announcedBy.set(first, count - 1);
  }

  /** Asks for announced messages that did not come by themselves. */
  askAnnounced(): void {
    const now = this.#ctx.now.monotonicMs;
    const due = [...this.#announced.values()].filter(({ dueMs }) => dueMs <= now);
    for (const { id } of due) this.#unannounce(this.#fetcher.idText(id));
    if (this.#announced.size > 0) this.#ctx.arm('announced', this.#announceWaitMs / 2);
    const lacking = due.filter(({ id }) => !this.seen.has(this.#fetcher.idText(id)));
    if (lacking.length === 0) return;
    this.#ctx.read({ kind: 'has', ids: lacking.map(({ id }) => id) }, ({ holdings }) => {
      lacking.forEach(({ id, links }, i) => {
        if (isLacking(holdings[i])) this.#fetcher.want(id, links, 'live');
      });
    });
  }

  /** What the home relays of a leaf have not heard of a second after it was here. */
  checkEchoes(): void {
    this.#homes.check(this.#membership.live);
  }

  flush(): void {
    this.outbound.flush();
    for (const [link, ids] of this.#toConfirm)
      for (let i = 0; i < ids.length; i += LIMITS.idsPerFrameMax)
        this.#links.send(link, { type: 'stored', ids: ids.slice(i, i + LIMITS.idsPerFrameMax) });
    this.#toConfirm.clear();
  }

  down(link: Link): void {
    this.#toAnnounce.delete(link);
    this.#toConfirm.delete(link);
    this.#announcedBy.delete(link);
    this.#homes.down(link);
  }

  /** Whether content that was put off is being asked for. */
  asked(idText: string): Asked {
    return this.#wanted.asked(idText);
  }

  /** Messages that were stored are wanted again. */
  damaged(): void {
    this.#wanted.added();
    this.#wanted.rouse();
  }

  /** Somebody is here who may have content that was put off. */
  visited(): void {
    this.#wanted.rouse();
  }

  footprint(): Footprint {
    const { came, refused } = this.origins.sizes;
    return {
      origins: { size: came, max: LIMITS.originsMax },
      refusals: { size: refused, max: LIMITS.refusalsMax },
      ...this.seen.footprint(),
      echoes: { size: this.#homes.size, max: LIMITS.echoesMax },
      announced: { size: this.#announced.size, max: LIMITS.announcedMax },
      gaps: { size: this.gaps.size, max: LIMITS.gapsMax },
      authorBuckets: { size: this.#rates.size, max: LIMITS.authorBucketsMax },
    };
  }

  tick(): void {
    this.seen.tick(this.#ctx.now.monotonicMs);
    this.#rates.tick();
    this.#wanted.tick();
    this.gaps.tick();
  }
}
