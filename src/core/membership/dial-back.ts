/**
 * Proof by dialling back. A peer cannot know whether others reach it, so it asks its neighbours, one after the other, to
 * dial it; whoever is reached becomes a relay (`Membership.reached`).
 *
 * Whoever is asked for a named URL dials within the budget of hints, one a second in all and one per host in ten
 * minutes, so that nobody aims it at strangers. The address that a neighbour itself comes from is no stranger: it is
 * dialled without that budget, a few at a time.
 */
import type { Context } from '../context.ts';
import { LIMITS } from '../limits.ts';
import type { Link } from '../link/link.ts';
import type { Links } from '../link/links.ts';
import type { Frame } from '../wire/frame.ts';
import type { Addresses, Hint } from './addresses.ts';

export class DialBack {
  readonly #ctx: Context;
  readonly #links: Links;
  readonly #addresses: Addresses;
  /** our port for peers, 0 while it is not open to others */
  #port = 0;
  #askedMs = Number.NEGATIVE_INFINITY;
  /** when a neighbour was last asked, by its peer id */
  readonly #asked = new Map<string, number>();
  /** what neighbours want to be dialled at, by their ids */
  readonly #waiting = new Map<string, { readonly hint: Hint; readonly isFree: boolean }>();
  readonly #dialling = new Set<string>();

  constructor(ctx: Context, links: Links, addresses: Addresses) {
    this.#ctx = ctx;
    this.#links = links;
    this.#addresses = addresses;
  }

  /** The port is open: from now on neighbours are asked. */
  listening(port: number): void {
    this.#port = port;
  }

  /** While nobody has reached us: asks the next neighbour, relays first. */
  ask(): void {
    const now = this.#ctx.now.monotonicMs;
    if (this.#port === 0 || now - this.#askedMs < LIMITS.dialBackEveryMs) return;
    for (const [peer, ms] of this.#asked) if (now - ms >= LIMITS.dialBackAgainMs) this.#asked.delete(peer);
    const links = this.#links.all().filter(({ peer }) => !this.#asked.has(peer));
    const link = links.find(({ remoteRelay }) => remoteRelay) ?? links[0];
    if (!link || this.#asked.size >= LIMITS.linksMax) return;
    this.#askedMs = now;
    this.#asked.set(link.peer, now);
    this.#links.send(link, { type: 'dial-back', url: this.#ctx.config.publicUrl, port: this.#port });
  }

  /** A neighbour wants to be dialled. What it names is a hint like any other; whose it is, the dial proves. */
  asked({ host, peer, scope }: Link, { url, port }: Extract<Frame, { type: 'dial-back' }>): void {
    if (url === '' && (host === '' || port === 0)) return;
    const named = url === '' ? `ws://${host}${port === 80 ? '' : `:${port}`}/` : url;
    if (this.#waiting.size >= LIMITS.dialBacksMax && !this.#waiting.has(peer)) return;
    const hint: Hint = { url: named, peer, source: peer, scope, trust: 'peer' };
    this.#waiting.set(peer, { hint, isFree: url === '' });
    this.#dial();
  }

  #dial(): void {
    for (const [peer, { hint, isFree }] of this.#waiting) {
      if (this.#dialling.size >= LIMITS.dialBacksAtOnce) return;
      const became = this.#addresses.test(hint, isFree);
      if (became === 'later') continue;
      this.#waiting.delete(peer);
      if (became === 'dialled') this.#dialling.add(hint.url);
    }
  }

  /** A dial, or the link that came of it, has ended: an address that leads nowhere is not worth remembering. */
  ended(url: string): void {
    if (!this.#dialling.delete(url)) return;
    this.#addresses.forget(url);
    this.#dial();
  }

  /** Once a second. */
  tick(): void {
    for (const url of this.#dialling) if (!this.#addresses.isDialling(url)) this.#dialling.delete(url);
    this.#dial();
  }

  /** Neighbours that were asked in the last ten minutes, and those that wait to be dialled. */
  get sizes(): { readonly asked: number; readonly waiting: number } {
    return { asked: this.#asked.size, waiting: this.#waiting.size };
  }
}
