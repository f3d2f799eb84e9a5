/** What is asked of the store for the sake of a link: comparing is not over while an answer is awaited. */
import type { Context } from '../context.ts';
import type { Link } from '../link/link.ts';
import type { Query, QueryAnswer } from '../persistence.ts';

export class Reads {
  readonly #ctx: Context;
  /** answers that are awaited, by link; forgotten with the link */
  readonly #awaited = new WeakMap<Link, number>();

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  read<K extends Query['kind']>(
    link: Link,
    query: Extract<Query, { kind: K }>,
    then: (answer: Extract<QueryAnswer, { kind: K }>) => void,
  ): void {
    this.#count(link, 1);
    const done = (): void => this.#count(link, -1);
    const answered = (answer: Extract<QueryAnswer, { kind: K }>): void => {
      done();
      then(answer);
    };
    this.#ctx.read(query, answered, done);
  }

  #count(link: Link, change: number): void {
    this.#awaited.set(link, (this.#awaited.get(link) ?? 0) + change);
  }

  isBusy(link: Link): boolean {
    return (this.#awaited.get(link) ?? 0) > 0;
  }
}
