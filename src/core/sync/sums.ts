/**
 * Fingerprints of what is known here, for heartbeats and `sums` frames, at a cost that follows what has changed: a sum is
 * remembered as long as a link compares its window, and read again only where it may be another.
 *
 * What makes a sum another, and why none of it is missed:
 * 1. Messages that become known or are no longer: the store tells with each answer where that was since the version before
 *    (`known-changes.ts` notes it where the sums themselves are written). That covers messages that are stored, put off,
 *    superseded, pruned, expired, or recovered, whoever asked for it. What leaves the set as it is (a delete, a dropped
 *    content, a scrub, a moved floor of minute sums) changes no sum.
 * 2. Another end of the window: a sum says itself for which ends it holds (`link-sums.ts`).
 * 3. Another floor, or other channels: the channels of a link are another array then (`link-interest.ts`), and a sum belongs
 *    to one floor.
 * 4. A change while a read is under way: an answer counts for the version that it names. What it tells as changed is
 *    forgotten first, then its sums are remembered; what changes afterwards has a later version, and the next answer tells
 *    it. An answer older than what is known already is not remembered.
 * 5. Two channels of one tag share their sum, here as in the store.
 *
 * Every beat asks the store, because only the store knows what has changed; where nothing has, it asks for no sums.
 */
import type { Bytes } from '../bytes.ts';
import type { Context } from '../context.ts';
import type { LinkId } from '../contract.ts';
import type { Interest } from '../interest/interest.ts';
import type { Shared } from '../interest/link-interest.ts';
import { LIMITS } from '../limits.ts';
import type { Link } from '../link/link.ts';
import type { Footprint } from '../peer-types.ts';
import type { Query, QueryAnswer, Window, WindowSum } from '../persistence.ts';
import type { ChannelSum } from '../wire/frame.ts';
import { combine, fingerprint } from './fingerprint.ts';
import { LinkSums, RememberedSum, windowOf } from './link-sums.ts';

/** What a heartbeat compares: the channels that are shared, and their fingerprints at the moment. */
export interface Compared {
  readonly size: number;
  readonly fingerprint: Bytes;
  channels(): readonly ChannelSum[];
}

type SumsQuery = Extract<Query, { kind: 'sums' }>;
type SumsAnswer = Extract<QueryAnswer, { kind: 'sums' }>;

export interface SumsParts {
  readonly interest: Pick<Interest, 'sharedWith'>;
  /** asks the store for the sake of a link, about windows that end at `untilMinute` */
  readonly read: (
    link: Link,
    query: SumsQuery,
    untilMinute: number,
    then: (answer: SumsAnswer) => void,
  ) => void;
}

interface Beat {
  readonly sums: LinkSums;
  readonly shared: readonly Shared[];
  readonly untilMinute: number;
  readonly end: (compared: Compared) => void;
}

/** Answers after which more may be wanting, because of what changed meanwhile; then all is read at once, which cannot fail
 *  (guess: one that tells what has changed, one that reads it, and one more). */
const ROUNDS_MAX = 3;

export class Sums {
  readonly #ctx: Pick<Context, 'config'>;
  readonly #interest: SumsParts['interest'];
  readonly #ask: SumsParts['read'];
  readonly #links = new Map<LinkId, LinkSums>();
  /** tag: a sum for each floor that some link compares from */
  readonly #sums = new Map<string, readonly RememberedSum[]>();
  /** channels of all links together: sums are remembered for so many places */
  #places = 0;
  /** up to where changes are known */
  #version = 0;

  constructor(ctx: Pick<Context, 'config'>, { interest, read }: SumsParts) {
    this.#ctx = ctx;
    this.#interest = interest;
    this.#ask = read;
  }

  up(link: Link): void {
    this.#links.set(link.id, new LinkSums(this.#ctx.config.sha256));
  }

  down(link: Link): void {
    const sums = this.#links.get(link.id);
    if (sums) this.#adopt(sums, []);
    this.#links.delete(link.id);
  }

  /** What a heartbeat compares with a link. `then` is not called if the channels change before the store has answered: the
   *  next beat is soon. */
  ofBeat(link: Link, untilMinute: number, then: (compared: Compared) => void): void {
    const sums = this.#links.get(link.id);
    const shared = this.#interest.sharedWith(link);
    const end = (compared: Compared): void => {
      if (this.#interest.sharedWith(link) === shared) then(compared);
    };
    if (sums && this.#adopt(sums, shared)) this.#settle(link, { sums, shared, untilMinute, end }, 0);
    else this.of(link, shared, untilMinute, (channels) => end(this.#compared(channels)));
  }

  /** Fingerprints of any windows. Of what is remembered they are as old as the first of two answers, at most. */
  of(
    link: Link,
    windows: readonly Shared[],
    untilMinute: number,
    then: (channels: readonly ChannelSum[]) => void,
  ): void {
    const find = (one: Shared): Bytes | undefined => {
      const sum = this.#find(one);
      return sum?.holds(untilMinute) ? sum.fingerprint : undefined;
    };
    const asked = windows.filter((one) => find(one) === undefined);
    this.#fresh(link, asked, untilMinute, (channels) => {
      const prints = new Map<string, Bytes | undefined>(windows.map((one) => [one.tag, find(one)]));
      const end = (read: readonly ChannelSum[]): void => {
        for (const { tag, fingerprint: print } of read) prints.set(tag, print);
        then(windows.map((one) => ({ ...one, fingerprint: prints.get(one.tag) as Bytes })));
      };
      for (const { tag, fingerprint: print } of channels) prints.set(tag, print);
      const changed = windows.filter(({ tag }) => prints.get(tag) === undefined);
      if (changed.length === 0) end([]);
      else this.#fresh(link, changed, untilMinute, end);
    });
  }

  #compared(channels: readonly ChannelSum[]): Compared {
    const print = combine(this.#ctx.config.sha256, channels);
    return { size: channels.length, fingerprint: print, channels: () => channels };
  }

  /** Reads whatever is remembered. */
  #fresh(
    link: Link,
    windows: readonly Shared[],
    untilMinute: number,
    then: (channels: readonly ChannelSum[]) => void,
  ): void {
    const asked = windows.map((one) => windowOf(one, untilMinute));
    this.#read(link, asked, untilMinute, (sums) =>
      then(windows.map((one, i) => ({ ...one, fingerprint: this.#print(sums[i] as WindowSum) }))),
    );
  }

  /** @returns false if there is no room to remember so many */
  #adopt(sums: LinkSums, shared: readonly Shared[]): boolean {
    if (sums.shared === shared) return true;
    const isTooMuch = this.#places - sums.shared.length + shared.length > LIMITS.rememberedSumsMax;
    const next = isTooMuch ? [] : shared;
    this.#places += next.length - sums.shared.length;
    for (const sum of sums.adopt(next, (one) => this.#take(one))) if (!sum.isUsed) this.#drop(sum);
    return !isTooMuch;
  }

  #take(one: Shared): RememberedSum {
    const known = this.#find(one);
    if (known) return known;
    const sum = new RememberedSum(one);
    this.#sums.set(sum.tag, [...(this.#sums.get(sum.tag) ?? []), sum]);
    return sum;
  }

  #find({ tag, floorHour }: Shared): RememberedSum | undefined {
    return this.#sums.get(tag)?.find(({ fromMinute }) => fromMinute === floorHour * 60);
  }

  #drop(sum: RememberedSum): void {
    const left = (this.#sums.get(sum.tag) ?? []).filter((one) => one !== sum);
    if (left.length > 0) this.#sums.set(sum.tag, left);
    else this.#sums.delete(sum.tag);
  }

  #settle(link: Link, beat: Beat, rounds: number): void {
    const { sums, shared, untilMinute, end } = beat;
    const missing = sums.missing(untilMinute);
    if (rounds > 0 && missing.length === 0) {
      sums.fill();
      return end(sums);
    }
    if (rounds === ROUNDS_MAX)
      return this.#fresh(link, shared, untilMinute, (channels) => end(this.#compared(channels)));
    const windows = missing.map((sum) => sum.window(untilMinute));
    this.#read(link, windows, untilMinute, (found, isCurrent) => {
      if (isCurrent)
        missing.forEach((sum, i) => {
          const one = found[i] as WindowSum;
          sum.know(this.#print(one), untilMinute, one.sameUntil);
        });
      if (sums.shared === shared) this.#settle(link, beat, rounds + 1);
    });
  }

  #print(sum: WindowSum): Bytes {
    return fingerprint(this.#ctx.config.sha256, sum);
  }

  /** Reads sums, and forgets what has changed. `isCurrent`: they are as new as what is remembered. */
  #read(
    link: Link,
    windows: readonly Window[],
    untilMinute: number,
    then: (sums: readonly WindowSum[], isCurrent: boolean) => void,
  ): void {
    this.#ask(link, { kind: 'sums', windows, since: this.#version }, untilMinute, (answer) => {
      const isCurrent = answer.version >= this.#version;
      if (isCurrent) {
        this.#forget(answer.changed);
        this.#version = answer.version;
      }
      then(answer.sums, isCurrent);
    });
  }

  #forget(changed: readonly Window[] | undefined): void {
    if (changed === undefined) for (const ofTag of this.#sums.values()) for (const sum of ofTag) sum.forget();
    else
      for (const window of changed) for (const sum of this.#sums.get(window.tag) ?? []) sum.changed(window);
  }

  footprint(): Footprint {
    return { rememberedSums: { size: this.#places, max: LIMITS.rememberedSumsMax } };
  }
}
