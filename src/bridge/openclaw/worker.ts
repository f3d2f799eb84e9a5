/**
 * Takes items of the inbox to the agent's runtime and tells the daemon how it ended.
 *
 * The daemon keeps the items: whatever is lost here, by a crash at any line, comes again. Invariants:
 * 1. An item is acknowledged after its dispatch has ended and its session is at rest (`in-flight.ts`).
 * 2. Nothing is published twice: each text goes out as part N of the answer to item M, and the daemon publishes each
 *    pair once.
 * 3. Items of one session begin in the order of the inbox (`lanes.ts`).
 * 4. When the gateway stops, what has no answer yet is not acknowledged.
 */
import type { AckOutcome, AnswerJson, InboxItemJson } from '../../api/client/agent-types.ts';
import { type Desk, explain, isAway, isRefusal } from './desk.ts';
import { type Flight, FlightBook } from './in-flight.ts';
import { Lanes } from './lanes.ts';
import { BRIDGE_LIMITS } from './names.ts';
import { type DispatchFacts, judgeOutcome } from './outcome.ts';
import { type SplitText, toParts } from './parts.ts';
import { type DeliveredPayload, judgePayload } from './payload.ts';
import { backoffMs, type Pace } from './retry.ts';

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

export interface WorkerOptions {
  readonly desk: Desk;
  readonly runtime: Runtime;
  readonly signal: AbortSignal;
  readonly pace: Pace;
  readonly log: Log;
  readonly textLimit: number;
  readonly split: SplitText;
}

export class InboxWorker {
  readonly book = new FlightBook();
  readonly #options: WorkerOptions;
  readonly #lanes = new Lanes();
  #room = Promise.withResolvers<void>();

  constructor(options: WorkerOptions) {
    this.#options = options;
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
      await this.#acknowledge(item.number, item.attempt, ended);
      return;
    }
    void this.#run(this.book.begin(item, this.#options.runtime.sessionOf(item)));
    while (this.book.isFull && !this.#options.signal.aborted) await this.#room.promise;
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
      const outcome = await this.#handOver(flight, leave);
      if (outcome === undefined) this.book.remove(flight, { remember: false });
      else await this.#end(flight, outcome);
    } catch (error) {
      this.book.remove(flight, { remember: false });
      log.warn(`item ${flight.item.number}: ${explain(error)}`);
    } finally {
      leave();
      this.#makeRoom();
    }
  }

  /** Tries until the runtime has taken it. @returns undefined where the gateway stops and the daemon keeps the item */
  async #handOver(flight: Flight, leave: () => void): Promise<AckOutcome | undefined> {
    const { runtime, signal, pace, log } = this.#options;
    const { item } = flight;
    const giveUpMs = pace.nowMs() + BRIDGE_LIMITS.handOverMs;
    const seen = { began: false, answers: 0, notices: 0 };
    const hooks: HandOverHooks = {
      begin: () => {
        seen.began = true;
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
        const outcome = judgeOutcome({ ...handed, ...seen, joined: flight.hasJoined });
        if (handed.isQueued) return (await this.#awaitTurn(flight)) ? 'done' : this.#unlessStopping(outcome);
        // A duplicate: if a crash has cut its turn, OpenClaw resumes the turn by itself some seconds after its start.
        if (outcome === 'skipped')
          return (await this.#awaitTurn(flight)) ? 'done' : this.#unlessStopping(outcome);
        return outcome === 'done' ? outcome : this.#unlessStopping(outcome);
      } catch (error) {
        if (seen.answers > 0) return 'done';
        if (signal.aborted) return undefined;
        log.warn(`item ${item.number}, try ${attempt}: ${explain(error)}`);
        if (seen.began) return 'failed';
        if (pace.nowMs() >= giveUpMs) return 'undelivered';
        await pace.wait(backoffMs(attempt, pace.random()), signal);
      }
    }
    return undefined;
  }

  #unlessStopping(outcome: AckOutcome): AckOutcome | undefined {
    return this.#options.signal.aborted ? undefined : outcome;
  }

  /**
   * Waits for an answer that comes past the dispatch, as a send to the item's own target, while its session is busy.
   * Saying how the item ended before that would make the daemon hand it over once more, and the question would have two
   * answers.
   */
  async #awaitTurn(flight: Flight): Promise<boolean> {
    const { runtime, signal, pace, log } = this.#options;
    const giveUpMs = pace.nowMs() + BRIDGE_LIMITS.turnMs;
    let isFirst = true;
    while (!flight.isAnswered && !signal.aborted && pace.nowMs() < giveUpMs && runtime.isBusy(flight.item)) {
      if (isFirst) log.info(`item ${flight.item.number} waits for a turn that OpenClaw has begun by itself`);
      isFirst = false;
      await pace.wait(BRIDGE_LIMITS.turnPollMs, signal);
    }
    return flight.isAnswered;
  }

  async #deliver(
    flight: Flight,
    payload: DeliveredPayload,
    { kind, seen }: { kind: 'tool' | 'block' | 'final'; seen: { answers: number; notices: number } },
  ): Promise<readonly string[]> {
    const fate = judgePayload(payload, kind);
    if (fate === 'nothing') return [];
    const isAnswer = fate === 'answer';
    // Who joined a running turn is answered by that turn, or not at all; its own dispatch may despair too early.
    if (!isAnswer && flight.hasJoined) {
      seen.notices += 1;
      return [];
    }
    const also = isAnswer && kind === 'final' ? this.book.alsoAnswered(flight) : [];
    const ids = await this.publish(flight.item.number, payload.text ?? '', { isNotice: !isAnswer, also });
    if (isAnswer) seen.answers += ids.length;
    else seen.notices += ids.length;
    return ids;
  }

  /**
   * Publishes a text as the next parts of the answer to an item, in as many messages as it needs.
   * @returns the ids of the messages; none where the answer has all the parts that it may have
   */
  async publish(
    number: number,
    text: string,
    { isNotice = false, also = [] }: { isNotice?: boolean; also?: readonly number[] } = {},
  ): Promise<readonly string[]> {
    const { textLimit, split } = this.#options;
    const kind = isNotice ? 'notices' : 'answers';
    const parts = toParts(text, { charsMax: textLimit, free: this.book.freeParts(number, kind), split });
    const first = this.book.takeParts(number, kind, parts.length);
    const ids: string[] = [];
    for (const [index, body] of parts.entries()) {
      const answer: AnswerJson = {
        number,
        part: first + index,
        body,
        ...(isNotice && { notice: true }),
        ...(index === 0 && also.length > 0 && { also }),
      };
      ids.push(await this.#answer(answer));
    }
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
        if (!isAway(error) || signal.aborted || pace.nowMs() >= giveUpMs) throw error;
        await pace.wait(backoffMs(attempt, pace.random()), signal);
      }
    }
  }

  async #end(flight: Flight, outcome: AckOutcome): Promise<void> {
    for (const ready of this.book.end(flight, outcome)) {
      this.book.remove(ready, { remember: true });
      await this.#acknowledge(ready.item.number, ready.attempt, ready.outcome ?? outcome);
    }
  }

  /**
   * A daemon that is away has not lost the item: it sends it again, and `findEnded` knows how it ended. The same holds
   * where it says that there is nothing to acknowledge: a newer attempt is on its way, or it has seen the answer.
   */
  async #acknowledge(number: number, attempt: number, outcome: AckOutcome): Promise<void> {
    const { desk, log } = this.#options;
    try {
      await desk.acknowledge({ number, attempt, outcome });
      if (outcome !== 'done') log.info(`item ${number}: ${outcome}`);
    } catch (error) {
      if (isRefusal(error)) log.info(`item ${number}: ${outcome}; ${explain(error)}`);
      else log.warn(`item ${number} ended (${outcome}), and the daemon does not know yet: ${explain(error)}`);
    }
  }
}
