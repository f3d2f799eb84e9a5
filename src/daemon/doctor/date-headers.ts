/**
 * The clocks of the servers that answer a bootstrap request, from the `Date` header that HTTP answers carry, also those
 * with an error status. undici tells of each answer on a diagnostics channel, so no request is made for the clock alone.
 *
 * A `Date` has whole seconds, and the answer was made somewhere between our question and its arrival: that gives a range
 * for the difference, of which the end closest to zero is taken. A slow network never makes a clock look wrong.
 *
 * Sources: RFC 9110 section 6.6.1 (Date), RFC 9111 section 5.1 (Age); undici's documentation, "Diagnostics Channel".
 */
import diagnostics from 'node:diagnostics_channel';

/** What a server said of its clock. */
export interface ClockReference {
  /** host of the server */
  readonly host: string;
  /** how far our clock is ahead of it, ms; negative: behind */
  readonly aheadMs: number;
}

const CHANNEL = 'undici:request:headers';

function headerOf(headers: readonly unknown[], name: string): string | undefined {
  for (let at = 0; at + 1 < headers.length; at += 2) {
    if (String(headers[at]).toLowerCase() === name) return String(headers[at + 1]);
  }
  return undefined;
}

function hostOf(origin: unknown): string {
  const url = URL.parse(String(origin));
  return url === null ? '' : url.host;
}

/** The value closest to zero of a range. */
function closest(low: number, high: number): number {
  if (low > 0) return low;
  return high < 0 ? high : 0;
}

/**
 * How far a clock is ahead of a server, ms.
 * @param date value of the header
 * @param age value of the `Age` header: what came out of a cache is so many seconds old, unless the cache dates it anew
 * @param askedMs,answeredMs our clock when we asked and when the answer was there
 */
export function aheadOf(
  date: string | undefined,
  age: string | undefined,
  askedMs: number,
  answeredMs: number,
): number | undefined {
  const dateMs = date === undefined ? Number.NaN : Date.parse(date);
  if (Number.isNaN(dateMs)) return undefined;
  const ageMs = /^\d{1,9}$/.test(age ?? '') ? Number(age) * 1000 : 0;
  const [fresh, cached] = [dateMs, dateMs + ageMs].map((ms) =>
    closest(askedMs - (ms + 1000), answeredMs - ms),
  ) as [number, number];
  return Math.abs(cached) < Math.abs(fresh) ? cached : fresh;
}

/** Runs `work` and collects the clocks of the servers that answer meanwhile. */
export async function collectDates<T>(
  wallMs: () => number,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly references: readonly ClockReference[] }> {
  const askedMs = wallMs();
  const references: ClockReference[] = [];
  const onHeaders = (message: unknown): void => {
    const { request, response } = message as {
      request?: { origin?: unknown };
      response?: { headers?: unknown };
    };
    if (!Array.isArray(response?.headers)) return;
    const [date, age] = ['date', 'age'].map((name) => headerOf(response.headers as unknown[], name));
    const aheadMs = aheadOf(date, age, askedMs, wallMs());
    if (aheadMs !== undefined) references.push({ host: hostOf(request?.origin), aheadMs });
  };
  diagnostics.subscribe(CHANNEL, onHeaders);
  try {
    return { result: await work(), references };
  } finally {
    diagnostics.unsubscribe(CHANNEL, onHeaders);
  }
}
