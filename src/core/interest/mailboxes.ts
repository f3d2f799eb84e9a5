/**
 * Mailboxes: channels that we hold for peers that are away, because they asked for it.
 *
 * Peer ids cost nothing. So who has been linked for less than an hour in all is a newcomer: few channels, few mailboxes for
 * each address group, and they give way first. A newcomer never takes the place of somebody who is none. Whom the operator
 * names is none from the beginning.
 */
import type { Context } from '../context.ts';
import type { RestoredState } from '../contract.ts';
import { HOUR, LIMITS, MINUTE } from '../limits.ts';
import type { Link } from '../link/link.ts';
import type { Links } from '../link/links.ts';
import { addressGroup } from '../membership/address-group.ts';
import type { Footprint } from '../peer-types.ts';
import type { PersistOp } from '../persistence.ts';

interface Mailbox {
  readonly tags: readonly string[];
  /** what it asked for, as much as it could have at most; after a restart what it has */
  readonly asked: readonly string[];
  readonly untilMs: number;
  /** how long its owner has been linked in all while it had one, at most what makes it established */
  readonly linkedMs: number;
  /** how much of that the store knows */
  readonly notedMs: number;
  readonly group: string;
}

export interface MailboxesHost {
  /** whether a leaf of ours is at the other end: whoever else keeps his channels himself, or is our own home relay */
  readonly isLeaf: (link: Link) => boolean;
  /** these channels are kept for somebody, perhaps instead of others */
  readonly keeps: (tags: readonly string[], newcomerFrom: string | undefined) => void;
  /** who is linked is no newcomer any more */
  readonly established: (link: Link) => void;
}

export class Mailboxes {
  readonly #ctx: Context;
  readonly #links: Links;
  readonly #host: MailboxesHost;
  readonly #boxes = new Map<string, Mailbox>();

  constructor(ctx: Context, links: Links, host: MailboxesHost) {
    this.#ctx = ctx;
    this.#links = links;
    this.#host = host;
  }

  restore(boxes: RestoredState['mailboxes']): void {
    for (const { peer, ...box } of boxes)
      this.#boxes.set(peer, { ...box, asked: box.tags, notedMs: box.linkedMs });
  }

  /** Of all mailboxes; those of newcomers last, because what lists them is bounded. */
  *tags(): Iterable<string> {
    const boxes = [...this.#boxes];
    for (const [peer, box] of boxes) if (!this.#isNew(peer, box)) yield* box.tags;
    for (const [peer, box] of boxes) if (this.#isNew(peer, box)) yield* box.tags;
  }

  /** Of each mailbox its tags, and the address group if its owner is a newcomer. */
  *claims(): Iterable<readonly [tags: readonly string[], newcomerFrom: string | undefined]> {
    for (const [peer, box] of this.#boxes) yield [box.tags, this.#isNew(peer, box) ? box.group : undefined];
  }

  /** The address group of a leaf that is a newcomer. */
  newcomerFrom(link: Link): string | undefined {
    return this.#isNew(link.peer, this.#boxes.get(link.peer)) ? addressGroup(link.host) : undefined;
  }

  #isNew(peer: string, box: Pick<Mailbox, 'linkedMs'> | undefined): boolean {
    return !this.#ctx.config.known.has(peer) && (box?.linkedMs ?? 0) < LIMITS.mailboxEstablishedMs;
  }

  #quotaOf(peer: string, linkedMs: number, asked: readonly string[]): readonly string[] {
    return this.#isNew(peer, { linkedMs }) ? asked.slice(0, LIMITS.mailboxTagsMax) : asked;
  }

  keep(link: Link, wanted: readonly string[]): void {
    const { peer } = link;
    if (!this.#host.isLeaf(link)) return this.#answer(link, []);
    const known = this.#boxes.get(peer);
    const group = addressGroup(link.host);
    const asked = [...new Set(wanted)].slice(0, LIMITS.mailboxTagsFullMax);
    const evicted = known || asked.length === 0 ? undefined : this.#toEvict(peer, group);
    if (evicted === 'none') return this.#answer(link, []);
    const linkedMs = known?.linkedMs ?? 0;
    const untilMs = this.#untilMs();
    const box: Mailbox = {
      tags: this.#quotaOf(peer, linkedMs, asked),
      asked,
      untilMs,
      linkedMs,
      notedMs: linkedMs,
      group,
    };
    const ops: PersistOp[] = [opOf(peer, box)];
    if (evicted !== undefined) ops.unshift({ ...opOf(evicted, box), tags: [] });
    this.#ctx.persist(ops, () => {
      if (evicted !== undefined) this.#boxes.delete(evicted);
      const isLate = !this.#boxes.has(peer) && asked.length > 0 && this.#toEvict(peer, group) !== undefined;
      if (isLate)
        this.#ctx.persist([{ ...opOf(peer, box), tags: [] }]); // others were faster
      else if (asked.length > 0) this.#boxes.set(peer, box);
      else this.#boxes.delete(peer);
      this.#host.keeps(isLate ? [] : box.tags, this.#isNew(peer, box) ? group : undefined);
      this.#answer(link, isLate ? [] : box.tags);
    });
  }

  #answer(link: Link, tags: readonly string[]): void {
    this.#links.send(link, { type: 'mailbox-kept', tags, hours: LIMITS.mailboxMs / HOUR });
  }

  #untilMs(): number {
    return Math.floor(this.#ctx.now.wallMs) + LIMITS.mailboxMs;
  }

  /** Whose mailbox makes room for another one: `undefined` if there is room, 'none' if nobody's does. */
  #toEvict(owner: string, group: string): string | 'none' | undefined {
    const newcomers = [...this.#boxes].filter(([peer, box]) => this.#isNew(peer, box));
    const same = newcomers.filter(([, box]) => box.group === group);
    const isGroupFull = this.#isNew(owner, undefined) && same.length >= LIMITS.mailboxesOfGroupMax;
    if (!isGroupFull && this.#boxes.size < LIMITS.mailboxesMax) return undefined;
    let longest: string | undefined;
    let leastMs = Number.POSITIVE_INFINITY;
    for (const [peer, { untilMs }] of isGroupFull ? same : newcomers) {
      if (untilMs >= leastMs || this.#linkOf(peer)) continue;
      longest = peer;
      leastMs = untilMs;
    }
    return longest ?? 'none';
  }

  /** Once a minute: who is linked renews his by being there, and is a newcomer for a minute less. */
  renewAll(): void {
    for (const [peer, box] of this.#boxes) {
      const link = this.#linkOf(peer);
      if (link) this.#renew(link, box);
    }
  }

  /** Of an owner who is here, and still a leaf. */
  #linkOf(peer: string): Link | undefined {
    const link = this.#links.withPeer(peer);
    return link && this.#host.isLeaf(link) ? link : undefined;
  }

  #renew(link: Link, box: Mailbox): void {
    const linkedMs = Math.min(LIMITS.mailboxEstablishedMs, box.linkedMs + MINUTE);
    const tags = this.#quotaOf(link.peer, linkedMs, box.asked);
    const isMore = tags.length > box.tags.length;
    const untilMs = this.#untilMs();
    const isDue =
      isMore ||
      untilMs - box.untilMs >= HOUR ||
      linkedMs - box.notedMs >= LIMITS.mailboxEstablishedMs / 2 ||
      (linkedMs > box.notedMs && linkedMs === LIMITS.mailboxEstablishedMs);
    if (!isDue) {
      this.#boxes.set(link.peer, { ...box, linkedMs });
      return;
    }
    const renewed = { ...box, tags, untilMs, linkedMs, notedMs: linkedMs };
    this.#boxes.set(link.peer, renewed);
    if (!this.#isNew(link.peer, renewed) && this.#isNew(link.peer, box)) this.#host.established(link);
    this.#ctx.persist([opOf(link.peer, renewed)], () => {
      if (isMore) this.#answer(link, tags);
    });
  }

  /** @returns whether any has lapsed */
  expire(): boolean {
    let lapsed = false;
    for (const [peer, { untilMs }] of this.#boxes)
      if (untilMs <= this.#ctx.now.wallMs && !this.#linkOf(peer)) lapsed = this.#boxes.delete(peer) || lapsed;
    return lapsed;
  }

  footprint(): Footprint {
    return { mailboxes: { size: this.#boxes.size, max: LIMITS.mailboxesMax } };
  }
}

function opOf(
  peer: string,
  { tags, untilMs, linkedMs, group }: Mailbox,
): Extract<PersistOp, { kind: 'mailbox' }> {
  return { kind: 'mailbox', peer, tags, untilMs, linkedMs, group };
}
