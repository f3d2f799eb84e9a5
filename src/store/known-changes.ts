/**
 * Where the sets of known messages have changed, for whoever remembers sums of them: the part `changed` of the answer
 * `sums`. Both stores note a change at the one place where their sums change.
 *
 * Invariants:
 * 1. Whatever changed after a version was told lies in a window of {@link KnownChanges.since} that version, or the answer
 *    is `undefined`: anything may have. A window may cover more than what changed, and change that was rolled back.
 * 2. A window that was told is not widened: the next change of its channel gets another one, and a higher version.
 * 3. Windows carry the text of a tag: the integer of one that was forgotten may stand for another one by the time of asking.
 */
import type { Window } from '../core/persistence.ts';

/** Changes that are remembered; the older half of more is forgotten (guess: 150 bytes each; nobody is away for so many). */
export const KNOWN_CHANGES_MAX = 8192;

interface Change extends Window {
  fromMinute: number;
  untilMinute: number;
}

export class KnownChanges {
  #changes: Change[] = [];
  /** versions up to this one are forgotten */
  #base = 0;
  /** tag: its change that nobody was told of */
  readonly #open = new Map<string, Change>();

  /** Grows with each change that is told separately. */
  get version(): number {
    return this.#base + this.#changes.length;
  }

  /** A message of that minute has become known, or is no longer. */
  note(tag: string, minute: number): void {
    const open = this.#open.get(tag);
    if (open !== undefined) {
      open.fromMinute = Math.min(open.fromMinute, minute);
      open.untilMinute = Math.max(open.untilMinute, minute + 1);
      return;
    }
    const change = { tag, fromMinute: minute, untilMinute: minute + 1 };
    this.#changes.push(change);
    if (this.#changes.length > KNOWN_CHANGES_MAX) this.#forgetHalf();
    else this.#open.set(tag, change);
  }

  /** What is forgotten must not be widened either. */
  #forgetHalf(): void {
    this.#base += this.#changes.splice(0, KNOWN_CHANGES_MAX / 2).length;
    this.#open.clear();
  }

  /** @param version one that was told, 0 for none; `undefined`: nobody wants to know */
  since(version: number | undefined): readonly Window[] | undefined {
    if (version === undefined || version < this.#base || version > this.version) return undefined;
    this.#open.clear();
    return this.#changes.slice(version - this.#base);
  }
}
