/**
 * What local clients of a simulated daemon see: after each commit new arrivals are read by arrival number, as a real
 * client's feed does, once over everything and once for each joined channel from its beginning.
 */
import type { Effect } from '../core/contract.ts';
import type { Host } from './host.ts';
import type { Observer } from './observer.ts';

/** rows read at once, as a client would page */
const PAGE = 200;

/** Place of a client's cursor in each feed of one host: '' for the feed of everything. */
type Cursors = Map<string, number>;

export class Feeds implements Observer {
  readonly #cursors = new Map<Host, Cursors>();
  readonly #observers: readonly Observer[];
  readonly #wallMs: (host: Host) => number;

  constructor(options: { observers: readonly Observer[]; wallMs: (host: Host) => number }) {
    this.#observers = options.observers;
    this.#wallMs = options.wallMs;
  }

  /** Channels that the host is known to have joined. */
  joined(host: Host): string[] {
    return [...(this.#cursors.get(host)?.keys() ?? [])].filter((channel) => channel !== '');
  }

  remove(host: Host): void {
    this.#cursors.delete(host);
  }

  effect(host: Host, effect: Effect): void {
    if (effect.kind !== 'reply' || effect.reply.kind !== 'joined') return;
    const cursors = this.#of(host);
    if (!cursors.has(effect.reply.channel)) cursors.set(effect.reply.channel, 0);
    this.#read(host, effect.reply.channel);
  }

  committed(host: Host): void {
    for (const channel of this.#of(host).keys()) this.#read(host, channel);
  }

  #of(host: Host): Cursors {
    let cursors = this.#cursors.get(host);
    if (cursors === undefined) {
      cursors = new Map([['', 0]]);
      this.#cursors.set(host, cursors);
    }
    return cursors;
  }

  #read(host: Host, channel: string): void {
    const cursors = this.#of(host);
    const only = channel === '' ? {} : { channels: [channel] };
    for (;;) {
      const after = cursors.get(channel) ?? 0;
      const rows = host.store.readArrivals({ after, limit: PAGE, wallMs: this.#wallMs(host), ...only });
      for (const row of rows) {
        cursors.set(channel, row.arrival);
        for (const observer of this.#observers) observer.shown?.(host, channel, row);
      }
      if (rows.length < PAGE) return;
    }
  }
}
