/**
 * The kinds of values that options take, each as a zod schema from the variable's text to the value. A schema's message
 * says what is allowed, so that the error and the reference page use the same words.
 */
import { isIP } from 'node:net';
import { z } from 'zod';
import { idFromText } from '../core/bytes.ts';
import { LIMITS, MiB } from '../core/limits.ts';
import { parsePeerUrl } from '../net/address.ts';
import { LOCAL_DISCOVERY_MODES } from '../net/local/interfaces.ts';
import { byteSizeText, parseByteSize } from './byte-size.ts';
import { maskOption } from './masks.ts';
import { RETENTION_BOUNDS } from './retention.ts';

/** Levels of the log, most important first; `silent` writes nothing. */
export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const PORT_ALLOWED = 'a port from 0 to 65535, where 0 takes any free one';
export const BOOLEAN_ALLOWED = '1, true or yes, or 0, false or no';
export const NETWORK_ALLOWED = '1 to 32 of a-z, 0-9 and -';
export const HOST_ALLOWED = 'an IP address or a host name';
export const PATH_ALLOWED = 'a path';
export const PEERS_ALLOWED = `ws:// or wss:// URLs or host:port, separated by commas, at most ${LIMITS.urlBytesMax} bytes each`;
export const SOURCES_ALLOWED =
  'http(s):// URLs without user name, or files, separated by commas; empty for none';

/** A whole number in decimal digits. @param allowed the sentence for anything else */
function wholeNumber(min: number, max: number, allowed: string) {
  return z
    .string()
    .regex(/^[0-9]{1,10}$/, allowed)
    .transform(Number)
    .refine((value) => value >= min && value <= max, allowed);
}

/** 0 to 65535. */
export const portValue = wholeNumber(0, 65535, PORT_ALLOWED);

/** 0 (never) to 3,650 days. */
export const SCRUB_ALLOWED = 'a whole number from 0 (never) to 3650';
export const scrubValue = wholeNumber(0, 3650, SCRUB_ALLOWED);

/** 0 (no turn at all) to 1,000,000 turns. */
export const TURNS_ALLOWED = 'a whole number from 0 to 1000000';
export const turnsValue = wholeNumber(0, 1_000_000, TURNS_ALLOWED);

/** 1 to 1,000,000 automatic answers: at 0 no agent would ever be woken by an agent, and an owner would rather say so. */
export const HOPS_ALLOWED = 'a whole number from 1 to 1000000';
export const hopsValue = wholeNumber(1, 1_000_000, HOPS_ALLOWED);

/** 0 (never) to 1,000,000 offences. */
export const BAN_ALLOWED = 'a whole number from 0 (never) to 1000000';
export const banValue = wholeNumber(0, 1_000_000, BAN_ALLOWED);

/** 0 (no limit) to 1,000,000 messages per second. */
export const RATE_ALLOWED = 'a whole number from 0 (no limit) to 1000000';
export const rateValue = wholeNumber(0, 1_000_000, RATE_ALLOWED);

const { days, messages, bytes } = RETENTION_BOUNDS;

/** Days that messages are kept. */
export const DAYS_ALLOWED = `a whole number from ${days.min} to ${days.max}`;
export const daysValue = wholeNumber(days.min, days.max, DAYS_ALLOWED);

/** Messages that are kept: at least one, because 0 would be read as "no limit". */
export const MESSAGES_ALLOWED = `a whole number from 1 to ${messages.max}`;
export const messagesValue = wholeNumber(1, messages.max, MESSAGES_ALLOWED);

/** Bytes, as a number or with a unit. */
export const BYTES_ALLOWED = `${byteSizeText(bytes.min)} to ${byteSizeText(bytes.max)}, written like 1073741824, 64MiB, 1GiB or 500MB (KB, MB, GB and TB count in thousands, KiB, MiB, GiB and TiB in 1024s)`;
export const bytesValue = z.string().transform((text, context): number => {
  const size = parseByteSize(text);
  if (size !== undefined && size >= bytes.min && size <= bytes.max) return size;
  context.addIssue({ code: 'custom', message: BYTES_ALLOWED });
  return z.NEVER;
});

/** One file of the log: a line must fit, and who wants more takes more files. */
export const LOG_BYTES_ALLOWED = '64KiB to 1GiB, written like 500000, 512KiB or 8MiB';
export const logBytesValue = z.string().transform((text, context): number => {
  const size = parseByteSize(text);
  if (size !== undefined && size >= LIMITS.logLineBytesMax && size <= 1024 * MiB) return size;
  context.addIssue({ code: 'custom', message: LOG_BYTES_ALLOWED });
  return z.NEVER;
});

/** With a single file, the moment after it is full would have no log at all. */
export const LOG_FILES_ALLOWED = '0 (no log on disk) or a whole number from 2 to 1000';
export const logFilesValue = wholeNumber(0, 1000, LOG_FILES_ALLOWED).refine(
  (files) => files !== 1,
  LOG_FILES_ALLOWED,
);

/** Proxies in front of the port for peers (guess: nobody has eight). */
export const PROXIES_ALLOWED = 'a whole number from 0 to 8';
export const proxiesValue = wholeNumber(0, 8, PROXIES_ALLOWED);

export const booleanValue = z
  .string()
  .regex(/^(?:1|true|yes|0|false|no)$/i, BOOLEAN_ALLOWED)
  .transform((text) => /^(?:1|true|yes)$/i.test(text));

export const networkValue = z.string().regex(/^[a-z0-9-]{1,32}$/, NETWORK_ALLOWED);

export const logLevelValue = z.enum(LOG_LEVELS, `one of ${LOG_LEVELS.join(', ')}`);

export const LOCAL_DISCOVERY_ALLOWED = `one of ${LOCAL_DISCOVERY_MODES.join(', ')}`;
export const localDiscoveryValue = z.enum(LOCAL_DISCOVERY_MODES, LOCAL_DISCOVERY_ALLOWED);

/** Any text but a NUL byte, which no file system takes. */
export const pathValue = z.string().refine((text) => !text.includes('\0'), PATH_ALLOWED);

const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i;

/** True for a name that may stand in a URL; addresses are none. */
export function isHostName(text: string): boolean {
  return HOST_NAME.test(text) && !/^[0-9.]+$/.test(text);
}

export const hostValue = z.string().refine((text) => isIP(text) !== 0 || isHostName(text), HOST_ALLOWED);

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

export const PEER_IDS_ALLOWED = `peer ids of 43 characters, separated by commas, at most ${LIMITS.mailboxesMax}`;
export const peerIdsValue = z
  .string()
  .transform(splitList)
  .refine(
    (ids) => ids.length <= LIMITS.mailboxesMax && ids.every((id) => idFromText(id) !== undefined),
    PEER_IDS_ALLOWED,
  );

/** `host:port` as a URL; without a port the text stays what it is and is refused as no URL. */
function hostPort(text: string): string {
  return /^[^/]+:[0-9]{1,5}$/.test(text) ? `ws://${text}` : text;
}

/** Addresses of peers as canonical URLs; `host:port` is short for `ws://host:port`. */
export const peersValue = z.string().transform((text, context): string[] => {
  const urls: string[] = [];
  for (const part of splitList(text)) {
    const parsed = parsePeerUrl(/^[a-z][a-z0-9+.-]*:\/\//i.test(part) ? part : hostPort(part));
    if (!parsed.ok)
      context.addIssue({
        code: 'custom',
        message: `${PEERS_ALLOWED}; "${maskOption(part)}" ${parsed.detail}`,
      });
    else if (!urls.includes(parsed.address.url)) urls.push(parsed.address.url);
  }
  return urls;
});

const RELAY_CHOICES = ['auto', 'always', 'never'] as const;
export type RelayChoice = (typeof RELAY_CHOICES)[number];
export const RELAY_ALLOWED = 'auto, always or never';
export const relayValue = z.enum(RELAY_CHOICES, RELAY_ALLOWED);

/** The address of a peer as its one spelling. */
export const PUBLIC_URL_ALLOWED = `a ws:// or wss:// URL without user name, at most ${LIMITS.urlBytesMax} bytes`;
export const publicUrlValue = z.string().transform((text, context): string => {
  const parsed = parsePeerUrl(text);
  if (parsed.ok) return parsed.address.url;
  context.addIssue({ code: 'custom', message: `${PUBLIC_URL_ALLOWED}; this ${parsed.detail}` });
  return z.NEVER;
});

function isSource(text: string): boolean {
  if (!/^[a-z][a-z0-9+.-]+:\/\//i.test(text)) return !text.includes('\0');
  const url = URL.parse(text);
  if (url === null) return false;
  return (
    url.protocol === 'file:' || (/^https?:$/.test(url.protocol) && url.username === '' && url.password === '')
  );
}

/** Bootstrap lists: URLs and files as they were written. */
export const sourcesValue = z.string().transform((text, context): string[] => {
  const sources = [...new Set(splitList(text))];
  for (const source of sources) {
    if (!isSource(source)) context.addIssue({ code: 'custom', message: SOURCES_ALLOWED });
  }
  return sources;
});
