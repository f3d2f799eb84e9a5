/**
 * What waits for a commit, for both interpreters of `persist`: bulks and all else take turns, so that neither keeps the other
 * waiting for long, or for ever. The rule for their order is the third one of `contract.ts`.
 */
import type { Effect } from './contract.ts';
import { LIMITS } from './limits.ts';
import { isRemoval, type PersistOp } from './persistence.ts';

type PersistEffect = Extract<Effect, { kind: 'persist' }>;

/** An effect that waits. */
export type Waiting = Omit<PersistEffect, 'kind'>;

export class CommitQueue {
  readonly #weightOf: (op: PersistOp) => number;
  readonly #others: Waiting[] = [];
  readonly #bulks: Waiting[] = [];
  #wasBulk = true;
  #ops = 0;

  /** @param weightOf what an operation takes of a commit, in messages */
  constructor(weightOf: (op: PersistOp) => number) {
    this.#weightOf = weightOf;
  }

  /** operations that wait */
  get ops(): number {
    return this.#ops;
  }

  get isEmpty(): boolean {
    return this.#others.length === 0 && this.#bulks.length === 0;
  }

  /** Whether anything but bulks waits. */
  get hasOthers(): boolean {
    return this.#others.length > 0;
  }

  add(effect: Waiting): void {
    // What is stored is not to come to lie below a floor that is set after it was looked at.
    if (effect.ops.some(isRemoval)) this.#others.push(...this.#bulks.splice(0));
    (effect.isBulk ? this.#bulks : this.#others).push(effect);
    this.#ops += effect.ops.length;
  }

  /** Takes what goes into the next commit, one effect at least if any waits. @param bulkMost messages, if it is the turn of bulks */
  take(bulkMost: number = LIMITS.commitMessagesMax): Waiting[] {
    this.#wasBulk = this.#bulks.length > 0 && (!this.#wasBulk || this.#others.length === 0);
    const batch = this.#wasBulk
      ? this.#takeUpTo(this.#bulks, bulkMost)
      : this.#takeUpTo(this.#others, LIMITS.commitMessagesMax);
    for (const { ops } of batch) this.#ops -= ops.length;
    return batch;
  }

  #takeUpTo(queue: Waiting[], most: number): Waiting[] {
    let weight = 0;
    let count = 0;
    for (const { ops } of queue) {
      weight += ops.reduce((sum, op) => sum + this.#weightOf(op), 0);
      if (count > 0 && weight > most) break;
      count += 1;
    }
    return queue.splice(0, count);
  }

  clear(): void {
    this.#others.length = 0;
    this.#bulks.length = 0;
    this.#ops = 0;
  }
}
