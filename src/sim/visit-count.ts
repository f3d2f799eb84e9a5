/** How many visits relays made, and the bytes that went over those links: handshakes, frames, both directions. */
import type { Effect, LinkId } from '../core/contract.ts';
import type { Host } from './host.ts';
import type { Observer } from './observer.ts';

export interface VisitFigures {
  readonly made: number;
  readonly bytes: number;
}

export class VisitCount implements Observer {
  /** sent over each link by the end that has this number */
  readonly #bytes = new Map<LinkId, number>();
  readonly #visits = new Set<LinkId>();
  #made = 0;

  effect(_host: Host, effect: Effect): void {
    if (effect.kind === 'send') for (const link of effect.links) this.#sent(link, effect.frame.length);
    else if (effect.kind === 'send-text') this.#sent(effect.link, effect.text.length);
    else if (effect.kind === 'report' && effect.phrase === 'link up' && effect.data.visit === true) {
      this.#visits.add(effect.data.link as LinkId);
      if (effect.data.role === 'dialler') this.#made++;
    }
  }

  #sent(link: LinkId, bytes: number): void {
    this.#bytes.set(link, (this.#bytes.get(link) ?? 0) + bytes);
  }

  figures(): VisitFigures {
    let bytes = 0;
    for (const link of this.#visits) bytes += this.#bytes.get(link) ?? 0;
    return { made: this.#made, bytes };
  }
}
