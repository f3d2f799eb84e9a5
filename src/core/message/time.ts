/**
 * Hybrid time of messages: milliseconds of the wall clock and a counter that keeps the messages of one author in one
 * channel apart and after what the author has seen (Kulkarni et al., "Logical Physical Clocks", 2014).
 *
 * One unsigned integer below 2^63 on the wire (ms x 2^16 + counter), two numbers in code, 8 big-endian bytes in the
 * store, ISO text and counter in JSON. Never one JavaScript number: it does not fit.
 */
import type { Bytes } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import type { Uint64 } from '../wire/cbor.ts';

export interface Time {
  /** milliseconds since 1970, 0 to 2^47 - 1 */
  readonly timeMs: number;
  /** 0 to 65535 */
  readonly counter: number;
}

const TIME_MS_MAX = 2 ** 47 - 1;
export const TIME_ZERO: Time = { timeMs: 0, counter: 0 };
/** The last time there is: an upper end of ranges, never the time of a message. */
export const TIME_END: Time = { timeMs: TIME_MS_MAX, counter: 0xffff };

export function toUint64(time: Time): Uint64 {
  return {
    hi: Math.floor(time.timeMs / 0x10000),
    lo: (time.timeMs % 0x10000) * 0x10000 + time.counter,
  };
}

/** The time that an integer stands for, or `undefined` at 2^63 and above. */
export function fromUint64(value: Uint64): Time | undefined {
  if (value.hi >= 0x80000000) return undefined;
  return { timeMs: value.hi * 0x10000 + Math.floor(value.lo / 0x10000), counter: value.lo % 0x10000 };
}

/** 8 big-endian bytes, which sort like the times. */
export function toTimeBytes(time: Time): Bytes {
  const { hi, lo } = toUint64(time);
  const out = new Uint8Array(8);
  const view = new DataView(out.buffer);
  view.setUint32(0, hi);
  view.setUint32(4, lo);
  return out;
}

/** Inverse of {@link toTimeBytes}. @param bytes exactly 8, first bit clear */
export function fromTimeBytes(bytes: Bytes): Time {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  const time = fromUint64({ hi: view.getUint32(0), lo: view.getUint32(4) });
  if (time === undefined) throw new RangeError('time bytes at or above 2^63');
  return time;
}

export function compareTime(a: Time, b: Time): number {
  return a.timeMs - b.timeMs || a.counter - b.counter;
}

function after(time: Time): Time {
  return time.counter < 0xffff
    ? { timeMs: time.timeMs, counter: time.counter + 1 }
    : { timeMs: time.timeMs + 1, counter: 0 };
}

/**
 * The time of the next message of an identity in a channel.
 * @param wallMs own wall clock
 * @param own time of the identity's newest message there, or zero
 * @param seen newest time seen in the channel, or zero
 *
 * Follows a received time only up to 60 s ahead of the own clock, and never gives a time further ahead. If the own
 * newest message leaves no room below that, the clock was set back: time restarts from the wall clock, so order suffers
 * and publishing does not.
 */
export function nextTime(wallMs: number, own: Time, seen: Time): Time {
  const horizon = wallMs + LIMITS.clockFollowMs;
  let last = after(own).timeMs > horizon ? TIME_ZERO : own;
  if (after(seen).timeMs <= horizon && compareTime(seen, last) > 0) last = seen;
  return last.timeMs < wallMs ? { timeMs: wallMs, counter: 0 } : after(last);
}
