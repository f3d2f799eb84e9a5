/**
 * Takes items of the inbox to the agent's runtime and tells the daemon how it ended.
 *
 * The daemon keeps the items: whatever is lost here, by a crash at any line, comes again. Invariants:
 * 1. An item is acknowledged after its dispatch has ended and its session is at rest (`in-flight.ts`).
 * 2. Nothing is published twice: each text goes out as part N of the answer to item M, and the daemon
 *    publishes each pair once.
 * 3. Items of one session begin in the order of the inbox (`lanes.ts`).
 * 4. When the gateway stops, what has no answer yet is not acknowledged.
 */
import type { AckOutcome, AnswerJson, InboxItemJson } from '../../api/client/agent-types.ts';
import { type Desk, explain, isTransient } from './desk.ts';
import { type Flight, FlightBook } from './in-flight.ts';
import { Lanes } from './lanes.ts';
import { BRIDGE_LIMITS } from './names.ts';
import { type DispatchFacts, judgeOutcome } from './outcome.ts';
import { type SplitText, toParts } from './parts.ts';
import { type DeliveredPayload, judgePayload } from './payload.ts';
import { backoffMs, type Pace } from './retry.ts';
import { Typing } from './typing.ts';

export interface Log {
  info(text: string): void;
  warn(text: string): void;
}

/** What the runtime says about a message that was handed to it. */
export interface HandedOver extends Pick<DispatchFacts, 'admitted' | 'silent' | 'failed'> {
  /** it waits in the runtime for a turn of its own, whose answer does not come out of this dispatch */
  readonly isQueued: boolean;
}

export interface HandOverHooks {
  /** a turn has begun, or a running one has taken it in: from now on another try would be another turn */
  readonly begin: () => void;
  /** the agent is busy: it waits for the running turn to take it in, or for its end */
  readonly join: () => void;
  /** publishes; resolves with the ids of the messages, none where the text is not for the channel */
  readonly deliver: (
    payload: DeliveredPayload,
    kind: 'tool' | 'block' | 'final',
  ) => Promise<readonly string[]>;
}

/** The agent's runtime. */
export interface Runtime {
  /** name of the session that an item belongs to */
  sessionOf(item: InboxItemJson): string;
  /** resolves when its dispatch has ended; rejects where the runtime failed to take or finish it */
  handOver(item: InboxItemJson, hooks: HandOverHooks): Promise<HandedOver>;
  /** true while a turn runs in its session, also one that the runtime has begun by itself */
  isBusy(item: InboxItemJson): boolean;
}

/** What was seen of an item while it was handed over. */
interface Seen {
  began: boolean;
  answers: number;
  notices: number;
  /** the daemon was away for so long that an answer could not be published */
  isLost: boolean;
  /** the daemon refused what the agent said, and asking again would not help */
  isRefused: boolean;
}

export interface WorkerOptions {
  readonly desk: Desk;
  readonly runtime: Runtime;
  readonly signal: AbortSignal;
  /** makes the daemon hand over again what is not acknowledged */
  readonly reattach: () => void;
  readonly pace: Pace;
  readonly log: Log;
  readonly textLimit: number;
  readonly split: SplitText;
}

interface PublishOptions {
  readonly isNotice?: boolean;
  readonly also?: readonly number[];
  /** whoever sends this text sends all of it again after a failure: then its parts must have the same numbers */
  readonly isRepeated?: boolean;
}

export class InboxWorker {
  readonly book = new FlightBook();
  readonly #options: WorkerOptions;
  readonly #lanes = new Lanes();
  readonly #typing: Typing;
  #room = Promise.withResolvers<void>();

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#typing = new Typing(options);
  }

  /** Takes an item on. Resolves when there is room for the next one, long before its end. */
  async take(item: InboxItemJson): Promise<void> {
    const flight = this.book.find(item.number);
    if (flight !== undefined) {
      // The connection was lost meanwhile, the work was not: only the number of the attempt is new.
      flight.attempt = item.attempt;
      return;
    }
    const ended = this.book.findEnded(item);
    if (ended !== undefined) {
      void this.#acknowledge(item.number, item.attempt, ended);
      return;
    }
    const session = this.#sessionOf(item);
    if (session === undefined) return;
    void this.#run(this.book.begin(item, session));
    while (this.book.isFull && !this.#options.signal.aborted) await this.#room.promise;
  }

  /** The session of an item; one that has none cannot be handed over, and must not end the connection of all others. */
  #sessionOf(item: InboxItemJson): string | undefined {
    try {
      return this.#options.runtime.sessionOf(item);
    } catch (error) {
      this.#options.log.warn(`item ${item.number} has no session: ${explain(error)}`);
      void this.#acknowledge(item.number, item.attempt, 'undelivered');
      return undefined;
    }
  }

  /** Lets whoever waits for room go. */
  stop(): void {
    this.#makeRoom();
  }

  #makeRoom(): void {
    this.#room.resolve();
    this.#room = Promise.withResolvers();
  }

  async #run(flight: Flight): Promise<void> {
    const { log } = this.#options;
    const { turn, leave } = this.#lanes.enter(flight.session);
    try {
      await turn;
      flight.outcome = await this.#handOver(flight, leave);
    } catch (error) {
      log.warn(`item ${flight.item.number}: ${explain(error)}`);
    }
    this.#typing.end(flight.item);
    leave();
    if (flight.outcome === undefined) this.book.remove(flight, { remember: false });
    await this.#settle(flight.session);
    this.#makeRoom();
    // Given back while the gateway goes on: the daemon knows only by a new connection.
    if (flight.outcome === undefined && !this.#options.signal.aborted) this.#options.reattach();
  }

  /**
   * Tries until the runtime has taken it. @returns undefined where the gateway stops and the daemon keeps the
   * item
   */
  async #handOver(flight: Flight, leave: () => void): Promise<AckOutcome | undefined> {
    const { runtime, signal, pace, log } = this.#options;
    const { item } = flight;
    const giveUpMs = pace.nowMs() + BRIDGE_LIMITS.handOverMs;
    const seen: Seen = { began: false, answers: 0, notices: 0, isLost: false, isRefused: false };
    const hooks: HandOverHooks = {
      begin: () => {
        seen.began = true;
        this.#typing.begin(item);
        leave();
      },
      join: () => {
        flight.hasJoined = true;
        leave();
      },
      deliver: (payload, kind) => this.#deliver(flight, payload, { kind, seen }),
    };
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      try {
        const handed = await runtime.handOver(item, hooks);
        leave();
        // The daemon never took what the agent said, so it must not hear that the agent said nothing.
        if (seen.answers === 0 && seen.isLost) return undefined;
        if (seen.answers === 0 && seen.isRefused) return 'failed';
        const outcome = judgeOutcome({ ...handed, ...seen, joined: flight.hasJoined });
        return await this.#awaitTurn(flight, outcome, handed.isQueued);
      } catch (error) {
        if (seen.answers > 0) return 'done';
        if (signal.aborted || seen.isLost) return undefined;
        if (seen.isRefused) return 'failed';
        log.warn(`item ${item.number}, try ${attempt}: ${explain(error)}`);
        if (seen.began) return 'failed';
        if (pace.nowMs() >= giveUpMs) return 'undelivered';
        await pace.wait(backoffMs(attempt, pace.random()), signal);
      }
    }
    return undefined;
  }

  /**
   * Waits for an answer that comes past the dispatch, as a send to the item's own target, while its session
   * is busy: the message is queued for a turn of its own, or it is a duplicate and a crash has cut its turn,
   * which OpenClaw resumes some seconds after its start. Saying how the item ended before that would make the
   * daemon hand it over once more, and the question would have two answers.
   */
  async #awaitTurn(flight: Flight, outcome: AckOutcome, isQueued: boolean): Promise<AckOutcome | undefined> {
    const { runtime, signal, pace, log } = this.#options;
    const { item } = flight;
    if (isQueued || outcome === 'skipped') {
      const giveUpMs = pace.nowMs() + BRIDGE_LIMITS.turnMs;
      let isFirst = true;
      while (!flight.isAnswered && !signal.aborted && pace.nowMs() < giveUpMs && runtime.isBusy(item)) {
        if (isFirst) log.info(`item ${item.number} waits for a turn of its own`);
        isFirst = false;
        await pace.wait(BRIDGE_LIMITS.turnPollMs, signal);
      }
    }
    if (flight.isAnswered) return 'done';
    if (signal.aborted) return undefined;
    return outcome === 'done' && flight.hasNotice ? 'failed' : outcome;
  }

  async #deliver(
    flight: Flight,
    payload: DeliveredPayload,
    { kind, seen }: { kind: 'tool' | 'block' | 'final'; seen: Seen },
  ): Promise<readonly string[]> {
    const fate = judgePayload(payload, kind);
    if (fate === 'nothing') return [];
    const isAnswer = fate === 'answer';
    // Who joined a running turn is answered by that turn, or not at all; its own dispatch may despair too
    // early.
    if (!isAnswer && flight.hasJoined) {
      seen.notices += 1;
      return [];
    }
    const also = isAnswer && kind === 'final' ? this.book.alsoAnswered(flight) : [];
    try {
      const ids = await this.publish(flight.item.number, payload.text ?? '', { isNotice: !isAnswer, also });
      if (isAnswer) seen.answers += ids.length;
      else seen.notices += ids.length;
      return ids;
    } catch (error) {
      seen.isLost ||= isAnswer && isTransient(error);
      seen.isRefused ||= isAnswer && !isTransient(error);
      throw error;
    }
  }

  /**
   * Publishes a text as the next parts of the answer to an item, in as many messages as it needs.
   * @returns the ids of the messages; none where the answer has all the parts that it may have
   */
  async publish(
    number: number,
    text: string,
    { isNotice = false, also = [], isRepeated = false }: PublishOptions = {},
  ): Promise<readonly string[]> {
    const { textLimit, split } = this.#options;
    const kind = isNotice ? 'notices' : 'answers';
    const ids: string[] = [];
    const taken: number[] = [];
    for (const body of toParts(text, {
      charsMax: textLimit,
      free: this.book.freeParts(number, kind),
      split,
    })) {
      const part = this.book.takePart(number, kind);
      taken.push(part);
      const extra = {
        ...(isNotice && { notice: true }),
        ...(ids.length === 0 && also.length > 0 && { also }),
      };
      try {
        ids.push(await this.#answer({ number, part, body, ...extra }));
      } catch (error) {
        const back = isRepeated ? taken.reverse() : [part];
        for (const one of back) this.book.giveBackPart(number, kind, one);
        throw error;
      }
    }
    const flight = this.book.find(number);
    if (isNotice && flight !== undefined) flight.hasNotice = true;
    if (!isNotice && ids.length > 0) this.book.markAnswered([number, ...also]);
    return ids;
  }

  /** Tries again while the daemon is away: it knows by number and part what it has published. */
  async #answer(answer: AnswerJson): Promise<string> {
    const { desk, pace, signal } = this.#options;
    const giveUpMs = pace.nowMs() + BRIDGE_LIMITS.publishMs;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return (await desk.answer(answer)).id;
      } catch (error) {
        if (!isTransient(error) || signal.aborted || pace.nowMs() >= giveUpMs) throw error;
        await pace.wait(backoffMs(attempt, pace.random()), signal);
      }
    }
  }

  /** Acknowledges what can be acknowledged in a session now. */
  async #settle(session: string): Promise<void> {
    const ready = this.book.atRest(session);
    // All of them first: while one is acknowledged, others may end here and look at the session too.
    for (const flight of ready) this.book.remove(flight, { remember: true });
    for (const { item, attempt, outcome } of ready) {
      if (outcome !== undefined) await this.#acknowledge(item.number, attempt, outcome);
    }
  }

  /**
   * Tries again while the daemon is away or has trouble. Where that lasts, a new connection brings the item again, and
   * `findEnded` knows how it ended. Where the daemon says that there is nothing to acknowledge, a newer attempt is on its
   * way, or it has seen the answer.
   */
  async #acknowledge(number: number, attempt: number, outcome: AckOutcome): Promise<void> {
    const { desk, log, pace, signal, reattach } = this.#options;
    const giveUpMs = pace.nowMs() + BRIDGE_LIMITS.publishMs;
    for (let tries = 1; !signal.aborted; tries += 1) {
      try {
        await desk.acknowledge({ number, attempt, outcome });
        if (outcome !== 'done') log.info(`item ${number}: ${outcome}`);
        return;
      } catch (error) {
        if (!isTransient(error)) return log.info(`item ${number}: ${outcome}; ${explain(error)}`);
        if (tries === 1)
          log.warn(`item ${number} ended (${outcome}), and the daemon does not know yet: ${explain(error)}`);
        if (pace.nowMs() >= giveUpMs) return reattach();
        await pace.wait(backoffMs(tries, pace.random()), signal);
      }
    }
  }
}
