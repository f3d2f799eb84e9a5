/**
 * Looks at each new message in the channels that wake the agent, once, and puts what is for the agent into its inbox.
 *
 * It follows the store by arrival number, as feeds do, so nothing that is committed is missed: not what came by
 * catch-up, and not what was committed in the moment before a crash. The rows and the number up to which everything was
 * looked at are written together, and a message is in an inbox at most once.
 */
import { toBase64url } from '../../core/bytes.ts';
import { type Budget, spentOf } from '../../core/contact/budget.ts';
import { readMarks } from '../../core/contact/marks.ts';
import { judge, type Verdict, type WakeMessage } from '../../core/contact/wake.ts';
import { LIMITS } from '../../core/limits.ts';
import { RELATION } from '../../core/message/message.ts';
import type { InboxStore, NewInboxRow, Store, StoredMessage } from '../../store/index.ts';
import { FEED_PAGE } from '../feed.ts';
import { nextTurn } from '../system.ts';
import { parsePayload } from '../views.ts';
import type { Policy } from './policy.ts';

/** Messages after which the cursor is written though nothing was for the agent: what a restart looks at again (guess). */
const CURSOR_STEP = 1000;

export interface ScannerParts {
  readonly identity: string;
  readonly store: Pick<Store, 'readArrivals' | 'lastArrival' | 'readMessage'>;
  readonly inbox: InboxStore;
  readonly policy: Policy;
  readonly budget: Budget;
  readonly ageMsMax: number;
  readonly wallMs: () => number;
  /** rows that wait, or are held, were added */
  readonly onAdded: (rows: readonly NewInboxRow[]) => void;
}

export class Scanner {
  readonly #parts: ScannerParts;
  #cursor: number;
  #saved: number;

  constructor(parts: ScannerParts) {
    this.#parts = parts;
    this.#cursor = parts.inbox.cursor(parts.identity) ?? 0;
    this.#saved = this.#cursor;
  }

  /** Looks at everything up to the end of the store. Throws MeshError if the store fails; then it goes on from there. */
  async run(isStopped: () => boolean): Promise<void> {
    const { store, policy } = this.#parts;
    // Without such a channel nothing is read at all; one that is added says from which number on it wakes.
    while (policy.channels.length > 0 && !isStopped()) {
      const head = store.lastArrival();
      this.#cursor = Math.max(this.#cursor, Math.min(policy.since, head));
      if (this.#cursor >= head) return;
      const isFull = this.#step(head);
      if (isFull) await nextTurn();
    }
  }

  /** Writes down how far everything was looked at, so that a restart does not judge it again by other words. */
  save(): void {
    if (this.#cursor <= this.#saved) return;
    this.#parts.inbox.add(this.#parts.identity, [], this.#cursor);
    this.#saved = this.#cursor;
  }

  /** What stands between the cursor and `head`, one page of it. @returns whether there may be more */
  #step(head: number): boolean {
    const { store, policy, wallMs, inbox, identity, onAdded } = this.#parts;
    const channels = policy.channels;
    const page = store.readArrivals({ after: this.#cursor, limit: FEED_PAGE, wallMs: wallMs(), channels });
    const isFull = page.length === FEED_PAGE;
    const next = isFull ? (page.at(-1)?.arrival ?? head) : head;
    const rows: NewInboxRow[] = [];
    for (const stored of page) {
      const row = this.#judge(stored, rows);
      if (row !== undefined) rows.push(row);
    }
    if (rows.length > 0 || next - this.#saved >= CURSOR_STEP) {
      inbox.add(identity, rows, next);
      this.#saved = next;
    }
    this.#cursor = next;
    if (rows.length > 0) onAdded(rows);
    return isFull;
  }

  #judge(stored: StoredMessage, before: readonly NewInboxRow[]): NewInboxRow | undefined {
    const { identity, policy, inbox, wallMs } = this.#parts;
    const { message } = stored.message;
    const author = toBase64url(message.author);
    if (!policy.isAllowed(author) || inbox.rowOf(identity, message.idText) !== undefined) return undefined;
    const { channel, idText: id } = message;
    const atMs = wallMs();
    const seen = this.#read(stored);
    const verdict = this.#decide(stored.arrival, channel, seen, { before, atMs });
    return rowFor(verdict, { id, channel, author, atMs, hops: seen.marks.hops });
  }

  /** Whether it was looked at already; what lies before the first waking channel counts as looked at. */
  hasSeen(arrival: number): boolean {
    return arrival <= this.#cursor;
  }

  /** What a message is for the agent by the rules as they are now. */
  verdict(stored: StoredMessage): Verdict {
    const { channel } = stored.message.message;
    const now = { before: [], atMs: this.#parts.wallMs() };
    return this.#decide(stored.arrival, channel, this.#read(stored), now);
  }

  #read(stored: StoredMessage): WakeMessage {
    const { message } = stored.message;
    return {
      author: toBase64url(message.author),
      timeMs: message.time.timeMs,
      body: message.body,
      marks: readMarks(parsePayload(message.payload)),
      isReplyToAgent: this.#isReply(stored),
    };
  }

  /** @param before rows of this page that are not written yet */
  #decide(
    arrival: number,
    channel: string,
    seen: WakeMessage,
    { before, atMs }: { readonly before: readonly NewInboxRow[]; readonly atMs: number },
  ): Verdict {
    const { identity, policy, ageMsMax, budget } = this.#parts;
    const { author } = seen;
    return judge(seen, {
      identity,
      rule: policy.ruleFor(channel, arrival),
      isAllowed: policy.isAllowed(author),
      nowMs: atMs,
      ageMsMax,
      hopsMax: budget.hops,
      isInboxFull: () => this.#isFull(author, before),
      hasBudget: () => this.#hasBudget({ author, channel, atMs }, before),
    });
  }

  /** Whether too much waits, of everybody or of this contact. @param before rows of this page that are not written yet */
  #isFull(author: string, before: readonly NewInboxRow[]): boolean {
    const { inbox, identity } = this.#parts;
    const fresh = before.filter((row) => row.state === 'waiting');
    if (inbox.countOpen(identity).waiting + fresh.length >= LIMITS.inboxWaitingMax) return true;
    const own = fresh.filter((row) => row.author === author).length;
    return inbox.countWaitingOf(identity, author) + own >= LIMITS.inboxWaitingContactMax;
  }

  #hasBudget(
    { author, channel, atMs }: Pick<NewInboxRow, 'author' | 'channel' | 'atMs'>,
    before: readonly NewInboxRow[],
  ): boolean {
    const { inbox, identity, budget } = this.#parts;
    const fresh = before.filter((row) => row.state === 'waiting');
    const spent = spentOf(budget, atMs, (of, sinceMs) => {
      const isContact = of === 'contact';
      const here = fresh.filter((row) => (isContact ? row.author === author : row.channel === channel));
      const key = isContact ? { author } : { channel };
      return inbox.countTurns(identity, key, { sinceMs, handedOnly: false }) + here.length;
    });
    return spent === undefined;
  }

  /** Whether it answers a message of the agent's identity that is stored here. */
  #isReply({ message: { message } }: StoredMessage): boolean {
    const { store, identity } = this.#parts;
    return message.refs.some(({ relation, id }) => {
      if (relation !== RELATION.reply) return false;
      const target = store.readMessage(toBase64url(id))?.message.message;
      return target !== undefined && toBase64url(target.author) === identity;
    });
  }
}

type RowFacts = Pick<NewInboxRow, 'id' | 'channel' | 'author' | 'atMs' | 'hops'>;

function rowFor(verdict: Verdict, facts: RowFacts): NewInboxRow | undefined {
  switch (verdict.kind) {
    case 'pass':
      return undefined;
    case 'wake':
      return { ...facts, why: verdict.why, state: 'waiting', reason: '' };
    case 'hold':
      return { ...facts, why: verdict.why, state: 'held', reason: verdict.reason };
    default:
      return verdict satisfies never;
  }
}
