/**
 * Checks stored messages while the daemon runs: a page at a time, so that each is read once in the time that the option
 * says; and all of them at once, page after page with breaks, when somebody asks or a damaged one was met by chance.
 * The store remembers how far a pass has come, so a restart costs nothing.
 *
 * Invariants:
 * 1. Between two pages there is always a break at least as long as a page takes: others get half of the time, or more.
 * 2. What was found stands in the list of problems until it has come again or retention has removed it, whichever start
 *    found it.
 */
import { MeshError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import type { Ed25519Verify } from '../core/message/verified.ts';
import type { ChannelRow, DamagedChannel, ScrubPage, ScrubStore } from '../store/index.ts';
import type { Later } from './committer.ts';
import type { ScrubView } from './gate.ts';
import type { Problems } from './problems.ts';
import type { Log } from './runner.ts';
import { isoTime } from './views.ts';

/** Breaks between pages, ms: when somebody waits (guess: twice what a page takes), and at least and at most otherwise. */
const ASKED_BREAK_MS = 25;
const BREAK_MS_MIN = 1_000;
const BREAK_MS_MAX = 600_000;
/** How often the list of problems follows what has come again, ms (guess). */
const LOOK_MS = 5_000;
/** What is met again sooner than this has been checked already, ms (guess). */
const MET_MS = 3_600_000;
const MET =
  'A stored message that was read is damaged: it is hidden, and the log names it. All messages are being checked.';
/** Channels that a problem names (guess: what fits on a screen). */
const CHANNELS_SHOWN = 5;

export interface ScrubberParts {
  readonly store: { readonly scrub: ScrubStore; channels(): readonly ChannelRow[] };
  readonly verify: Ed25519Verify;
  /** every message is checked once in this time, ms; 0: only when somebody asks */
  readonly periodMs: number;
  readonly problems: Problems;
  readonly wallMs: () => number;
  readonly later: Later;
  readonly log: Log;
  /** damaged messages are wanted from now on */
  readonly onDamaged: () => void;
}

/** What is damaged, for people: `2 in "dev"; 1 in "ops", of them 1 sent from here that nobody had confirmed`. */
export function damagedText(damaged: readonly DamagedChannel[]): string {
  const shown = damaged.slice(0, CHANNELS_SHOWN).map(({ channel, messages, unconfirmed }) => {
    const own = unconfirmed === 0 ? '' : `, of them ${unconfirmed} sent from here that nobody had confirmed`;
    return `${messages} in ${JSON.stringify(channel)}${own}`;
  });
  const more = damaged.length - shown.length;
  return `${shown.join('; ')}${more > 0 ? `; and in ${more} more channels` : ''}.`;
}

export class Scrubber {
  readonly #parts: ScrubberParts;
  #cancelPage: () => void = () => undefined;
  #cancelLook: () => void = () => undefined;
  #isAsked = false;
  #isStopped = false;
  #structure = '';
  #metMs = Number.NEGATIVE_INFINITY;
  #shown = '';

  constructor(parts: ScrubberParts) {
    this.#parts = parts;
  }

  start(): void {
    if (this.#isStopped) return;
    this.#schedule();
    this.#look();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelPage();
    this.#cancelLook();
  }

  /** Checks everything from the first message on; a pass that was asked for goes on. */
  ask(): ScrubView {
    if (!this.#isAsked && !this.#isStopped) {
      this.#parts.store.scrub.restart();
      this.#isAsked = true;
      this.#schedule();
    }
    return this.view();
  }

  /** A damaged message was met by chance: everything is checked, unless that was just done. */
  met(): void {
    const { problems, wallMs, later } = this.#parts;
    const isSoon = Math.abs(wallMs() - this.#metMs) < MET_MS;
    if (this.#isAsked || isSoon) return;
    this.#metMs = wallMs();
    problems.add('store_damaged', MET);
    // Not within the read that met it.
    later.soon(() => this.ask());
  }

  view(): ScrubView {
    const { store, periodMs } = this.#parts;
    const waiting = periodMs === 0 ? 'off' : 'waiting';
    const state = this.#isAsked ? 'running' : waiting;
    try {
      const { messages: checked, startedMs, endedMs } = store.scrub.state();
      return {
        ...{ state, checked, messages: this.#messages() },
        started: startedMs === 0 ? null : isoTime(startedMs),
        ended: endedMs === 0 ? null : isoTime(endedMs),
        damaged: store.scrub.damaged(),
        structure: this.#structure,
      };
    } catch (error) {
      // Who asks how the daemon is wants to hear this too.
      if (!(error instanceof MeshError)) throw error;
      const structure = this.#structure || error.detail;
      return { state, checked: 0, messages: 0, started: null, ended: null, damaged: [], structure };
    }
  }

  #messages(): number {
    return this.#parts.store.channels().reduce((sum, { messages }) => sum + messages, 0);
  }

  #schedule(): void {
    this.#cancelPage();
    if (this.#isStopped) return;
    const delayMs = this.#isAsked ? ASKED_BREAK_MS : this.#breakMs();
    if (delayMs !== undefined) this.#cancelPage = this.#parts.later.after(delayMs, () => this.#page());
  }

  /** Until the next page, or `undefined` where there is none. */
  #breakMs(): number | undefined {
    const { store, periodMs, wallMs } = this.#parts;
    if (periodMs === 0) return undefined;
    const { after, endedMs, startedMs } = store.scrub.state();
    // A clock that was set back must not keep the next pass away for longer than a period.
    const restMs = after > 0 || endedMs === 0 ? 0 : Math.min(startedMs + periodMs - wallMs(), periodMs);
    if (restMs > 0) return Math.min(restMs, BREAK_MS_MAX);
    const rows = store.channels();
    const bytes = rows.reduce((sum, row) => sum + row.bytes, 0);
    const pages = this.#messages() / LIMITS.scrubPageMessages + bytes / LIMITS.scrubPageBytes;
    return Math.min(Math.max(BREAK_MS_MIN, Math.floor(periodMs / (pages + 1))), BREAK_MS_MAX);
  }

  #page(): void {
    const { store, wallMs } = this.#parts;
    if (!this.#isDue()) return this.#schedule();
    try {
      const page = store.scrub.page(this.#parts.verify, {
        messages: LIMITS.scrubPageMessages,
        bytes: LIMITS.scrubPageBytes,
        wallMs: wallMs(),
      });
      this.#found(page);
    } catch (error) {
      // The disk refuses: what else is going on says so, and the next page tries again.
      this.#isAsked = false;
      this.#parts.log.warn({ error: String(error) }, 'scrub failed');
    }
    this.#schedule();
  }

  #isDue(): boolean {
    const { store, periodMs, wallMs } = this.#parts;
    const { after, startedMs, endedMs } = store.scrub.state();
    if (this.#isAsked || after > 0 || endedMs === 0) return true;
    return wallMs() >= startedMs + periodMs || wallMs() < startedMs;
  }

  #found({ damaged, structure, isLast }: ScrubPage): void {
    const { log, problems, onDamaged, store } = this.#parts;
    if (structure !== '' && this.#structure === '') {
      this.#structure = structure;
      problems.add('store_damaged', structure);
    }
    for (const { channel, messages, unconfirmed } of damaged) {
      log.error({ channel, messages, unconfirmed }, 'stored messages are damaged');
    }
    if (damaged.length > 0) {
      onDamaged();
      this.#tell();
    }
    if (!isLast) return;
    if (this.#isAsked) {
      this.#isAsked = false;
      // What was met by chance is wanted now, or told as what it is.
      if (this.#structure === '') problems.solve('store_damaged');
    }
    const { messages } = store.scrub.state();
    log.info({ messages, damaged: store.scrub.damaged().length }, 'all stored messages were checked');
  }

  #look(): void {
    try {
      this.#tell();
    } catch (error) {
      this.#parts.log.debug({ error: String(error) }, 'scrub state not readable');
    }
    this.#cancelLook = this.#parts.later.after(LOOK_MS, () => this.#look());
  }

  /** The list of problems says what the store says. */
  #tell(): void {
    const { store, problems, log } = this.#parts;
    const damaged = store.scrub.damaged();
    const text = damaged.length === 0 ? '' : damagedText(damaged);
    if (text === this.#shown) return;
    problems.solve('messages_damaged');
    if (text !== '') problems.add('messages_damaged', text);
    else log.info({}, 'damaged messages have come again');
    this.#shown = text;
  }
}
