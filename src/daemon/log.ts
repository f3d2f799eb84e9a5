/**
 * The log: JSON lines with fixed phrases, data in fields, contents as sizes. Secrets have no place in it; fields that
 * could carry one by mistake are redacted, and queries of URLs masked, before the line is made, so for every destination
 * alike.
 */
import { type DestinationStream, pino } from 'pino';
import { maskQueries } from './masks.ts';
import type { LogLevel } from './option-values.ts';
import type { Log } from './runner.ts';

const SECRET_FIELDS = ['token', 'authorization', 'password', 'secret', 'privateKey', 'pem', 'seed'];

/** A stream to write lines to; a stream of Node tells its failures by `error`. */
export interface Lines extends DestinationStream {
  on?(event: 'error', listener: (error: Error) => void): unknown;
}

/** `stream`, until its reader is gone (`mesh start | head`): then lines go nowhere, and the daemon lives on. */
export function createOutlet(stream: Lines): DestinationStream {
  let isGone = false;
  stream.on?.('error', () => {
    isGone = true;
  });
  return {
    write: (line) => {
      if (!isGone) stream.write(line);
    },
  };
}

/** Each line to all of them. */
export function joinOutlets(outlets: readonly DestinationStream[]): DestinationStream {
  return {
    write: (line) => {
      for (const outlet of outlets) outlet.write(line);
    },
  };
}

/** @param destination gets one line of JSON per call of `write` */
export function createLog(level: LogLevel, destination: DestinationStream): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: 'phrase',
      formatters: {
        level: (label) => ({ level: label }),
        log: (data) => maskQueries(data) as Record<string, unknown>,
      },
      redact: {
        paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
        censor: '[redacted]',
      },
    },
    destination,
  );
}

/** What of an error a log shows: code, words and where it was thrown. */
export function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { error: String(error) };
  const code = 'code' in error ? { code: String(error.code) } : {};
  const cause = error.cause instanceof Error ? { cause: error.cause.message } : {};
  return { error: error.message, ...code, ...cause, stack: error.stack ?? '' };
}
