/**
 * Second keepers. A leaf compares the channels that it joined with its home relays again and again; of what it wrote into
 * others nobody but their readers knows. If the one relay that keeps such a message is gone before it passed it on, the
 * message is gone too. So one more home relay is asked to keep it, now or once there is one, also after a restart.
 */
import type { Bytes } from '../bytes.ts';
import type { Context } from '../context.ts';
import type { Gossip } from '../gossip/gossip.ts';
import { targetOf } from '../gossip/outbound.ts';
import { LIMITS, MINUTE } from '../limits.ts';
import type { Link } from '../link/link.ts';
import type { Membership } from '../membership/membership.ts';
import type { Footprint } from '../peer-types.ts';
import type { QueryAnswer } from '../persistence.ts';
import type { Journal } from './journal.ts';

type Row = Extract<QueryAnswer, { kind: 'outbox' }>['rows'][number];

export interface CopiesParts {
  readonly membership: Membership;
  readonly gossip: Gossip;
  readonly journal: Journal;
}

export class Copies {
  readonly #ctx: Context;
  readonly #parts: CopiesParts;
  /** id text → who was asked to keep it */
  readonly #underWay = new Map<string, Link>();
  /** who did not say that he has what he was given, and until when he is left alone */
  readonly #silent = new Map<Link, number>();
  /** peer → up to which arrival he was asked, the latest last: what he did not confirm keeps nothing else from him */
  readonly #asked = new Map<string, number>();
  #pushedMs = 0;
  #isReading = false;
  #afterArrival = 0;
  /** when the table is looked at again from its start */
  #nextMs = 0;

  constructor(ctx: Context, parts: CopiesParts) {
    this.#ctx = ctx;
    this.#parts = parts;
  }

  footprint(): Footprint {
    return {
      copies: { size: this.#underWay.size, max: LIMITS.outboxPage },
      copiesAsked: { size: this.#asked.size, max: LIMITS.linksMax },
      copiesSilent: { size: this.#silent.size, max: LIMITS.linksMax },
    };
  }

  /** There are other home relays, or more messages with one keeper. */
  review(): void {
    this.#nextMs = 0;
  }

  /** Once a second: one page after the other, each when the one before is confirmed or has waited for long. */
  tick(): void {
    const now = this.#ctx.now.monotonicMs;
    if (now - this.#pushedMs >= LIMITS.outboxSlowMs) this.#giveUp();
    const isBusy = this.#isReading || this.#underWay.size > 0;
    if (isBusy || now < this.#nextMs || this.#parts.membership.homes().length < 2) return;
    this.#isReading = true;
    const limit = LIMITS.outboxPage;
    this.#ctx.read(
      { kind: 'outbox', afterArrival: this.#afterArrival, limit, alone: true },
      ({ rows }) => {
        this.#isReading = false;
        const isAll = this.#push(rows) === rows.length && rows.length < limit;
        if (isAll) this.#startAgain();
      },
      () => {
        this.#isReading = false;
      },
    );
  }

  /** The whole table has been looked at. Who was there for it is asked from its start again. */
  #startAgain(): void {
    this.#afterArrival = 0;
    this.#nextMs = this.#ctx.now.monotonicMs + MINUTE;
    for (const link of this.#parts.membership.homes())
      if (!this.#silent.has(link)) this.#asked.delete(link.peer);
  }

  /** What was not confirmed goes to somebody else, or to the same ones much later. */
  #giveUp(): void {
    const now = this.#ctx.now.monotonicMs;
    // In the midst of the table he would miss its beginning.
    for (const [link, untilMs] of this.#silent)
      if ((untilMs <= now && this.#afterArrival === 0) || link.phase !== 'up') this.#silent.delete(link);
    for (const link of this.#underWay.values()) this.#silent.set(link, now + LIMITS.copiesAgainMs);
    this.#underWay.clear();
  }

  /** @returns how many of the rows are done with: they have been pushed, or there is nobody to push them to */
  #push(rows: readonly Row[]): number {
    let bytes = 0;
    for (const [i, { arrival, storedBy, message }] of rows.entries()) {
      const { idText, wire } = message.message;
      if (bytes + wire.length > LIMITS.outboxWindowBytes) return i;
      this.#afterArrival = arrival;
      const link = this.#parts.membership
        .homes()
        .find(
          (one) => !storedBy.includes(one.peer) && !this.#silent.has(one) && arrival > this.#askedTo(one),
        );
      if (!link) continue;
      bytes += wire.length;
      this.#noteAsked(link, arrival);
      this.#underWay.set(idText, link);
      this.#pushedMs = this.#ctx.now.monotonicMs;
      this.#parts.journal.pushed(idText);
      this.#parts.gossip.outbound.push(targetOf([link], { root: '', keep: true, own: true }), message);
    }
    return rows.length;
  }

  #askedTo({ peer }: Link): number {
    return this.#asked.get(peer) ?? 0;
  }

  #noteAsked({ peer }: Link, arrival: number): void {
    this.#asked.delete(peer);
    this.#asked.set(peer, arrival);
    for (const longest of this.#asked.keys()) {
      if (this.#asked.size <= LIMITS.linksMax) break;
      this.#asked.delete(longest);
    }
  }

  /** A home relay says that it has these on its disk. */
  confirmed(link: Link, ids: readonly Bytes[], toText: (id: Bytes) => string): void {
    const stored = ids.map(toText).filter((id) => this.#underWay.get(id) === link);
    if (stored.length === 0) return;
    for (const id of stored) {
      this.#underWay.delete(id);
      this.#parts.journal.stored(id, link.peer, 'home');
    }
    this.#ctx.persist([{ kind: 'delivery', ids: stored, state: 'stored', by: link.peer }]);
  }
}
