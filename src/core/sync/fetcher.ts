/**
 * Fetching by id: which messages are missing, which neighbours have them, and how many are asked for at once (256 per
 * link, so that the receiver sets the pace). An id is asked of one neighbour at a time; the next one is asked when
 * the first does not hold it, falls silent or goes.
 */

import { type Bytes, toBase64url } from '../bytes.ts';
import type { Context } from '../context.ts';
import type { LinkId } from '../contract.ts';
import { LIMITS } from '../limits.ts';
import type { Link } from '../link/link.ts';
import type { Links } from '../link/links.ts';
import type { Tombstone } from '../message/header.ts';
import type { Message } from '../message/message.ts';
import type { Footprint } from '../peer-types.ts';
import type { Frame } from '../wire/frame.ts';
import { Found, type FoundCount } from './found.ts';

/**
 * Why a message is asked for: `live`: it was announced, and the rates of authors hold as for what is pushed; `history`:
 * catch-up asks for it at its own pace; `paid`: it was put off, and a place was taken for it.
 */
export type Reason = 'live' | 'history' | 'paid';

interface Missing {
  readonly id: Bytes;
  readonly idText: string;
  reason: Reason;
  /** neighbours that may have it, the next one to ask first */
  links: Link[];
  asked: Link | undefined;
  /** since when it waits for its turn there */
  queuedMs: number;
  /** 0 before its turn */
  askedMs: number;
  /** over which link a comparison found it, if one did */
  foundOver: Link | undefined;
  /** who answered it; it is being verified or stored */
  bringer: Lane | undefined;
}

interface Lane {
  readonly link: Link;
  queue: Missing[];
  /** id texts asked for and not answered, by when, the oldest first */
  readonly inFlight: Map<string, number>;
  /** answers that are being verified or stored: who is slow at it asks for no more */
  unsettled: number;
  /** answers given up, which may still come and are no offence */
  late: number;
  /** when it last brought something */
  broughtMs: number;
}

/** ids wanted over all links (guess: the queue of a hundred busy links) */
const WANTED_MAX = 200_000;

/** neighbours that are remembered for one id (guess) */
const LINKS_MAX = 4;

/** Another neighbour that may have it. */
function addLink({ links }: Missing, link: Link): void {
  if (!links.includes(link) && links.length < LINKS_MAX) links.push(link);
}

export class Fetcher {
  readonly #ctx: Context;
  readonly #links: Links;
  readonly #missing = new Map<string, Missing>();
  readonly #lanes = new Map<LinkId, Lane>();
  readonly #found = new Found();
  /** told when a link has room for more ids */
  onRoom: (link: Link) => void = () => undefined;

  constructor(ctx: Context, links: Links) {
    this.#ctx = ctx;
    this.#links = links;
  }

  idText(id: Bytes): string {
    return toBase64url(id);
  }

  #lane(link: Link): Lane {
    let lane = this.#lanes.get(link.id);
    if (!lane) {
      lane = { link, queue: [], inFlight: new Map(), unsettled: 0, late: 0, broughtMs: 0 };
      this.#lanes.set(link.id, lane);
    }
    return lane;
  }

  /** How many ids are waiting for this link or asked of it. */
  load(link: Link): number {
    const lane = this.#lanes.get(link.id);
    return lane ? lane.queue.length + lane.inFlight.size : 0;
  }

  /** Whether this id is being fetched already. */
  isWanted(idText: string): boolean {
    return this.#missing.has(idText);
  }

  /** Wants a message that one of `links` is said to have. */
  want(id: Bytes, links: readonly Link[], reason: Reason): void {
    const live = links.filter((link) => link.phase === 'up');
    const first = live[0];
    if (!first) return;
    const idText = toBase64url(id);
    const known = this.#missing.get(idText);
    if (known) {
      if (reason !== 'live') known.reason = reason;
      if (reason === 'history') this.#note(known, first);
      for (const link of live) if (known.asked !== link) addLink(known, link);
      return;
    }
    if (this.#missing.size >= WANTED_MAX || this.load(first) >= LIMITS.wantedPerLinkMax) return;
    const missing: Missing = {
      id: id.slice(),
      idText,
      reason,
      links: live.slice(0, LINKS_MAX),
      asked: undefined,
      queuedMs: 0,
      askedMs: 0,
      foundOver: undefined,
      bringer: undefined,
    };
    this.#missing.set(idText, missing);
    if (reason === 'history') this.#note(missing, first);
    this.#enqueue(missing);
  }

  #note(missing: Missing, link: Link): void {
    if (missing.foundOver) return;
    missing.foundOver = link;
    this.#found.found(link, this.#ctx.now.monotonicMs);
  }

  /** How far catch-up over a link has come. */
  foundOver(link: Link): FoundCount {
    return this.#found.of(link);
  }

  #enqueue(missing: Missing): void {
    const link = missing.links.find((candidate) => candidate.phase === 'up');
    if (!link) {
      this.#missing.delete(missing.idText);
      if (missing.foundOver) this.#found.lost(missing.foundOver);
      return;
    }
    missing.links = missing.links.filter((candidate) => candidate !== link);
    missing.asked = link;
    missing.queuedMs = this.#ctx.now.monotonicMs;
    missing.askedMs = 0;
    this.#lane(link).queue.push(missing);
    this.#ctx.arm('flush', 0);
  }

  /** Sends requests where there is room: at the end of the turn, so that one frame asks for many. */
  flush(): void {
    for (const lane of this.#lanes.values()) {
      const pending = lane.inFlight.size + lane.unsettled;
      const room = Math.min(LIMITS.fetchMax - lane.inFlight.size, LIMITS.fetchPendingMax - pending);
      if (room <= 0 || lane.queue.length === 0) continue;
      // A few answers at a time are not worth a frame each, unless they are all that is left.
      if (room < LIMITS.fetchMax / 4 && lane.queue.length > room) continue;
      const batch = this.#take(lane, room);
      if (batch.length === 0) continue;
      // One that was settled by another way and is missing again may still be on its way: two answers are not asked for.
      const ids = batch.filter(({ idText }) => !lane.inFlight.has(idText)).map(({ id }) => id);
      for (const missing of batch) {
        missing.askedMs = this.#ctx.now.monotonicMs;
        if (!lane.inFlight.has(missing.idText)) lane.inFlight.set(missing.idText, missing.askedMs);
      }
      if (ids.length > 0) this.#links.send(lane.link, { type: 'fetch', ids });
    }
  }

  /** The first ids of a queue. What came by another way meanwhile is not asked for, and takes nobody's place. */
  #take(lane: Lane, most: number): Missing[] {
    const batch: Missing[] = [];
    let walked = 0;
    for (const missing of lane.queue) {
      if (batch.length >= most) break;
      walked++;
      if (this.#missing.get(missing.idText) === missing && missing.asked === lane.link) batch.push(missing);
    }
    lane.queue.splice(0, walked);
    return batch;
  }

  /** Takes an answer. @returns what was asked for, messages by whether the rates of authors hold for them; anything else
   *  is an offence */
  answered(
    link: Link,
    { messages, notHeld, tombstones = [] }: Extract<Frame, { type: 'fetched' }>,
  ): {
    readonly rated: readonly Message[];
    readonly free: readonly Message[];
    readonly tombstones: readonly Tombstone[];
  } {
    const lane = this.#lane(link);
    const rated: Message[] = [];
    const free: Message[] = [];
    const buried: Tombstone[] = [];
    let unasked = 0;
    const take = (idText: string, then: (reason: Reason) => void): void => {
      const missing = this.#missing.get(idText);
      if (!this.#isSolicited(lane, idText)) unasked++;
      else if (missing?.bringer) addLink(missing, link);
      else if (missing) {
        missing.bringer = lane;
        lane.unsettled++;
        then(missing.reason);
      }
    };
    for (const message of messages)
      take(message.idText, (reason) => (reason === 'live' ? rated : free).push(message));
    for (const tombstone of tombstones) take(tombstone.header.idText, () => buried.push(tombstone));
    for (const id of notHeld) {
      const missing = this.#missing.get(toBase64url(id));
      if (!this.#isSolicited(lane, toBase64url(id))) unasked++;
      else if (missing?.asked === link && !missing.bringer) this.#enqueue(missing);
    }
    if (messages.length + tombstones.length > 0 && unasked === 0) lane.broughtMs = this.#ctx.now.monotonicMs;
    if (unasked > 0)
      this.#links.offend(link, 'unasked', `${unasked} messages that were not asked for`, 'unsolicited');
    this.#ctx.arm('flush', 0);
    this.#rouse(lane);
    return { rated, free, tombstones: buried };
  }

  #isSolicited(lane: Lane, idText: string): boolean {
    if (lane.inFlight.delete(idText)) return true;
    if (lane.late === 0) return false;
    lane.late--;
    return true;
  }

  #rouse(lane: Lane): void {
    if (lane.queue.length + lane.inFlight.size < LIMITS.missingMax / 2) this.onRoom(lane.link);
  }

  /** The message is stored, refused or forgotten: it is missing no more. */
  settled(idText: string): void {
    const missing = this.#missing.get(idText);
    if (missing === undefined) return;
    this.#missing.delete(idText);
    if (missing.foundOver) this.#found.fetched(missing.foundOver, this.#ctx.now.monotonicMs);
    if (missing.bringer) this.#handled(missing.bringer);
  }

  /** There is room for one more of this link. */
  #handled(lane: Lane): void {
    lane.unsettled--;
    if (lane.queue.length > 0) this.#ctx.arm('flush', 0);
  }

  /** A copy had a wrong signature. If it is the one that we asked for, the next neighbour may have the genuine one. */
  forged(idText: string, links: ReadonlySet<Link>): void {
    const missing = this.#missing.get(idText);
    const bringer = missing?.bringer;
    if (!missing || !bringer || !links.has(bringer.link)) return;
    this.#handled(bringer);
    missing.bringer = undefined;
    if (!this.#isUnderWay(missing)) this.#enqueue(missing);
  }

  /** Whether somebody is being asked: an answer that was given up may come after the next one was asked. */
  #isUnderWay({ asked, askedMs, idText }: Missing): boolean {
    const lane = asked && this.#lanes.get(asked.id);
    return lane !== undefined && (askedMs === 0 || lane.inFlight.has(idText));
  }

  footprint(): Footprint {
    return { wantedIds: { size: this.#missing.size, max: WANTED_MAX } };
  }

  down(link: Link): void {
    this.#lanes.delete(link.id);
    this.#found.down(link);
    for (const missing of this.#missing.values())
      if (missing.asked === link && !missing.bringer) this.#enqueue(missing);
  }

  /** Once a second: what was asked for and not answered goes to the next neighbour, and what waits behind it too. */
  tick(): void {
    for (const missing of this.#missing.values()) {
      const { asked, bringer, askedMs, queuedMs, idText } = missing;
      const lane = asked && this.#lanes.get(asked.id);
      if (bringer || !this.#isOverdue(lane, askedMs || queuedMs)) continue;
      if (askedMs === 0 && !missing.links.some((link) => link.phase === 'up')) continue;
      if (lane?.inFlight.delete(idText)) lane.late++;
      this.#enqueue(missing);
    }
    for (const lane of this.#lanes.values()) {
      this.#giveUp(lane);
      if (lane.queue.length > 0) this.#ctx.arm('flush', 0);
      this.#rouse(lane);
    }
  }

  /** A slow link brings one after the other, and not for ever. */
  #isOverdue(lane: Lane | undefined, sinceMs: number): boolean {
    const now = this.#ctx.now.monotonicMs;
    const isBringing = lane !== undefined && now - lane.broughtMs < LIMITS.requestMs;
    return now - sinceMs >= (isBringing ? LIMITS.requestMsMax : LIMITS.requestMs);
  }

  /** Requests for what has come by another way are given up as well, or who never answers them could fill the window. */
  #giveUp(lane: Lane): void {
    for (const [idText, askedMs] of lane.inFlight) {
      if (!this.#isOverdue(lane, askedMs)) break;
      lane.inFlight.delete(idText);
      lane.late++;
    }
  }
}
