/**
 * What a leaf does so that no single home relay can keep messages from it or from others. A second after a message of a
 * channel that its home relays hold too,
 * 1. echo: where it is an own one, each home relay that has not announced it gets it pushed and becomes another root;
 * 2. bridge: where it is somebody else's, each home relay that has neither brought nor announced it is told its id.
 *
 * Where everybody does his work nothing is sent. (Simulated for the design: with a tenth of the relays dropping what
 * they should forward, one entry alone loses a tenth of all messages.)
 */
import type { Context } from '../context.ts';
import { LIMITS } from '../limits.ts';
import type { Link } from '../link/link.ts';
import type { VerifiedMessage } from '../message/verified.ts';
import { LiveWatch } from './live-watch.ts';

export interface HomesHost {
  /** home relays of this peer; none for a relay */
  readonly homes: () => readonly Link[];
  /** whether that home relay holds the channel */
  readonly holds: (link: Link, tag: string) => boolean;
  /** pushes an own message to home relays that are to be roots too */
  readonly inject: (links: readonly Link[], message: VerifiedMessage) => void;
  readonly announce: (link: Link, message: VerifiedMessage) => void;
  /** the live relay does not bring what others bring */
  readonly liveFails: () => void;
}

interface Entry {
  /** undefined while only others spoke of the id */
  message: VerifiedMessage | undefined;
  tag: string;
  isOwn: boolean;
  /** home relays that have it, by their word or by what they sent */
  readonly has: Set<Link>;
  readonly atMs: number;
}

export class Homes {
  readonly #ctx: Context;
  readonly #host: HomesHost;
  /** oldest first */
  readonly #entries = new Map<string, Entry>();
  readonly #watch = new LiveWatch();
  /** of them, those without a message */
  #hearsay = 0;

  constructor(ctx: Context, host: HomesHost) {
    this.#ctx = ctx;
    this.#host = host;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** @param isHearsay nobody but others spoke of it: half of the room is for what is here */
  #entry(id: string, isHearsay: boolean): Entry | undefined {
    const known = this.#entries.get(id);
    if (known || this.#entries.size >= LIMITS.echoesMax) return known;
    if (isHearsay && this.#hearsay >= LIMITS.echoesMax / 2) return undefined;
    this.#hearsay++;
    const atMs = this.#ctx.now.monotonicMs;
    const entry: Entry = { message: undefined, tag: '', isOwn: false, has: new Set(), atMs };
    this.#entries.set(id, entry);
    this.#ctx.arm('echo', LIMITS.echoMs);
    return entry;
  }

  /** A home relay says that it has these, or brought them. */
  heard(link: Link, ids: Iterable<string>): void {
    if (!this.#host.homes().includes(link)) return;
    for (const id of ids) this.#entry(id, true)?.has.add(link);
  }

  /** A message is here that home relays should have. @param from where it came from, undefined for an own one */
  passed(message: VerifiedMessage, tag: string, from: Link | undefined): void {
    const { wallMs } = this.#ctx.now;
    // What catch-up brings is old, and every home relay has it or compares it.
    if (this.#host.homes().length < 2 || message.message.time.timeMs < wallMs - LIMITS.settleMs) return;
    const entry = this.#entry(message.message.idText, false);
    if (!entry || entry.message) return;
    entry.message = message;
    this.#hearsay--;
    entry.tag = tag;
    entry.isOwn = from === undefined;
    if (from) entry.has.add(from);
  }

  /** Looks at what is a second old. */
  check(live: Link | undefined): void {
    const now = this.#ctx.now.monotonicMs;
    for (const [id, entry] of this.#entries) {
      const waitMs = entry.atMs + LIMITS.echoMs - now;
      if (waitMs > 0) return this.#ctx.arm('echo', Math.max(waitMs, LIMITS.echoMs / 4));
      this.#entries.delete(id);
      if (!entry.message) {
        this.#hearsay--;
        continue;
      }
      this.#repair(entry, entry.message, live);
      this.#judge(entry, live);
    }
  }

  #judge({ tag, isOwn, has }: Entry, live: Link | undefined): void {
    if (isOwn || !live || !this.#host.holds(live, tag)) return;
    const hasIt = has.has(live);
    // One home relay alone could have brought what it showed to nobody else.
    if (!hasIt && has.size < LIMITS.agreementWitnesses) return;
    if (this.#watch.judge(live, hasIt, this.#ctx.now.monotonicMs)) this.#host.liveFails();
  }

  #repair({ tag, isOwn, has }: Entry, message: VerifiedMessage, live: Link | undefined): void {
    const lacking = this.#host
      .homes()
      .filter((link) => !has.has(link) && link.phase === 'up' && this.#host.holds(link, tag));
    if (!isOwn) for (const link of lacking) this.#host.announce(link, message);
    else {
      // The live one got it from us; its word is `stored`.
      const others = lacking.filter((link) => link !== live);
      if (others.length > 0) this.#host.inject(others, message);
    }
  }

  down(link: Link): void {
    for (const { has } of this.#entries.values()) has.delete(link);
  }
}
