/**
 * Publishing clocks: for each (identity, channel) the own newest message and the newest time seen, loaded from the
 * store when first needed. They give each message its hybrid time and its `prev`.
 */

import type { Bytes } from '../bytes.ts';
import type { Context } from '../context.ts';
import { LIMITS } from '../limits.ts';
import { NO_PREV } from '../message/message.ts';
import { compareTime, nextTime, TIME_ZERO, type Time } from '../message/time.ts';
import type { Footprint } from '../peer-types.ts';

interface Clock {
  own: Time;
  prev: Bytes;
}

export class Clocks {
  readonly #ctx: Context;
  readonly #clocks = new Map<string, Clock>();
  /** newest time seen in a channel whose clock is loaded */
  readonly #seen = new Map<string, Time>();
  readonly #loading = new Map<string, ((ok: boolean) => void)[]>();

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  /** Calls back once the clock is loaded, at once if it is. */
  load(identity: string, channel: string, then: (ok: boolean) => void): void {
    const key = `${identity} ${channel}`;
    if (this.#clocks.has(key)) return then(true);
    const waiting = this.#loading.get(key);
    if (waiting) {
      waiting.push(then);
      return;
    }
    this.#loading.set(key, [then]);
    const done = (ok: boolean): void => {
      const callbacks = this.#loading.get(key) ?? [];
      this.#loading.delete(key);
      for (const callback of callbacks) callback(ok);
    };
    const horizonMs = Math.floor(this.#ctx.now.wallMs) + LIMITS.clockFollowMs;
    this.#ctx.read(
      { kind: 'head', identity, channel, horizonMs },
      ({ own, seen }) => {
        if (this.#clocks.size >= LIMITS.clocksMax) this.#clocks.clear();
        if (this.#seen.size >= LIMITS.clocksMax) this.#seen.clear();
        this.#clocks.set(key, { own: own?.time ?? TIME_ZERO, prev: own?.id ?? NO_PREV });
        this.see(channel, seen);
        if (!this.#seen.has(channel)) this.#seen.set(channel, seen);
        done(true);
      },
      () => done(false),
    );
  }

  /** Time and `prev` of the next message; the clock must be loaded. */
  next(identity: string, channel: string): { time: Time; prev: Bytes } {
    const clock = this.#clocks.get(`${identity} ${channel}`) ?? { own: TIME_ZERO, prev: NO_PREV };
    const time = nextTime(Math.floor(this.#ctx.now.wallMs), clock.own, this.#seen.get(channel) ?? TIME_ZERO);
    return { time, prev: clock.prev };
  }

  published(identity: string, channel: string, time: Time, id: Bytes): void {
    this.#clocks.set(`${identity} ${channel}`, { own: time, prev: id });
  }

  /** A message of somebody was stored in the channel. */
  see(channel: string, time: Time): void {
    const seen = this.#seen.get(channel);
    if (!seen || time.timeMs > this.#ctx.now.wallMs + LIMITS.clockFollowMs) return;
    if (compareTime(time, seen) > 0) this.#seen.set(channel, time);
  }

  footprint(): Footprint {
    return {
      clocks: { size: this.#clocks.size, max: LIMITS.clocksMax },
      clockChannels: { size: this.#seen.size, max: LIMITS.clocksMax },
    };
  }

  /** What was assumed published is not stored: read it again. */
  forget(identity: string, channel: string): void {
    this.#clocks.delete(`${identity} ${channel}`);
  }
}
