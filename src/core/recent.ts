/**
 * What happened lately, by id: a map of at most `max` entries that forgets the oldest. A ring of the ids stands beside the
 * map, because a Map finds its first entry by walking over the places of all that were deleted before it.
 */
export class Recent<T> {
  readonly max: number;
  readonly #entries = new Map<string, T>();
  readonly #ring: string[] = [];
  #at = 0;

  constructor(max: number) {
    this.max = max;
  }

  get(id: string): T | undefined {
    return this.#entries.get(id);
  }

  /** The newest value of an id counts; its place in the order is that of its first one. */
  set(id: string, entry: T): void {
    if (!this.#entries.has(id)) {
      const oldest = this.#ring[this.#at];
      if (oldest !== undefined) this.#entries.delete(oldest);
      this.#ring[this.#at] = id;
      this.#at = (this.#at + 1) % this.max;
    }
    this.#entries.set(id, entry);
  }

  /** Ids that begin with `prefix`, at most `limit` of them. Looks at every entry. */
  startingWith(prefix: string, limit: number): string[] {
    return idsStartingWith(this.#entries.keys(), prefix, limit);
  }

  get size(): number {
    return this.#entries.size;
  }
}

/** Those of `ids` that begin with `prefix`, at most `limit` of them. */
export function idsStartingWith(ids: Iterable<string>, prefix: string, limit: number): string[] {
  const found: string[] = [];
  for (const id of ids) {
    if (found.length >= limit) break;
    if (id.startsWith(prefix)) found.push(id);
  }
  return found;
}
