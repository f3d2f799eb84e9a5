/**
 * The outbox: own messages on their way to somebody who keeps them. A leaf hands them to its live home relay; a relay
 * is their root itself and asks one neighbouring relay to keep a copy. `stored` frames confirm them. The table in the
 * store is the truth; what is held here is only the window of messages that are under way.
 *
 * Invariants:
 * 1. At most `outboxWindow` messages are unconfirmed with the keeper; the others wait in the table.
 * 2. Every message is pushed again until it is confirmed: after a change of keeper, and 10 s without a word.
 */
import type { Bytes } from '../bytes.ts';
import type { Context } from '../context.ts';
import type { Gossip } from '../gossip/gossip.ts';
import { LIMITS } from '../limits.ts';
import type { Link } from '../link/link.ts';
import type { Links } from '../link/links.ts';
import type { Membership } from '../membership/membership.ts';
import type { Message } from '../message/message.ts';
import type { VerifiedMessage } from '../message/verified.ts';

export class Outbox {
  readonly #ctx: Context;
  readonly #links: Links;
  readonly #membership: Membership;
  readonly #gossip: Gossip;
  /** id text → when it was pushed to the keeper */
  readonly #underWay = new Map<string, number>();
  #keeper: Link | undefined;
  /** the table holds messages that are not under way */
  #backlog = false;
  #reading = false;
  /** something was added to the backlog while a page was being read */
  #added = false;
  #afterArrival = 0;
  /** counts the times that the table was begun anew: a page of an earlier round is void */
  #round = 0;
  #relayed: string[] = [];
  /** own messages of this run that no link has taken yet: they count as relayed once a neighbour fetches them */
  readonly #untaken = new Set<string>();
  /** a confirmation could not be written down: its messages are in the table as if unconfirmed */
  #unnoted = false;

  constructor(ctx: Context, links: Links, membership: Membership, gossip: Gossip) {
    this.#ctx = ctx;
    this.#links = links;
    this.#membership = membership;
    this.#gossip = gossip;
  }

  /** A message of a local identity became durable. */
  published(message: VerifiedMessage, tag: string): void {
    const took = this.#gossip.publish(message, tag);
    if (this.#keeper && !this.#backlog && this.#underWay.size < LIMITS.outboxWindow) this.#push(message);
    else {
      this.#backlog = true;
      this.#added = true;
      if (took) this.#markRelayed(message.message.idText);
      else if (this.#untaken.size < LIMITS.publishesMax) this.#untaken.add(message.message.idText);
      this.#read();
    }
  }

  #push(message: VerifiedMessage): void {
    const keeper = this.#keeper as Link;
    const root = this.#membership.isRelay ? this.#ctx.config.peerId : '';
    this.#underWay.set(message.message.idText, this.#ctx.now.monotonicMs);
    this.#gossip.outbound.push([keeper], message, { root, keep: true });
    this.#markRelayed(message.message.idText);
  }

  /** A neighbour fetched these. */
  served(messages: readonly Message[]): void {
    if (this.#untaken.size === 0) return;
    for (const { idText } of messages) if (this.#untaken.has(idText)) this.#markRelayed(idText);
  }

  #markRelayed(id: string): void {
    this.#untaken.delete(id);
    this.#relayed.push(id);
    this.#ctx.arm('flush', 0);
  }

  /** The relay that keeps what we publish: a leaf's live relay, or the neighbour that a relay has longest. */
  #choose(): Link | undefined {
    if (!this.#membership.isRelay) return this.#membership.live;
    if (this.#keeper && this.#links.get(this.#keeper.id) === this.#keeper && this.#keeper.remoteRelay)
      return this.#keeper;
    return this.#membership.overlay()[0];
  }

  /** Links or roles changed. */
  review(): void {
    const keeper = this.#choose();
    if (keeper === this.#keeper) return;
    this.#keeper = keeper;
    this.#underWay.clear();
    this.#startOver();
  }

  #startOver(): void {
    this.#backlog = true;
    this.#added = true;
    this.#afterArrival = 0;
    this.#round++;
    this.#read();
  }

  /** Takes the next page of the table while the window has room. */
  #read(): void {
    if (!this.#keeper || this.#reading || !this.#backlog) return;
    if (this.#underWay.size > LIMITS.outboxWindow - LIMITS.outboxPage) return;
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
        for (const { arrival, message } of rows) {
          this.#afterArrival = Math.max(this.#afterArrival, arrival);
          if (!this.#underWay.has(message.message.idText)) this.#push(message);
        }
        if (rows.length < LIMITS.outboxPage && !this.#added) this.#backlog = false;
        else this.#read();
      },
      () => {
        this.#reading = false;
      },
    );
  }

  /** A keeper says that it has these on its disk. */
  confirmed(link: Link, ids: readonly Bytes[], toText: (id: Bytes) => string): void {
    if (link !== this.#keeper) return;
    const stored = ids.map(toText).filter((id) => this.#underWay.delete(id));
    if (stored.length > 0) {
      this.#ctx.persist(
        [{ kind: 'delivery', ids: stored, state: 'stored', by: link.peer }],
        () => {
          for (const id of stored) this.#ctx.emit({ kind: 'delivery', id, state: 'stored', by: link.peer });
        },
        () => {
          this.#unnoted = true;
        },
      );
    }
    this.#read();
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

  /** Once a second: what was not confirmed in time is read from the table and pushed again. */
  tick(): void {
    const now = this.#ctx.now.monotonicMs;
    let lost = this.#unnoted;
    this.#unnoted = false;
    for (const [id, pushedMs] of this.#underWay) {
      if (now - pushedMs < LIMITS.outboxRetryMs) break; // in the order of pushing
      this.#underWay.delete(id);
      lost = true;
    }
    if (lost) this.#startOver();
    else this.#read();
  }
}
