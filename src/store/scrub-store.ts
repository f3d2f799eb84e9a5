/**
 * The scrub: stored messages are read again, a page at a time in the order of arrival, and must prove themselves. Ids are
 * checksums, so damage shows without any other record.
 *
 * What is damaged becomes `wanted`, as if its content had been put off: its id and position, which were counted, stay
 * known, no query shows it, and the core fetches it by id. It is listed here until it has come or retention has removed it.
 * What is not a matter of one row (a page that cannot be read, a row that its indexes do not know) cannot be mended in
 * an open database; it is told as `structure`.
 */

import type { Ed25519Verify } from '../core/message/verified.ts';

/** What one page of a scrub may take. */
export interface ScrubBudget {
  /** messages, 1 or more */
  readonly messages: number;
  /** bytes of messages; one message is always read */
  readonly bytes: number;
  /** now, ms since 1970 */
  readonly wallMs: number;
}

/** What a page of a scrub has shown. */
export interface ScrubPage {
  readonly messages: number;
  readonly bytes: number;
  /** found damaged in this page, and wanted from now on; name of a channel and how many */
  readonly damaged: readonly DamagedChannel[];
  /** one sentence on what is wrong with the database itself, '' for nothing */
  readonly structure: string;
  /** the pass is over: the next page begins a new one */
  readonly isLast: boolean;
}

export interface DamagedChannel {
  readonly channel: string;
  readonly messages: number;
  /** own ones among them that nobody confirmed as stored: perhaps nobody else has them */
  readonly unconfirmed: number;
}

export interface ScrubState {
  /** arrival number up to which the pass has come, 0 if none is under way */
  readonly after: number;
  /** messages that it has read so far */
  readonly messages: number;
  /** ms since 1970: when the pass began, and when the last whole one ended; 0 for never */
  readonly startedMs: number;
  readonly endedMs: number;
}

export interface ScrubStore {
  /** Reads on where the last page ended, whenever that was. @param verify checks signatures */
  page(verify: Ed25519Verify, budget: ScrubBudget): ScrubPage;
  /** The next page begins a new pass. */
  restart(): void;
  state(): ScrubState;
  /** What was found damaged and has not come again, by name of the channel; counted up to 10,000. */
  damaged(): readonly DamagedChannel[];
}
