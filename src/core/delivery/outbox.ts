/**
 * The outbox: own messages on their way to somebody who keeps them. A leaf hands them to its live home relay; a relay
 * is their root itself and asks one neighbouring relay to keep a copy. `stored` frames confirm them. The table in the
 * store is the truth; what is held here is only the window of messages that are under way.
 *
 * Invariants:
 * 1. At most `outboxWindow` messages are unconfirmed with the keeper; the others wait in the table.
 * 2. Every message is pushed again until it is confirmed: after a change of keeper, and 10 s without a word.
 * 3. What nobody compares later on gets a second keeper: `copies.ts`.
 */

import type { Bytes } from '../bytes.ts';
import type { Context } from '../context.ts';
import type { Gossip } from '../gossip/gossip.ts';
import { targetOf } from '../gossip/outbound.ts';
import type { Interest } from '../interest/interest.ts';
import { LIMITS } from '../limits.ts';
import { type Link, nameOf } from '../link/link.ts';
import type { Membership } from '../membership/membership.ts';
import type { Message } from '../message/message.ts';
import type { VerifiedMessage } from '../message/verified.ts';
import type { Footprint } from '../peer-types.ts';
import type { QueryAnswer } from '../persistence.ts';
import { Copies } from './copies.ts';
import { Journal, type Journey, type KeeperStanding } from './journal.ts';

/** Where an unconfirmed own message stands at this moment. */
export interface Standing {
  /** who is asked to keep own messages; undefined: nobody is linked that could */
  readonly keeper: { readonly peer: string; readonly standing: KeeperStanding } | undefined;
  /** the keeper has it and has not confirmed it: when it was pushed, and pushed again without a word, monotonic ms */
  readonly underWay: { readonly pushedMs: number; readonly againMs: number } | undefined;
  /** own messages that the keeper has not confirmed */
  readonly unconfirmed: number;
  readonly journey: Journey | undefined;
}

export interface OutboxParts {
  readonly membership: Membership;
  readonly interest: Interest;
  readonly gossip: Gossip;
}

export class Outbox {
  readonly #journal: Journal;
  readonly #ctx: Context;
  readonly #membership: Membership;
  readonly #gossip: Gossip;
  readonly #copies: Copies;
  readonly #interest: Interest;
  /** id text → when it was pushed to the keeper, its size and tag */
  readonly #underWay = new Map<string, { pushedMs: number; bytes: number; tag: string }>();
  #underWayBytes = 0;
  /** neighbours that do not keep what they are given */
  readonly #silent = new Set<Link>();
  /** rounds in a row in which nothing was confirmed */
  #rounds = 0;
  #roundMs = 0;
  /** when the keeper confirmed anything last */
  #confirmedMs = Number.NEGATIVE_INFINITY;
  #keeper: Link | undefined;
  /** of what the keeper has not confirmed: when it was pushed to it first, oldest first; as much as is under way at once */
  readonly #firstMs = new Map<string, number>();
  /** messages that it has confirmed since it was last judged */
  #pace = { confirmed: 0, sinceMs: 0 };
  /** the table holds messages that are not under way */
  #backlog = false;
  #reading = false;
  /** something was added to the backlog while a page was being read */
  #added = false;
  #afterArrival = 0;
  /** the table is to be read from its start again when its end is reached */
  #wrap = false;
  /** counts the times that the table was begun anew: a page of an earlier round is void */
  #round = 0;
  #relayed: string[] = [];
  /** own messages of this run that no link has taken yet: they count as relayed once a neighbour fetches them */
  readonly #untaken = new Set<string>();
  /** a confirmation could not be written down: its messages are in the table as if unconfirmed */
  #unnoted = false;

  constructor(ctx: Context, { membership, interest, gossip }: OutboxParts) {
    this.#ctx = ctx;
    this.#membership = membership;
    this.#gossip = gossip;
    this.#interest = interest;
    this.#journal = new Journal(ctx);
    this.#copies = new Copies(ctx, { membership, gossip, journal: this.#journal });
  }

  /** For explanations; changes nothing. */
  standing(id: string): Standing {
    const way = this.#underWay.get(id);
    const underWay = way && { pushedMs: way.pushedMs, againMs: way.pushedMs + this.#patienceMs() };
    const keeper = this.#keeper;
    return {
      keeper: keeper && { peer: keeper.peer, standing: this.#standingOf(keeper) },
      underWay,
      unconfirmed: this.#underWay.size,
      journey: this.#journal.of(id),
    };
  }

  #standingOf(keeper: Link): KeeperStanding {
    if (!this.#membership.isRelay) return 'home';
    return keeper.role === 'dialler' ? 'dialled' : 'dialled-in';
  }

  footprint(): Footprint {
    return {
      ...this.#copies.footprint(),
      unconfirmed: { size: this.#underWay.size, max: LIMITS.outboxWindow },
      journeys: { size: this.#journal.size, max: LIMITS.journeysMax },
      unconfirmedBytes: { size: this.#underWayBytes, max: LIMITS.outboxWindowBytes + LIMITS.messageBytesMax },
    };
  }

  /** A message of a local identity became durable. */
  published(message: VerifiedMessage, tag: string): void {
    this.#note(message);
    this.#gossip.publish(message, tag);
    if (this.#keeper && !this.#backlog && this.#hasRoom(message)) this.#push(message);
    else {
      this.#backlog = true;
      this.#added = true;
      this.#read();
    }
  }

  #note(message: VerifiedMessage): void {
    this.#journal.begin(message.message.idText);
    if (this.#untaken.size < LIMITS.publishesMax) this.#untaken.add(message.message.idText);
  }

  #hasRoom(message: VerifiedMessage): boolean {
    if (this.#underWay.size === 0) return true;
    const bytes = this.#underWayBytes + message.message.wire.length;
    return this.#underWay.size < LIMITS.outboxWindow && bytes <= LIMITS.outboxWindowBytes;
  }

  #push(message: VerifiedMessage): void {
    const keeper = this.#keeper as Link;
    const root = this.#membership.isRelay ? this.#ctx.config.peerId : '';
    const { idText, wire, channel } = message.message;
    const tag = this.#ctx.tagOf(channel);
    this.#underWay.set(idText, { pushedMs: this.#ctx.now.monotonicMs, bytes: wire.length, tag });
    this.#underWayBytes += wire.length;
    if (this.#firstMs.size < LIMITS.outboxWindow && !this.#firstMs.has(idText))
      this.#firstMs.set(idText, this.#ctx.now.monotonicMs);
    this.#journal.pushed(idText);
    this.#gossip.outbound.push(targetOf([keeper], { root, keep: true, own: true }), message);
  }

  /** @returns whether it was under way */
  #arrived(id: string): boolean {
    const way = this.#underWay.get(id);
    this.#underWayBytes -= way?.bytes ?? 0;
    return this.#underWay.delete(id);
  }

  /** Messages have left over a link, pushed or because a neighbour asked for them. */
  taken(messages: readonly Message[], link: Link): void {
    this.#journal.taken(messages, nameOf(link));
    if (this.#untaken.size === 0) return;
    for (const { idText } of messages) if (this.#untaken.delete(idText)) this.#relayed.push(idText);
    if (this.#relayed.length > 0) this.#ctx.arm('flush', 0);
  }

  /**
   * Who keeps what we publish: a leaf's live relay; for a relay a neighbour whose address it proved by dialling, and
   * only where there is none one that dialled in. Those that stayed silent come last.
   */
  #choose(): Link | undefined {
    if (!this.#membership.isRelay) return this.#membership.live;
    const candidates = this.#membership.overlay();
    const current = candidates.find((link) => link === this.#keeper && !this.#silent.has(link));
    const dialled = candidates.filter((link) => link.role === 'dialler');
    const isGood = (link: Link): boolean => !this.#silent.has(link);
    if (current && (current.role === 'dialler' || dialled.length === 0)) return current;
    return dialled.find(isGood) ?? current ?? candidates.find(isGood) ?? candidates[0];
  }

  /** The keeper has not confirmed anything for a while: another one gets its turn. */
  #replaceKeeper(): void {
    const { id } = this.#keeper as Link;
    this.#rounds = 0;
    this.#ctx.report('warn', 'a keeper confirms nothing', { link: id, peer: (this.#keeper as Link).peer });
    this.distrust(this.#keeper as Link, 'it confirms nothing');
  }

  /** A neighbour that does not keep what it is given comes last. */
  distrust(link: Link, reason: string): void {
    if (!this.#membership.isRelay) return this.#membership.distrust(link, reason);
    this.#silent.add(link);
    for (const one of this.#silent) if (one.phase !== 'up') this.#silent.delete(one);
    if (this.#membership.overlay().every((link) => this.#silent.has(link))) this.#silent.clear();
    this.review();
  }

  /** Links or roles changed. */
  review(): void {
    this.#copies.review();
    const keeper = this.#choose();
    if (keeper === this.#keeper) return;
    this.#keeper = keeper;
    this.#rounds = 0;
    this.#underWay.clear();
    this.#underWayBytes = 0;
    this.#firstMs.clear();
    this.#pace = { confirmed: 0, sinceMs: this.#ctx.now.monotonicMs };
    this.#startOver();
  }

  #goRound(): void {
    this.#wrap = false;
    this.#afterArrival = 0;
  }

  #startOver(): void {
    this.#backlog = true;
    this.#wrap = false;
    this.#added = true;
    this.#afterArrival = 0;
    this.#round++;
    this.#read();
  }

  /** Takes the next page of the table while the window has room. */
  #read(): void {
    if (!this.#keeper || this.#reading || !this.#backlog) return;
    // A page is worth its reading once half the window is free.
    if (this.#underWay.size > LIMITS.outboxWindow / 2 || this.#underWayBytes > LIMITS.outboxWindowBytes / 2)
      return;
    this.#reading = true;
    this.#added = false;
    const round = this.#round;
    const query = { kind: 'outbox' as const, afterArrival: this.#afterArrival, limit: LIMITS.outboxPage };
    this.#ctx.read(
      query,
      ({ rows }) => {
        this.#reading = false;
        if (!this.#keeper) return;
        if (round !== this.#round) return this.#read();
        const isAll = this.#pushRows(rows) && rows.length < LIMITS.outboxPage;
        if (isAll && !this.#added && !this.#wrap) this.#backlog = false;
        else {
          if (isAll && !this.#added) this.#goRound();
          this.#read();
        }
      },
      () => {
        this.#reading = false;
      },
    );
  }

  /** @returns false if the window filled up before the end; the next page begins there */
  #pushRows(rows: Extract<QueryAnswer, { kind: 'outbox' }>['rows']): boolean {
    for (const { arrival, message, state } of rows) {
      if (!this.#underWay.has(message.message.idText)) {
        if (!this.#hasRoom(message)) return false;
        if (state === 'queued') this.#note(message);
        this.#push(message);
      }
      this.#afterArrival = arrival;
    }
    return true;
  }

  /** A keeper says that it has these on its disk. */
  confirmed(link: Link, ids: readonly Bytes[], toText: (id: Bytes) => string): void {
    this.#copies.confirmed(link, ids, toText);
    if (link !== this.#keeper) return;
    for (const id of ids) this.#firstMs.delete(toText(id));
    this.#pace.confirmed += ids.length;
    const stored: string[] = [];
    const alone: string[] = [];
    for (const id of ids.map(toText)) {
      const { tag } = this.#underWay.get(id) ?? {};
      if (!this.#arrived(id)) continue;
      stored.push(id);
      if (tag !== undefined && this.#isAlone(tag)) alone.push(id);
    }
    if (stored.length > 0) {
      const standing = this.#standingOf(link);
      for (const id of stored) this.#journal.stored(id, link.peer, standing);
      this.#rounds = 0;
      this.#confirmedMs = this.#ctx.now.monotonicMs;
      const by = { kind: 'delivery', state: 'stored', by: link.peer } as const;
      this.#ctx.persist(
        [
          { ...by, ids: alone, alone: true },
          { ...by, ids: stored },
        ],
        () => {
          if (alone.length > 0) this.#copies.review();
          for (const id of stored) this.#ctx.emit({ kind: 'delivery', id, state: 'stored', by: link.peer });
        },
        () => {
          this.#unnoted = true;
        },
      );
    }
    this.#read();
  }

  /** Whether nobody compares it later on: relays hold what they publish. */
  #isAlone(tag: string): boolean {
    return !this.#membership.isRelay && this.#interest.kept.policyOf(tag) === undefined;
  }

  /** Notes in the store what a link took, many at once. */
  flush(): void {
    const ids = this.#relayed;
    if (ids.length === 0) return;
    this.#relayed = [];
    this.#ctx.persist([{ kind: 'delivery', ids, state: 'relayed', by: '' }], () => {
      for (const id of ids) this.#ctx.emit({ kind: 'delivery', id, state: 'relayed', by: '' });
    });
  }

  /** A keeper that goes on confirming is only slow: pushing again would make it slower. */
  get #isSilent(): boolean {
    return this.#ctx.now.monotonicMs - this.#confirmedMs >= LIMITS.outboxRetryMs;
  }

  /** Once a minute: it confirmed one now and then, which is a word each time, and something has waited for half of that. */
  #isTooSlow(now: number): boolean {
    const { confirmed, sinceMs } = this.#pace;
    if (!this.#keeper || now - sinceMs < LIMITS.outboxSlowMs) return false;
    this.#pace = { confirmed: 0, sinceMs: now };
    const [oldestMs] = this.#firstMs.values();
    const isWaiting = oldestMs !== undefined && now - oldestMs >= LIMITS.outboxSlowMs / 2;
    return isWaiting && confirmed < LIMITS.keeperPaceMin;
  }

  #patienceMs(): number {
    return this.#isSilent ? LIMITS.outboxRetryMs : LIMITS.outboxSlowMs;
  }

  /** Once a second: what was not confirmed in time is read from the table and pushed again. */
  tick(): void {
    const now = this.#ctx.now.monotonicMs;
    const isSilent = this.#isSilent;
    const patienceMs = this.#patienceMs();
    let lost = false;
    for (const [id, { pushedMs }] of this.#underWay) {
      if (now - pushedMs < patienceMs) break; // in the order of pushing
      this.#arrived(id);
      lost = true;
    }
    if (lost && isSilent && now - this.#roundMs >= LIMITS.outboxRetryMs) {
      this.#roundMs = now;
      if (++this.#rounds > LIMITS.keeperRoundsMax && this.#keeper) this.#replaceKeeper();
    }
    if (this.#isTooSlow(now)) this.#replaceKeeper();
    // The cursor goes on and comes round: what no keeper ever confirms must not keep others from their turn.
    if (lost || this.#unnoted) {
      this.#backlog = true;
      this.#wrap = true;
    }
    this.#read();
    this.#copies.tick();
    this.#unnoted = false;
  }
}
