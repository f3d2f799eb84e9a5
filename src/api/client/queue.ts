/**
 * What a stream has received for one subscription and nobody has read yet: an async iterable that says when it is
 * too full, so that the socket can rest.
 */
export interface QueueOptions {
  /** above this many items `onFull(true)` is called, at half of it `onFull(false)` */
  readonly itemsMax: number;
  readonly onFull: (full: boolean) => void;
  /** the reader stopped before the end */
  readonly onReturn: () => void;
}

export class ItemQueue<T> implements AsyncIterableIterator<T> {
  readonly #options: QueueOptions;
  readonly #items: T[] = [];
  #waiting: { resolve: (result: IteratorResult<T>) => void; reject: (error: Error) => void } | undefined;
  #end: { readonly error: Error | undefined } | undefined;
  #full = false;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  push(item: T): void {
    if (this.#end) return;
    if (this.#waiting) {
      this.#waiting.resolve({ value: item, done: false });
      this.#waiting = undefined;
      return;
    }
    this.#items.push(item);
    if (!this.#full && this.#items.length > this.#options.itemsMax) this.#setFull(true);
  }

  /** No more items come; the reader gets what is here, then the end or `error`. */
  end(error?: Error): void {
    if (this.#end) return;
    this.#end = { error };
    if (this.#waiting === undefined) return;
    if (error) this.#waiting.reject(error);
    else this.#waiting.resolve({ value: undefined, done: true });
    this.#waiting = undefined;
  }

  #setFull(full: boolean): void {
    this.#full = full;
    this.#options.onFull(full);
  }

  async next(): Promise<IteratorResult<T>> {
    const item = this.#items.shift();
    if (item !== undefined) {
      if (this.#full && this.#items.length <= this.#options.itemsMax / 2) this.#setFull(false);
      return { value: item, done: false };
    }
    if (this.#end?.error) throw this.#end.error;
    if (this.#end) return { value: undefined, done: true };
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  async return(): Promise<IteratorResult<T>> {
    const wasOpen = this.#end === undefined;
    this.end();
    this.#items.length = 0;
    if (this.#full) this.#setFull(false);
    if (wasOpen) this.#options.onReturn();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
