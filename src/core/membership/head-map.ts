/**
 * What there is of each kind of record of each relay: a map by both, which is gone through in the order in which they came.
 * A text made of both would be made, hashed and thrown away for every head that a neighbour announces.
 */
import { RECORD, type RecordHead } from '../wire/frame.ts';

type Key = Pick<RecordHead, 'kind' | 'peer'>;

interface Cell<T> {
  readonly order: number;
  value: T;
}

export class HeadMap<T> {
  readonly #peers = new Map<string, Cell<T>>();
  readonly #interests = new Map<string, Cell<T>>();
  #order = 0;

  #of(kind: RecordHead['kind']): Map<string, Cell<T>> {
    return kind === RECORD.peer ? this.#peers : this.#interests;
  }

  get size(): number {
    return this.#peers.size + this.#interests.size;
  }

  get({ kind, peer }: Key): T | undefined {
    return this.#of(kind).get(peer)?.value;
  }

  has({ kind, peer }: Key): boolean {
    return this.#of(kind).has(peer);
  }

  /** What has a place keeps it. */
  set({ kind, peer }: Key, value: T): void {
    const cells = this.#of(kind);
    const cell = cells.get(peer);
    if (cell) cell.value = value;
    else cells.set(peer, { order: this.#order++, value });
  }

  delete({ kind, peer }: Key): void {
    this.#of(kind).delete(peer);
  }

  clear(): void {
    this.#peers.clear();
    this.#interests.clear();
  }

  /** In the order in which they came; what was given may be deleted meanwhile, and nothing else. */
  *values(): Generator<T> {
    const interests = this.#interests.values();
    let next = interests.next();
    for (const { order, value } of this.#peers.values()) {
      for (; next.done !== true && next.value.order < order; next = interests.next()) yield next.value.value;
      yield value;
    }
    for (; next.done !== true; next = interests.next()) yield next.value.value;
  }
}
