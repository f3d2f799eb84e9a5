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
import type { Message } from '../message/message.ts';
import type { Footprint } from '../peer-types.ts';

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
  askedMs: number;
  /** answered, and being verified or stored */
  arrived: boolean;
}

interface Lane {
  readonly link: Link;
  queue: Missing[];
  /** id texts asked for and not answered */
  readonly inFlight: Set<string>;
  /** answers given up, which may still come and are no offence */
  late: number;
}

/** ids wanted over all links (guess: the queue of a hundred busy links) */
const WANTED_MAX = 200_000;

export class Fetcher {
  readonly #ctx: Context;
  readonly #links: Links;
  readonly #missing = new Map<string, Missing>();
  readonly #lanes = new Map<LinkId, Lane>();
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
      lane = { link, queue: [], inFlight: new Set(), late: 0 };
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
      for (const link of live)
        if (known.asked !== link && !known.links.includes(link) && known.links.length < 4)
          known.links.push(link);
      return;
    }
    if (this.#missing.size >= WANTED_MAX || this.load(first) >= LIMITS.wantedPerLinkMax) return;
    const missing: Missing = {
      id: id.slice(),
      idText,
      reason,
      links: live.slice(0, 4),
      asked: undefined,
      askedMs: 0,
      arrived: false,
    };
    this.#missing.set(idText, missing);
    this.#enqueue(missing);
  }

  #enqueue(missing: Missing): void {
    const link = missing.links.find((candidate) => candidate.phase === 'up');
    if (!link) {
      this.#missing.delete(missing.idText);
      return;
    }
    missing.links = missing.links.filter((candidate) => candidate !== link);
    missing.asked = link;
    missing.askedMs = 0;
    this.#lane(link).queue.push(missing);
    this.#ctx.arm('flush', 0);
  }

  /** Sends requests where there is room: at the end of the turn, so that one frame asks for many. */
  flush(): void {
    for (const lane of this.#lanes.values()) {
      const room = LIMITS.fetchMax - lane.inFlight.size;
      if (room <= 0 || lane.queue.length === 0) continue;
      // A few answers at a time are not worth a frame each, unless they are all that is left.
      if (room < LIMITS.fetchMax / 4 && lane.queue.length > room) continue;
      const batch = this.#take(lane, room);
      if (batch.length === 0) continue;
      for (const missing of batch) {
        missing.askedMs = this.#ctx.now.monotonicMs;
        lane.inFlight.add(missing.idText);
      }
      this.#links.send(lane.link, { type: 'fetch', ids: batch.map((missing) => missing.id) });
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

  /** Takes an answer. @returns the messages that were asked for, by whether the rates of authors hold for them; anything
   *  else is an offence */
  answered(
    link: Link,
    messages: readonly Message[],
    notHeld: readonly Bytes[],
  ): { readonly rated: readonly Message[]; readonly free: readonly Message[] } {
    const lane = this.#lane(link);
    const rated: Message[] = [];
    const free: Message[] = [];
    let unasked = 0;
    for (const message of messages) {
      const missing = this.#missing.get(message.idText);
      if (!this.#isSolicited(lane, message.idText)) unasked++;
      else if (missing && !missing.arrived) {
        missing.arrived = true;
        (missing.reason === 'live' ? rated : free).push(message);
      }
    }
    for (const id of notHeld) {
      const missing = this.#missing.get(toBase64url(id));
      if (!this.#isSolicited(lane, toBase64url(id))) unasked++;
      else if (missing?.asked === link && !missing.arrived) this.#enqueue(missing);
    }
    if (unasked > 0)
      this.#links.offend(link, 'unasked', `${unasked} messages that were not asked for`, 'unsolicited');
    this.#ctx.arm('flush', 0);
    this.#rouse(lane);
    return { rated, free };
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
    this.#missing.delete(idText);
  }

  /** A copy had a wrong signature. If it is the one that we asked for, the next neighbour may have the genuine one. */
  forged(idText: string, links: ReadonlySet<Link>): void {
    const missing = this.#missing.get(idText);
    if (!missing?.arrived || !missing.asked || !links.has(missing.asked)) return;
    missing.arrived = false;
    this.#enqueue(missing);
  }

  footprint(): Footprint {
    return { wantedIds: { size: this.#missing.size, max: WANTED_MAX } };
  }

  down(link: Link): void {
    this.#lanes.delete(link.id);
    for (const missing of this.#missing.values())
      if (missing.asked === link && !missing.arrived) this.#enqueue(missing);
  }

  /** Once a second: requests that were not answered go to the next neighbour. */
  tick(): void {
    const now = this.#ctx.now.monotonicMs;
    for (const missing of this.#missing.values()) {
      if (missing.askedMs === 0 || missing.arrived || now - missing.askedMs < LIMITS.requestMs) continue;
      const lane = missing.asked && this.#lanes.get(missing.asked.id);
      if (lane?.inFlight.delete(missing.idText)) lane.late++;
      this.#enqueue(missing);
    }
    for (const lane of this.#lanes.values()) {
      if (lane.queue.length > 0) this.#ctx.arm('flush', 0);
      this.#rouse(lane);
    }
  }
}
