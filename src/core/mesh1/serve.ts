/**
 * Catch-up for a mesh/1 peer. Its requests are answered in our total order: the newest page without a cursor, which is
 * what mesh/1 peers ask for, the page behind the cursor with one. They never ask further than that one page, so after the
 * first answer the rest of the channel's history follows as ordinary messages, oldest first, as fast as the peer takes
 * them. A relay asks for nothing on behalf of those behind it: it gets the history of a channel once we have seen what it
 * has. What a peer has already it drops by id.
 */
import { fromBase64url } from '../bytes.ts';
import type { Context } from '../context.ts';
import type { LinkId } from '../contract.ts';
import { LIMITS } from '../limits.ts';
import type { Links } from '../link/links.ts';
import type { Message } from '../message/message.ts';
import { TIME_ZERO } from '../message/time.ts';
import type { Position } from '../persistence.ts';
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
  readonly channel: string;
  after: Position;
  /** undefined for all of it */
  readonly before: Position | undefined;
}

interface Serving {
  /** requests that are being answered */
  open: number;
  /** where the messages of the last answer stand, by what mesh/1 calls them */
  cursors: Map<string, Position>;
  /** channels whose history was begun */
  readonly begun: Set<string>;
  readonly backfills: Backfill[];
  isFilling: boolean;
}

const START: Position = { time: TIME_ZERO, id: new Uint8Array(32) };
/** Requests of one link at a time (guess: a few channels at the start). */
const OPEN_MAX = 64;

function positionOf({ time, id }: Message): Position {
  return { time, id };
}

export class Serve {
  readonly #ctx: Context;
  readonly #links: Links;
  readonly #servings = new Map<LinkId, Serving>();

  constructor(ctx: Context, links: Links) {
    this.#ctx = ctx;
    this.#links = links;
  }

  #serving(session: Session): Serving {
    let serving = this.#servings.get(session.link.id);
    if (!serving) {
      serving = { open: 0, cursors: new Map(), begun: new Set(), backfills: [], isFilling: false };
      this.#servings.set(session.link.id, serving);
    }
    return serving;
  }

  /** Answers a request. @returns false if too many are open */
  request(session: Session, request: Request): boolean {
    const serving = this.#serving(session);
    if (serving.open >= OPEN_MAX) return false;
    serving.open++;
    const known = serving.cursors.get(request.after);
    const id = fromBase64url(request.after);
    if (request.after === '' || known || id?.length !== 32) this.#answer(session, request, known);
    else
      this.#ctx.read(
        { kind: 'messages', ids: [id] },
        ({ messages: [found] }) => this.#answer(session, request, found && positionOf(found.message)),
        () => this.#answer(session, request, undefined),
      );
    return true;
  }

  /** @param after undefined for the newest page: there was no cursor, or one that nobody knows */
  #answer(session: Session, request: Request, after: Position | undefined): void {
    const { channel, limit } = request;
    const query = { kind: 'page', channel, limit, wallMs: Math.floor(this.#ctx.now.wallMs) } as const;
    this.#ctx.read(
      after === undefined ? query : { ...query, after },
      ({ messages }) => {
        const page = fitting(
          messages.map(({ message }) => message),
          after === undefined,
        );
        const last = messages.at(-1)?.message;
        // Nothing of a full page can be sent: the next one may have what can.
        if (page.length === 0 && after !== undefined && last && messages.length === limit)
          return this.#answer(session, request, positionOf(last));
        this.#send(session, channel, page);
        const first = page[0]?.message ?? last;
        if (after === undefined && first) this.#begin(session, channel, positionOf(first));
      },
      () => this.#send(session, channel, []),
    );
  }

  #send(session: Session, channel: string, page: readonly Sendable[]): void {
    const serving = this.#serving(session);
    serving.open--;
    serving.cursors = new Map(page.map(({ message }) => [mesh1IdOf(message), positionOf(message)]));
    for (const { message } of page) session.known.add(message.idText);
    this.#links.sendText(
      session.link,
      encodeSyncResponse(
        channel,
        page.map(({ fields }) => fields),
      ),
    );
  }

  /** Sends all of a channel that the peer does not have, unasked. */
  offer(session: Session, channel: string): void {
    this.#begin(session, channel, undefined);
  }

  #begin(session: Session, channel: string, before: Position | undefined): void {
    const serving = this.#serving(session);
    if (serving.begun.has(channel) || !takesChannel(session, channel)) return;
    serving.begun.add(channel);
    serving.backfills.push({ channel, after: START, before });
    if (!serving.isFilling) this.#fill(session, serving);
  }

  #fill(session: Session, serving: Serving): void {
    const backfill = serving.backfills[0];
    serving.isFilling = backfill !== undefined && session.link.phase === 'mesh1';
    if (!backfill || !serving.isFilling) return;
    const { channel, after, before } = backfill;
    const wallMs = Math.floor(this.#ctx.now.wallMs);
    const query = { kind: 'page', channel, after, wallMs, limit: LIMITS.mesh1BackfillPage } as const;
    this.#ctx.read(
      before === undefined ? query : { ...query, before },
      ({ messages }) => {
        const page = messages.map(({ message }) => message);
        const last = page.at(-1);
        if (last) backfill.after = positionOf(last);
        if (page.length < LIMITS.mesh1BackfillPage || !takesChannel(session, channel))
          serving.backfills.shift();
        this.#sendHistory(session, serving, page);
      },
      () => {
        serving.backfills.shift();
        this.#fill(session, serving);
      },
    );
  }

  /** The next page follows when the last text of this one has left. */
  #sendHistory(session: Session, serving: Serving, page: readonly Message[]): void {
    const texts = page
      .filter((message) => !session.known.has(message.idText))
      .map((message) => ({ message, fields: mesh1Fields(message) }))
      .filter((one): one is Sendable => one.fields !== undefined);
    for (const [i, { message, fields }] of texts.entries()) {
      session.known.add(message.idText);
      const onFlushed = i === texts.length - 1 ? () => this.#fill(session, serving) : undefined;
      this.#links.sendText(session.link, encodeMesh1Message(fields), onFlushed);
    }
    if (texts.length === 0) this.#fill(session, serving);
  }

  /** The peer subscribed to a channel again: it may have missed something meanwhile. */
  forget(session: Session, channel: string): void {
    this.#servings.get(session.link.id)?.begun.delete(channel);
  }

  down(session: Session): void {
    this.#servings.delete(session.link.id);
  }
}

interface Sendable {
  readonly message: Message;
  readonly fields: string;
}

/** Messages that can be sent to a mesh/1 peer, within the bytes of one answer: from the newest or from the oldest on. */
function fitting(messages: readonly Message[], fromNewest: boolean): Sendable[] {
  const out: Sendable[] = [];
  let bytes = 0;
  for (const message of fromNewest ? messages.toReversed() : messages) {
    const fields = mesh1Fields(message);
    if (fields === undefined) continue;
    bytes += fields.length;
    if (bytes > LIMITS.mesh1PageBytesMax && out.length > 0) break;
    out.push({ message, fields });
  }
  return fromNewest ? out.reverse() : out;
}
