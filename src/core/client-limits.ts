/**
 * The part of {@link LIMITS} that lies between a daemon, its clients and its lists; peers never meet it. Read through
 * `LIMITS`, which has everything.
 */
import { DAY, KiB, MiB, SECOND } from './units.ts';

export const CLIENT_LIMITS = {
  // http
  bootstrapBytesMax: 256 * KiB,
  bootstrapMs: 5 * SECOND,
  bootstrapPeersMax: 1024,
  apiBodyBytesMax: 1 * MiB,
  apiStreamsMax: 64,
  apiPageMax: 1000,

  // feeds
  /** posts that edits and deletes lead to, and their edits, read in one turn for one client (guess: some 30 ms of it) */
  changesBytesMax: 1 * MiB,

  // agents
  /** contacts of one identity (guess: an address book) */
  contactsMax: 1024,
  /** channels that wake an agent (guess) */
  wakeChannelsMax: 256,
  /** names under which an agent is mentioned in one channel (guess) */
  agentNamesMax: 8,
  /** messages handed to a client that it has not acknowledged: several conversations at once (guess) */
  inboxHandedMax: 16,
  /** messages that wait for a client; what comes then is held (guess: days of talk) */
  inboxWaitingMax: 1000,
  /** ...and those of one contact among them: others have a place too (guess) */
  inboxWaitingContactMax: 250,
  /** rows of the inbox, the oldest go first; they are the memory of what was handed over (guess) */
  inboxRowsMax: 10_000,
  inboxMs: 90 * DAY,
  /** messages of the answer to one (guess: half a megabyte of text) */
  answerPartsMax: 64,
  /** a message older than this when it comes is history and wakes nobody: what mailboxes keep (design, section 6) */
  wakeAgeMs: 7 * DAY,
  /** turns that one contact can cause, in an hour and a day (guess: a busy talk, and a bill that surprises nobody) */
  turnsContactHour: 30,
  turnsContactDay: 120,
  /** automatic answers in a row, after which an agent falls silent (guess: five from each side) */
  hopsMax: 10,
} as const;
