/**
 * Content that was put off: the store keeps the verified headers, and this goes through them and asks neighbours for the
 * content, as fast as the buckets of the authors leave room, until it has come or the floor has passed.
 *
 * A token is taken before a message is asked for, so that nothing is fetched to be put off again; half of the common
 * bucket is left to what comes by itself. What does not come is asked for again later and later.
 */
import { toBase64url } from '../bytes.ts';
import type { Context } from '../context.ts';
import type { Interest } from '../interest/interest.ts';
import { LIMITS, SECOND } from '../limits.ts';
import type { Links } from '../link/links.ts';
import type { QueryAnswer } from '../persistence.ts';
import type { Fetcher } from '../sync/fetcher.ts';
import type { AuthorRates } from './author-rates.ts';

type Row = Extract<QueryAnswer, { kind: 'wanted' }>['rows'][number];

/** First and last wait before an id is asked for again that did not come (guess). */
const RETRY_MIN_MS = 60 * SECOND;
const RETRY_MAX_MS = 3600 * SECOND;
/** Ids whose last request is remembered; above it the oldest are forgotten and asked for again (guess). */
const TRIED_MAX = 65536;
/** Wait between two sweeps in which nothing could be asked (guess). */
const IDLE_MS = 5 * SECOND;

interface Tried {
  readonly waitMs: number;
  readonly againMs: number;
}

/** How far the fetching of one message is that was put off. Monotonic ms. */
export type Asked =
  | { readonly kind: 'asked' }
  /** it was asked for in vain, and is again from then on */
  | { readonly kind: 'tried'; readonly againMs: number }
  | { readonly kind: 'not-yet' };

export class Wanted {
  readonly #ctx: Context;
  readonly #links: Links;
  readonly #interest: Interest;
  readonly #fetcher: Fetcher;
  readonly #rates: AuthorRates;
  /** there may be wanted headers in the store */
  #some = true;
  #reading = false;
  #cursor = 0;
  #sweepMs = 0;
  /** the sweep met a header */
  #met = false;
  /** by id text: what was asked for in vain so far; others come first */
  readonly #tried = new Map<string, Tried>();
  #asked = 0;

  constructor(
    ctx: Context,
    parts: { links: Links; interest: Interest; fetcher: Fetcher; rates: AuthorRates },
  ) {
    this.#ctx = ctx;
    this.#links = parts.links;
    this.#interest = parts.interest;
    this.#fetcher = parts.fetcher;
    this.#rates = parts.rates;
  }

  /** A header was stored without its content. */
  added(): void {
    this.#some = true;
  }

  /** Somebody is here who may have it. */
  rouse(): void {
    this.#sweepMs = 0;
  }

  /** Wanted content has come. */
  filled(idText: string): void {
    this.#tried.delete(idText);
  }

  asked(idText: string): Asked {
    if (this.#fetcher.isWanted(idText)) return { kind: 'asked' };
    const tried = this.#tried.get(idText);
    return tried ? { kind: 'tried', againMs: tried.againMs } : { kind: 'not-yet' };
  }

  /** Once a second: the next page of headers. */
  tick(): void {
    const now = this.#ctx.now.monotonicMs;
    if (!this.#some || this.#reading || now < this.#sweepMs) return;
    if (this.#links.withVisits().length === 0) return;
    this.#reading = true;
    this.#ctx.read(
      { kind: 'wanted', afterArrival: this.#cursor, limit: LIMITS.wantedPage },
      ({ rows }) => {
        this.#reading = false;
        for (const row of rows) this.#ask(row);
        this.#cursor = rows.at(-1)?.arrival ?? 0;
        if (rows.length < LIMITS.wantedPage) this.#endSweep();
      },
      () => {
        this.#reading = false;
      },
    );
  }

  #ask({ id, tag, author }: Row): void {
    this.#met = true;
    const idText = toBase64url(id);
    const now = this.#ctx.now.monotonicMs;
    const tried = this.#tried.get(idText);
    if ((tried && now < tried.againMs) || this.#fetcher.isWanted(idText)) return;
    const links = this.#links.withVisits().filter((link) => this.#interest.isShared(link, tag));
    if (links.length === 0 || !this.#rates.take(author, { isAsked: true })) return;
    const waitMs = Math.min(2 * (tried?.waitMs ?? RETRY_MIN_MS / 2), RETRY_MAX_MS);
    for (const oldest of this.#tried.keys()) {
      if (this.#tried.size < TRIED_MAX) break;
      this.#tried.delete(oldest);
    }
    this.#tried.set(idText, { waitMs, againMs: now + waitMs });
    this.#asked++;
    this.#fetcher.want(id, links, 'paid');
  }

  /** All headers were met: the next sweep begins at the start. */
  #endSweep(): void {
    this.#cursor = 0;
    if (!this.#met) {
      this.#some = false;
      this.#tried.clear();
    }
    this.#sweepMs = this.#ctx.now.monotonicMs + (this.#asked > 0 ? SECOND : IDLE_MS);
    this.#met = false;
    this.#asked = 0;
  }
}
