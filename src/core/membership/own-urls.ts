/**
 * The URLs under which others reached this peer. Diallers name them in their signed `auth`, and a dialler may lie: what
 * most different peers named is told first, and nobody can push out what others named. Where the operator says what our
 * URL is, that one and no other is told, once somebody has reached us there.
 */
import { LIMITS } from '../limits.ts';

export class OwnUrls {
  readonly #namedBy = new Map<string, Set<string>>();
  readonly #publicUrl: string;

  /** @param publicUrl canonical, '' if the operator said nothing */
  constructor(publicUrl: string) {
    this.#publicUrl = publicUrl;
  }

  named(url: string, peer: string): void {
    if (url === '' || (this.#publicUrl !== '' && url !== this.#publicUrl)) return;
    const peers = this.#namedBy.get(url);
    if (peers) {
      if (peers.size < LIMITS.ownUrlPeersMax) peers.add(peer);
    } else if (this.#namedBy.size < LIMITS.ownUrlsMax || this.#forgetOne())
      this.#namedBy.set(url, new Set([peer]));
  }

  /** Makes room among the URLs that only one peer named: the oldest goes. */
  #forgetOne(): boolean {
    for (const [url, peers] of this.#namedBy) if (peers.size === 1) return this.#namedBy.delete(url);
    return false;
  }

  /** At most four, the most often named first; among equals the first named. */
  list(): string[] {
    return [...this.#namedBy]
      .sort(([, a], [, b]) => b.size - a.size)
      .slice(0, LIMITS.recordAddressesMax)
      .map(([url]) => url);
  }
}
