/**
 * The items that were handed to OpenClaw and are not acknowledged.
 *
 * 1. A message to a busy agent is steered into the running turn: its dispatch ends when the turn takes it in,
 *    and the answer comes later, out of the dispatch of an earlier message, as its second final text. One
 *    that comes as the turn ends is queued for a turn of its own, and its answer comes as a plain send.
 *    (Measured with OpenClaw 2026.9.6, 40 rounds of three quick messages. `onDeferred` says so within 0.1 s
 *    in both cases.) So an item is acknowledged only when its dispatch has ended AND its session is at rest:
 *    no dispatch runs there. A crash before that brings the item again.
 * 2. Parts of an answer are numbered over all that is published for an item, in whatever way, because the
 *    daemon publishes each number once. Notices count by themselves. A new turn for an item begins at 1
 *    again, and so does a new process: what was published before is then not published a second time. That
 *    matters because OpenClaw also answers past the dispatch, through a plain send to the item's target: it
 *    resumes a turn that a crash has cut, sends a stored answer again, or a helper of the agent reports late.
 *    The price is that such a late report after a restart may be taken for what was published before. A
 *    second answer would be worse.
 * 3. What a dispatch answers first is its own item. From its second final text on it also answers what was
 *    steered into it: the items of the session that joined it and have no answer yet.
 */
import type { AckOutcome, InboxItemJson } from '../../api/client/agent-types.ts';
import { BRIDGE_LIMITS } from './names.ts';

export interface Flight {
  readonly item: InboxItemJson;
  readonly session: string;
  /** of the newest time that the daemon sent it */
  attempt: number;
  /** undefined while its dispatch runs */
  outcome: AckOutcome | undefined;
  /** its answer, or one that says it answers this too, is published */
  isAnswered: boolean;
  /** a notice that it failed is published */
  hasNotice: boolean;
  /** it was handed to a turn that was running already, which answers it if anything does */
  hasJoined: boolean;
  /** final texts that its dispatch delivered */
  finals: number;
}

interface Counts {
  answers: number;
  notices: number;
}

/** Drops the oldest entries of a map until it has at most so many. */
function trim<K>(map: Map<K, unknown>, entriesMax: number): void {
  for (const oldest of map.keys()) {
    if (map.size <= entriesMax) return;
    map.delete(oldest);
  }
}

export class FlightBook {
  readonly #flights = new Map<number, Flight>();
  /** how the last ones ended, for a daemon that did not hear the acknowledgement */
  readonly #ended = new Map<number, { readonly handover: string; readonly outcome: AckOutcome }>();
  /** messages published for items, also for those that are not in flight any more */
  readonly #counts = new Map<number, Counts>();

  get size(): number {
    return this.#flights.size;
  }

  get isFull(): boolean {
    return this.#flights.size >= BRIDGE_LIMITS.inFlightMax;
  }

  find(number: number): Flight | undefined {
    return this.#flights.get(number);
  }

  /** How an item of this handover ended, if it did lately. */
  findEnded(item: InboxItemJson): AckOutcome | undefined {
    const ended = this.#ended.get(item.number);
    return ended?.handover === item.handover ? ended.outcome : undefined;
  }

  begin(item: InboxItemJson, session: string): Flight {
    const flight: Flight = {
      item,
      session,
      attempt: item.attempt,
      outcome: undefined,
      isAnswered: false,
      hasNotice: false,
      hasJoined: false,
      finals: 0,
    };
    this.#flights.set(item.number, flight);
    this.#counts.delete(item.number);
    return flight;
  }

  /** The items of a session that can be acknowledged now, in the order of the inbox; see (1). */
  atRest(session: string): readonly Flight[] {
    const inSession = this.#inSession(session);
    return inSession.every((flight) => flight.outcome !== undefined) ? inSession : [];
  }

  /** The daemon knows, or will send it again: it is not in flight any more. */
  remove(flight: Flight, { remember }: { readonly remember: boolean }): void {
    this.#flights.delete(flight.item.number);
    if (!remember || flight.outcome === undefined) return;
    this.#ended.delete(flight.item.number);
    this.#ended.set(flight.item.number, { handover: flight.item.handover, outcome: flight.outcome });
    trim(this.#ended, BRIDGE_LIMITS.rememberedMax);
  }

  /** Messages that the answer to an item, or its notices, may still have. */
  freeParts(number: number, kind: keyof Counts): number {
    return BRIDGE_LIMITS.partsMax - (this.#counts.get(number)?.[kind] ?? 0);
  }

  /** Takes the number of the next part. */
  takePart(number: number, kind: keyof Counts): number {
    const counts = this.#counts.get(number) ?? { answers: 0, notices: 0 };
    counts[kind] += 1;
    this.#counts.delete(number);
    this.#counts.set(number, counts);
    trim(this.#counts, BRIDGE_LIMITS.rememberedMax + BRIDGE_LIMITS.inFlightMax);
    return counts[kind];
  }

  /** Nobody knows whether this part was published: the next one takes its number, and the daemon decides. */
  giveBackPart(number: number, kind: keyof Counts, part: number): void {
    const counts = this.#counts.get(number);
    if (counts?.[kind] === part) counts[kind] -= 1;
  }

  /**
   * Items that a final text of this flight answers besides its own; see (3). Call once for each final text.
   */
  alsoAnswered(flight: Flight): readonly number[] {
    flight.finals += 1;
    if (flight.finals < 2) return [];
    const others = this.#inSession(flight.session).filter(
      (other) => other !== flight && other.hasJoined && !other.isAnswered,
    );
    return others.map((other) => other.item.number);
  }

  markAnswered(numbers: readonly number[]): void {
    for (const number of numbers) {
      const flight = this.#flights.get(number);
      if (flight !== undefined) flight.isAnswered = true;
    }
  }

  #inSession(session: string): Flight[] {
    const found = [...this.#flights.values()].filter((flight) => flight.session === session);
    return found.sort((a, b) => a.item.number - b.item.number);
  }
}
