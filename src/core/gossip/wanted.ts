/**
 * Content that was put off: the store keeps the verified headers, and this goes through them and asks neighbours for the
 * content, as fast as the buckets of the authors leave room, until it has come or the floor has passed.
 *
 * A token is taken before a message is asked for, so that nothing is fetched to be put off again; half of the common
 * bucket is left to what comes by itself. A sweep that brought nothing is repeated later and later.
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

/** Waits between sweeps that brought nothing (guess). */
const SWEEP_MIN_MS = 5 * SECOND;
const SWEEP_MAX_MS = 300 * SECOND;

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
  #waitMs = SWEEP_MIN_MS;
  /** content has come since the sweep began */
  #filled = false;
  /** the sweep met a header */
  #met = false;
  /** id texts asked for in vain so far: others come first */
  readonly #tried = new Set<string>();
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

  /** Wanted content has come. */
  filled(): void {
    this.#filled = true;
    this.#waitMs = SWEEP_MIN_MS;
    this.#sweepMs = Math.min(this.#sweepMs, this.#ctx.now.monotonicMs + SECOND);
  }

  /** Once a second: the next page of headers. */
  tick(): void {
    const now = this.#ctx.now.monotonicMs;
    if (!this.#some || this.#reading || now < this.#sweepMs) return;
    if (this.#links.all().length === 0) return;
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
    if (this.#tried.has(idText) || this.#fetcher.isWanted(idText)) return;
    const links = this.#links.all().filter((link) => this.#interest.isShared(link, tag));
    if (links.length === 0 || !this.#rates.take(author, LIMITS.commonBurst / 2)) return;
    if (this.#tried.size < LIMITS.seenMax) this.#tried.add(idText);
    this.#asked++;
    this.#fetcher.want(id, links, 'paid');
  }

  /** All headers were met. Once all of them were asked for in vain, they are asked for again, later and later. */
  #endSweep(): void {
    this.#cursor = 0;
    if (!this.#met) this.#some = false;
    const isIdle = !this.#filled && this.#asked === 0;
    if (isIdle) {
      this.#tried.clear();
      this.#waitMs = Math.min(2 * this.#waitMs, SWEEP_MAX_MS);
    }
    this.#sweepMs = this.#ctx.now.monotonicMs + (isIdle ? this.#waitMs : SECOND);
    this.#met = false;
    this.#filled = false;
    this.#asked = 0;
  }
}
