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
import type { Fetcher } from '../sync/fetcher.ts';
import type { AuthorRates } from './author-rates.ts';

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
  /** the sweep met a header, and one for which there was no room */
  #met = false;

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
        let stopped = false;
        for (const { arrival, id, tag, author } of rows) {
          this.#met = true;
          const links = this.#links.all().filter((link) => this.#interest.isShared(link, tag));
          if (links.length > 0 && !this.#fetcher.isWanted(toBase64url(id))) {
            if (this.#rates.take(author, LIMITS.commonBurst / 2)) this.#fetcher.want(id, links, 'paid');
            else stopped = true;
          }
          this.#cursor = arrival;
        }
        if (rows.length < LIMITS.wantedPage) this.#endSweep(stopped);
      },
      () => {
        this.#reading = false;
      },
    );
  }

  /** @param stopped there was no room for some: a second gives them new tokens */
  #endSweep(stopped: boolean): void {
    this.#cursor = 0;
    if (!this.#met) this.#some = false;
    const isIdle = !this.#filled && !stopped;
    if (isIdle) this.#waitMs = Math.min(2 * this.#waitMs, SWEEP_MAX_MS);
    this.#sweepMs = this.#ctx.now.monotonicMs + (isIdle ? this.#waitMs : SECOND);
    this.#met = false;
    this.#filled = false;
  }
}
