/**
 * Catch-up for a mesh/1 peer. Its requests are answered in our total order: the newest page without a cursor, which is
 * what mesh/1 peers ask for, the page behind the cursor with one. They never ask further than that one page, so after the
 * first answer the rest of the channel's history follows as ordinary messages, oldest first, as fast as the peer takes
 * them. A relay asks for nothing on behalf of those behind it: it gets the history of a channel once we have seen what it
 * has. What a peer has already it drops by id.
 *
 * Invariants:
 * 1. One answer or one page of history of a link is under way at a time, with at most half a send queue of text; the next
 *    one follows when its last text has left.
 * 2. A page that gives nothing to send is followed by the next in another turn of the loop, and costs the link its rate.
 */
import { fromBase64url } from '../bytes.ts';
import type { Context } from '../context.ts';
import type { LinkId } from '../contract.ts';
import { LIMITS, MINUTE } from '../limits.ts';
import type { Link } from '../link/link.ts';
import type { Links } from '../link/links.ts';
import type { Message } from '../message/message.ts';
import { TIME_ZERO } from '../message/time.ts';
import type { Footprint } from '../peer-types.ts';
import type { Position, Query } from '../persistence.ts';
import {
  encodeMesh1Message,
  encodeSyncResponse,
  type Mesh1Frame,
  mesh1Fields,
  mesh1IdOf,
} from '../wire/mesh1.ts';
import { type Session, takesChannel } from './session.ts';

type Request = Extract<Mesh1Frame, { type: 'sync_request' }>;

/** History of one channel that is to follow, up to what was served. */
interface Backfill {
  after: Position;
  /** undefined for all of it */
  readonly before: Position | undefined;
}

interface Serving {
  readonly session: Session;
  readonly requests: Request[];
  /** where the messages of the last answer stand, by what mesh/1 calls them */
  cursors: Map<string, Position>;
  /** channels whose history was begun */
  readonly begun: Set<string>;
  readonly backfills: Map<string, Backfill>;
  /** something is being read, or waits to leave; since when */
  isBusy: boolean;
  sinceMs: number;
}

/** An answer in the making. */
interface Answer {
  readonly request: Request;
  /** undefined for the newest page: there was no cursor, or one that nobody knows */
  readonly after: Position | undefined;
  readonly page: Sendable[];
  characters: number;
  /** rows looked at */
  rows: number;
  edge: Position | undefined;
}

interface Sendable {
  readonly message: Message;
  readonly fields: string;
}

const START: Position = { time: TIME_ZERO, id: new Uint8Array(32) };
/** Requests of one link that wait (guess: the channels that a mesh/1 peer asks for at its handshake). */
const REQUESTS_MAX = 256;
/** Rows looked at for each message that was asked for, before the answer goes as it is (guess). */
const ROWS_FACTOR = 4;
/** A page that was not taken in this time is given up: the link remembers only so many of what waits to leave (guess). */
const STALLED_MS = 2 * MINUTE;

function positionOf({ time, id }: Message): Position {
  return { time, id };
}

function sendable(message: Message): Sendable[] {
  const fields = mesh1Fields(message);
  return fields === undefined ? [] : [{ message, fields }];
}

export class Serve {
  readonly #ctx: Context;
  readonly #links: Links;
  readonly #charge: (link: Link, tokens: number) => void;
  readonly #servings = new Map<LinkId, Serving>();
  /** links whose next step is due in another turn */
  readonly #due = new Set<Serving>();

  /** @param charge takes a link's rate, in messages */
  constructor(ctx: Context, links: Links, charge: (link: Link, tokens: number) => void) {
    this.#ctx = ctx;
    this.#links = links;
    this.#charge = charge;
  }

  #serving(session: Session): Serving {
    let serving = this.#servings.get(session.link.id);
    if (!serving) {
      serving = {
        ...{ session, requests: [], cursors: new Map(), begun: new Set(), backfills: new Map() },
        ...{ isBusy: false, sinceMs: 0 },
      };
      this.#servings.set(session.link.id, serving);
    }
    return serving;
  }

  /** Answers a request, after those before it. @returns false if too many wait */
  request(session: Session, request: Request): boolean {
    const serving = this.#serving(session);
    if (serving.requests.length >= REQUESTS_MAX) return false;
    serving.requests.push(request);
    this.#next(serving);
    return true;
  }

  /** Sends all of a channel that the peer does not have, unasked. */
  offer(session: Session, channel: string): void {
    const serving = this.#serving(session);
    this.#begin(serving, channel, undefined);
    this.#next(serving);
  }

  /** The channel is no longer taken, or anew: what was missed meanwhile follows the next time. */
  forget(session: Session, channel: string): void {
    const serving = this.#servings.get(session.link.id);
    serving?.begun.delete(channel);
    serving?.backfills.delete(channel);
  }

  down(session: Session): void {
    const serving = this.#servings.get(session.link.id);
    if (serving) this.#due.delete(serving);
    this.#servings.delete(session.link.id);
  }

  /** What waited for another turn of the loop. */
  flush(): void {
    const due = [...this.#due];
    this.#due.clear();
    for (const serving of due) this.#free(serving);
  }

  /** Once a second. */
  tick(): void {
    const now = this.#ctx.now.monotonicMs;
    for (const serving of this.#servings.values())
      if (serving.isBusy && now - serving.sinceMs > STALLED_MS) this.#free(serving);
  }

  footprint(): Footprint {
    const most = (size: (serving: Serving) => number): number =>
      Math.max(0, ...[...this.#servings.values()].map(size));
    return {
      mesh1Requests: { size: most(({ requests }) => requests.length), max: REQUESTS_MAX },
      mesh1Backfills: { size: most(({ backfills }) => backfills.size), max: 2 * LIMITS.mesh1ChannelsMax },
    };
  }

  #free(serving: Serving): void {
    serving.isBusy = false;
    this.#next(serving);
  }

  /** The next step of a link that has nothing under way: requests first. */
  #next(serving: Serving): void {
    if (serving.isBusy || serving.session.link.phase !== 'mesh1') return;
    const request = serving.requests.shift();
    const [backfill] = serving.backfills;
    if (request === undefined && backfill === undefined) return;
    serving.isBusy = true;
    serving.sinceMs = this.#ctx.now.monotonicMs;
    if (request) this.#locate(serving, request);
    else if (backfill) this.#fill(serving, ...backfill);
  }

  /** Goes on in another turn of the loop. */
  #later(serving: Serving): void {
    this.#charge(serving.session.link, 1);
    this.#due.add(serving);
    this.#ctx.arm('flush', 0);
  }

  #locate(serving: Serving, request: Request): void {
    const answer = (after: Position | undefined): void =>
      this.#collect(serving, { request, after, page: [], characters: 0, rows: 0, edge: after });
    const known = serving.cursors.get(request.after);
    const id = fromBase64url(request.after);
    if (request.after === '' || known || id?.length !== 32) return answer(known);
    this.#ctx.read(
      { kind: 'messages', ids: [id] },
      ({ messages: [found] }) => answer(found && positionOf(found.message)),
      () => answer(undefined),
    );
  }

  #page(
    channel: string,
    after: Position | undefined,
    before: Position | undefined,
  ): Extract<Query, { kind: 'page' }> {
    const wallMs = Math.floor(this.#ctx.now.wallMs);
    const query = { kind: 'page', channel, wallMs, limit: LIMITS.mesh1BackfillPage } as const;
    return { ...query, ...(after && { after }), ...(before && { before }) };
  }

  /** Gathers an answer a few rows at a time: what does not fit is not read. */
  #collect(serving: Serving, answer: Answer): void {
    const { request, after, edge } = answer;
    const isNewest = after === undefined;
    const query = isNewest
      ? this.#page(request.channel, undefined, edge)
      : this.#page(request.channel, edge, undefined);
    this.#ctx.read(
      query,
      ({ messages }) => {
        const rows = messages.map(({ message }) => message);
        this.#charge(serving.session.link, 1);
        answer.rows += rows.length;
        const isFull = this.#gather(answer, isNewest ? rows.toReversed() : rows);
        const isEnd = rows.length < LIMITS.mesh1BackfillPage || answer.rows >= ROWS_FACTOR * request.limit;
        if (isFull || isEnd) this.#answer(serving, answer);
        else this.#collect(serving, answer);
      },
      () => this.#answer(serving, answer),
    );
  }

  /** @returns whether nothing more fits */
  #gather(answer: Answer, rows: readonly Message[]): boolean {
    for (const message of rows) {
      answer.edge = positionOf(message);
      for (const one of sendable(message)) {
        if (answer.page.length > 0 && answer.characters + one.fields.length > LIMITS.mesh1PageBytesMax)
          return true;
        answer.characters += one.fields.length;
        answer.page.push(one);
      }
      if (answer.page.length >= answer.request.limit) return true;
    }
    return false;
  }

  #answer(serving: Serving, { request, after, page, edge }: Answer): void {
    const { session } = serving;
    const { channel } = request;
    const ordered = after === undefined ? page.toReversed() : page;
    serving.cursors = new Map(ordered.map(({ message }) => [mesh1IdOf(message), positionOf(message)]));
    for (const { message } of ordered) session.known.add(message.idText);
    const first = ordered[0];
    // What is older than a first answer follows by itself.
    if (after === undefined && edge)
      this.#begin(serving, channel, first ? positionOf(first.message) : undefined);
    const text = encodeSyncResponse(
      channel,
      ordered.map(({ fields }) => fields),
    );
    this.#links.sendText(session.link, text, () => this.#free(serving));
  }

  #begin({ session, begun, backfills }: Serving, channel: string, before: Position | undefined): void {
    if (begun.has(channel) || !takesChannel(session, channel)) return;
    begun.add(channel);
    backfills.set(channel, { after: START, before });
  }

  #fill(serving: Serving, channel: string, backfill: Backfill): void {
    const { session, backfills } = serving;
    this.#ctx.read(
      this.#page(channel, backfill.after, backfill.before),
      ({ messages }) => {
        const rows = messages.map(({ message }) => message);
        const texts = this.#history(session, backfill, rows);
        const last = rows.at(-1);
        const isDone = rows.length < LIMITS.mesh1BackfillPage && (!last || backfill.after.id === last.id);
        if ((isDone || !takesChannel(session, channel)) && backfills.get(channel) === backfill)
          backfills.delete(channel);
        if (texts.length === 0) return this.#later(serving);
        for (const [i, text] of texts.entries())
          this.#links.sendText(
            session.link,
            text,
            i === texts.length - 1 ? () => this.#free(serving) : undefined,
          );
      },
      () => {
        backfills.delete(channel);
        this.#later(serving);
      },
    );
  }

  /** Texts of what the peer lacks, up to what may be under way; the backfill goes on behind the last row looked at. */
  #history(session: Session, backfill: Backfill, rows: readonly Message[]): string[] {
    const texts: string[] = [];
    let characters = 0;
    for (const message of rows) {
      for (const { fields } of session.known.has(message.idText) ? [] : sendable(message)) {
        if (texts.length > 0 && characters + fields.length > LIMITS.mesh1PageBytesMax) return texts;
        characters += fields.length;
        texts.push(encodeMesh1Message(fields));
        session.known.add(message.idText);
      }
      backfill.after = positionOf(message);
    }
    return texts;
  }
}
