/**
 * Catch-up from a mesh/1 peer: page after page of each channel that we subscribed to there, one request at a time. Only
 * messages that carry a mesh/2 message come back whole; mesh/1 peers do not keep signatures, so the rest is counted and
 * left where it is.
 *
 * A page starts behind the last message of the one before, until one brings nothing that this walk has not met. mesh/1
 * does not say whether a request without a cursor gives the oldest messages or the newest. Where it was a full page of the
 * newest, what is older can only be had by asking for more at once: twice as many each time, as far as their size and the
 * other side's maximum allow.
 */
import { equal, fromBase64url } from '../bytes.ts';
import type { Context } from '../context.ts';
import type { LinkId } from '../contract.ts';
import { LIMITS } from '../limits.ts';
import type { Links } from '../link/links.ts';
import type { Message } from '../message/message.ts';
import { encodeSyncRequest, type Mesh1Frame, type Mesh1Message } from '../wire/mesh1.ts';
import { claimOf } from './claim.ts';
import { RecentIds, type Session } from './session.ts';

interface Walk {
  readonly channel: string;
  readonly met: RecentIds;
  pages: number;
  askedMs: number;
  /** messages asked for without a cursor, and the cursor of the request that is open */
  limit: number;
  after: string;
  /** characters of the largest answer for each message in it */
  each: number;
  /** a request without a cursor was answered by as many as were asked for */
  isFull: boolean;
}

interface Pulling {
  /** channels to be walked through */
  readonly channels: string[];
  walk: Walk | undefined;
  hasAnswered: boolean;
  /** channels asked about that were not answered in time: an answer may still come, and they get one more turn */
  readonly late: Set<string>;
}

type Answer = Extract<Mesh1Frame, { type: 'sync_response' }>;

function newWalk(channel: string): Walk {
  const limit = LIMITS.mesh1PullPage;
  return {
    channel,
    met: new RecentIds(MET_MAX),
    pages: 0,
    askedMs: 0,
    limit,
    after: '',
    each: 0,
    isFull: false,
  };
}

/** Doubles what is asked for without a cursor. @returns false if that may not be */
function widen(walk: Walk): boolean {
  const fitting = Math.floor(LIMITS.mesh1PageBytesMax / Math.max(1, walk.each));
  const limit = Math.min(2 * walk.limit, LIMITS.mesh1ServeMax, fitting);
  if (limit <= walk.limit) return false;
  walk.limit = limit;
  return true;
}

/** Ids of one walk that are remembered: a peer that ignores cursors repeats its last page, not an old one (guess). */
const MET_MAX = 2048;

export interface PullHost {
  /** what a page brought; signatures are not checked yet. `rated`: it is more than was asked for */
  readonly enter: (session: Session, messages: readonly Message[], rated: boolean) => void;
  /** takes the link's rate, in messages */
  readonly charge: (session: Session, tokens: number) => void;
  /** all that there is to see of a channel was seen */
  readonly walked: (session: Session, channel: string) => void;
}

export class Pull {
  readonly #ctx: Context;
  readonly #links: Links;
  readonly #host: PullHost;
  readonly #pulls = new Map<LinkId, Pulling>();

  constructor(ctx: Context, links: Links, host: PullHost) {
    this.#ctx = ctx;
    this.#links = links;
    this.#host = host;
  }

  /** Walks through a channel that we subscribed to. */
  want(session: Session, channel: string): void {
    if (!session.hasStore) return this.#host.walked(session, channel);
    const pulling = this.#pulls.get(session.link.id) ?? {
      channels: [],
      walk: undefined,
      hasAnswered: false,
      late: new Set<string>(),
    };
    this.#pulls.set(session.link.id, pulling);
    if (!pulling.channels.includes(channel)) pulling.channels.push(channel);
    if (!pulling.walk) this.#next(session, pulling);
  }

  #next(session: Session, pulling: Pulling): void {
    const walked = pulling.walk?.channel;
    const channel = pulling.channels.shift();
    pulling.walk = channel === undefined ? undefined : newWalk(channel);
    if (pulling.walk) this.#ask(session, pulling.walk, '');
    if (walked !== undefined) this.#host.walked(session, walked);
  }

  #ask(session: Session, walk: Walk, after: string): void {
    walk.askedMs = this.#ctx.now.monotonicMs;
    walk.pages++;
    walk.after = after;
    const limit = after === '' ? walk.limit : LIMITS.mesh1PullPage;
    this.#links.sendText(session.link, encodeSyncRequest(walk.channel, after, limit));
  }

  /** @param characters of the whole answer. @returns false if nobody asked for it */
  answered(session: Session, answer: Answer, characters: number): boolean {
    const { channel, messages } = answer;
    const pulling = this.#pulls.get(session.link.id);
    const walk = pulling?.walk;
    if (!pulling || (walk?.channel !== channel && !pulling.late.has(channel))) return false;
    if (!pulling.hasAnswered)
      this.#ctx.emit({ kind: 'mesh1', link: session.link.id, textBytesMax: LIMITS.mesh1BytesMax });
    pulling.hasAnswered = true;
    session.unverified += answer.unreadable;
    if (walk?.channel !== channel) {
      this.#take(session, channel, messages, LIMITS.mesh1PullPage);
      return true;
    }
    const fresh = messages.filter(({ messageId }) => walk.met.add(messageId));
    this.#take(session, channel, fresh, walk.after === '' ? walk.limit : LIMITS.mesh1PullPage);
    const last = messages.at(-1)?.messageId;
    if (messages.length > 0) walk.each = Math.max(walk.each, characters / messages.length);
    if (walk.after === '') walk.isFull = messages.length >= walk.limit;
    const isFirst = walk.after === '' && walk.limit === LIMITS.mesh1PullPage;
    if (walk.pages >= LIMITS.mesh1PullPagesMax) this.#next(session, pulling);
    else if (fresh.length > 0 && last !== undefined && (walk.after !== '' || isFirst))
      this.#ask(session, walk, last);
    else if (walk.isFull && (walk.after !== '' || fresh.length > 0) && widen(walk))
      this.#ask(session, walk, '');
    else this.#next(session, pulling);
    return true;
  }

  /** @param asked so many messages were asked for; what is more counts like what nobody asked for */
  #take(session: Session, channel: string, frames: readonly Mesh1Message[], asked: number): void {
    const found: Message[] = [];
    const unverifiable: string[] = [];
    for (const frame of frames) {
      const claim = claimOf(this.#ctx.messages, frame);
      if (claim.kind === 'message' && claim.message.channel === channel) found.push(claim.message);
      else if (claim.kind === 'unverifiable') unverifiable.push(claim.idText);
      else if (claim.kind !== 'private')
        this.#links.offend(session.link, 'malformed', 'a message that is none');
    }
    if (unverifiable.length > 0) this.#count(session, unverifiable);
    if (found.length === 0) return;
    this.#knowHeld(session, found);
    this.#host.enter(session, found.slice(0, asked), false);
    const more = found.slice(asked);
    if (more.length === 0) return;
    this.#host.charge(session, more.length);
    this.#host.enter(session, more, true);
  }

  /** What is here already passes no more: the peer has it if it is the same, signature and all. */
  #knowHeld(session: Session, found: readonly Message[]): void {
    this.#ctx.read({ kind: 'messages', ids: found.map(({ id }) => id) }, ({ messages }) => {
      found.forEach((message, i) => {
        const held = messages[i]?.message;
        if (held && equal(held.wire, message.wire)) session.known.add(message.idText);
      });
    });
  }

  /** What came with its signature at another time, and is here, can be verified. */
  #count(session: Session, idTexts: readonly string[]): void {
    const ids = idTexts
      .filter((text) => text !== '')
      .map((text) => fromBase64url(text) ?? new Uint8Array(32));
    session.unverified += idTexts.length - ids.length;
    if (ids.length === 0) return;
    this.#ctx.read(
      { kind: 'has', ids },
      ({ holdings }) => {
        session.unverified += holdings.filter(
          (holding) => holding === 'unknown' || holding === 'named',
        ).length;
      },
      () => {
        session.unverified += ids.length;
      },
    );
  }

  /** Once a second: a peer that does not answer is asked about the next channel. */
  tick(sessions: Iterable<Session>): void {
    for (const session of sessions) {
      const pulling = this.#pulls.get(session.link.id);
      if (pulling?.walk) this.#look(session, pulling, pulling.walk);
    }
  }

  #look(session: Session, pulling: Pulling, walk: Walk): void {
    const now = this.#ctx.now.monotonicMs;
    // While we do not read the link, its silence is our doing.
    if (session.link.pausedUntilMs > now) walk.askedMs = now;
    if (now - walk.askedMs < LIMITS.requestMs) return;
    if (!pulling.late.has(walk.channel)) pulling.channels.push(walk.channel);
    pulling.late.add(walk.channel);
    this.#next(session, pulling);
  }

  down(session: Session): void {
    this.#pulls.delete(session.link.id);
  }
}
