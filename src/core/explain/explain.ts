/**
 * Why a message is where it is: what the parts of a peer know of one id, put together on demand. A question to the state
 * and nothing more; no part remembers anything for longer because of it. Times are wall ms.
 */
import { toBase64url } from '../bytes.ts';
import type { Context } from '../context.ts';
import type { Journey, KeeperStanding } from '../delivery/journal.ts';
import type { Outbox } from '../delivery/outbox.ts';
import type { Gossip } from '../gossip/gossip.ts';
import type { Origin, Refusal } from '../gossip/origins.ts';
import type { Interest } from '../interest/interest.ts';
import { HOUR } from '../limits.ts';
import type { Links } from '../link/links.ts';
import type { Membership } from '../membership/membership.ts';
import type { Time } from '../message/time.ts';
import type { Retention } from '../retention/retention.ts';
import { type Path, pathOf } from './path.ts';

/** What is known of a message beside its content. */
export interface MessageHead {
  readonly channel: string;
  /** id text */
  readonly author: string;
  readonly time: Time;
  /** ms, 0 for never */
  readonly expiresMs: number;
}

export interface Question {
  /** id text */
  readonly id: string;
  /** what the store knows; undefined: it does not know the id */
  readonly stored: MessageHead | undefined;
  /** it was published here */
  readonly isOwn: boolean;
}

/** Who is asked to keep own messages. */
export interface Keeper {
  readonly peer: string;
  readonly standing: KeeperStanding;
}

/** An own message on its way, as far as this run saw it. */
export interface DeliveryFacts extends Omit<Journey, 'lastPushMs'> {
  readonly keeper: Keeper | undefined;
  /** the keeper has not confirmed it: when it was pushed, and when it is again if it stays silent */
  readonly underWay: { readonly pushedMs: number; readonly againMs: number } | undefined;
  /** own messages that the keeper has not confirmed */
  readonly unconfirmed: number;
}

/** How the channel is kept here. */
export interface Keeping {
  readonly isHeld: boolean;
  readonly isJoined: boolean;
  /** it is complete here from then on; older messages are not taken */
  readonly floorMs: number;
  /** a message of this time would be taken */
  readonly takes: boolean;
}

export type Fetching =
  | { readonly kind: 'asked' }
  | { readonly kind: 'tried'; readonly againMs: number }
  /** it waits for room in the rates, and for a link that has the channel too: so many there are */
  | { readonly kind: 'not-yet'; readonly links: number };

export interface Explanation {
  /** it passed within the last minutes and is still in memory */
  readonly passed: MessageHead | undefined;
  readonly came: Origin | undefined;
  readonly refused: Refusal | undefined;
  /** undefined where nothing is known of the message: then there is no channel to speak of */
  readonly keeping: Keeping | undefined;
  /** how the fetching of content stands that was put off; it says something only if it was */
  readonly fetching: Fetching;
  readonly delivery: DeliveryFacts;
  readonly path: Path | undefined;
}

export interface ExplainParts {
  readonly links: Links;
  readonly membership: Membership;
  readonly interest: Interest;
  readonly retention: Retention;
  readonly gossip: Gossip;
  readonly outbox: Outbox;
}

/** A moment of the clock that only grows, as a date. */
const toWall = ({ now }: Context, ms: number): number => Math.round(now.wallMs + ms - now.monotonicMs);

function deliveryFacts(ctx: Context, { outbox }: ExplainParts, id: string): DeliveryFacts {
  const { keeper, underWay, unconfirmed, journey } = outbox.standing(id);
  return {
    keeper,
    underWay: underWay && {
      pushedMs: toWall(ctx, underWay.pushedMs),
      againMs: toWall(ctx, underWay.againMs),
    },
    unconfirmed,
    pushes: journey?.pushes ?? 0,
    firstPushMs: journey?.firstPushMs ?? 0,
    takers: journey?.takers ?? [],
    moreTakers: journey?.moreTakers ?? 0,
    stored: journey?.stored ?? [],
  };
}

function keepingOf({ interest, retention }: ExplainParts, tag: string, timeMs: number): Keeping {
  const { kept } = interest;
  const isHeld = interest.holds(tag);
  return {
    isHeld,
    isJoined: kept.policyOf(tag) !== undefined,
    floorMs: kept.floorHour(tag) * HOUR,
    takes: isHeld && retention.takes(tag, timeMs),
  };
}

function fetchingOf(ctx: Context, parts: ExplainParts, id: string, tag: string): Fetching {
  const asked = parts.gossip.asked(id);
  if (asked.kind === 'asked') return asked;
  if (asked.kind === 'tried') return { kind: 'tried', againMs: toWall(ctx, asked.againMs) };
  const links = parts.links.all().filter((link) => parts.interest.isShared(link, tag)).length;
  return { kind: 'not-yet', links };
}

/** Everything that is known of one message. */
export function explain(ctx: Context, parts: ExplainParts, { id, stored, isOwn }: Question): Explanation {
  const message = parts.gossip.seen.message(id)?.message;
  const passed: MessageHead | undefined = message && {
    channel: message.channel,
    author: toBase64url(message.author),
    time: message.time,
    expiresMs: message.expiresMs,
  };
  const { came, refused } = parts.gossip.origins.of(id);
  const head = stored ?? passed;
  const tag = head && ctx.tagOf(head.channel);
  const own = ctx.config.peerId;
  const root = isOwn || !came || came.root === '' ? own : came.root;
  return {
    passed,
    came,
    refused,
    keeping: head && tag !== undefined ? keepingOf(parts, tag, head.time.timeMs) : undefined,
    fetching: fetchingOf(ctx, parts, id, tag ?? ''),
    delivery: deliveryFacts(ctx, parts, id),
    path: tag === undefined ? undefined : pathOf({ own, ...parts }, tag, root),
  };
}

/** Ids that begin so among what passed lately or was refused, at most `limit`. */
export function recentIds({ gossip }: Pick<ExplainParts, 'gossip'>, prefix: string, limit: number): string[] {
  const passed = gossip.seen.startingWith(prefix, limit);
  return [...new Set([...passed, ...gossip.origins.refusedStartingWith(prefix, limit)])].slice(0, limit);
}
