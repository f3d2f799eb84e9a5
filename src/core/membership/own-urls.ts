/**
 * The URLs under which others reached this peer. Diallers name them in their signed `auth`, and a dialler may lie: what
 * most different peers named is told first, and nobody can push out what others named. Where the operator says what our
 * URL is, that one and no other is told, once somebody has reached us there.
 */
import type { Scope } from '../contract.ts';
import { LIMITS } from '../limits.ts';

const PUBLICNESS: Readonly<Record<Scope, number>> = { loopback: 0, private: 1, public: 2 };

/** The most public of `scopes`, loopback if there are none. */
export function mostPublic(scopes: Iterable<Scope>): Scope {
  let most: Scope = 'loopback';
  for (const scope of scopes) if (PUBLICNESS[scope] > PUBLICNESS[most]) most = scope;
  return most;
}

export function mostPrivate(a: Scope, b: Scope): Scope {
  return PUBLICNESS[a] < PUBLICNESS[b] ? a : b;
}

interface Named {
  readonly by: Set<string>;
  /** how public those are at most who reached us there */
  scope: Scope;
}

export class OwnUrls {
  readonly #named = new Map<string, Named>();
  readonly #publicUrl: string;

  /** @param publicUrl canonical, '' if the operator said nothing */
  constructor(publicUrl: string) {
    this.#publicUrl = publicUrl;
  }

  /** @param scope how public the dialler's address is */
  named(url: string, peer: string, scope: Scope): void {
    if (url === '' || (this.#publicUrl !== '' && url !== this.#publicUrl)) return;
    const known = this.#named.get(url);
    if (known) {
      if (known.by.size < LIMITS.ownUrlPeersMax) known.by.add(peer);
      known.scope = mostPublic([known.scope, scope]);
    } else if (this.#named.size < LIMITS.ownUrlsMax || this.#forgetOne())
      this.#named.set(url, { by: new Set([peer]), scope });
  }

  /** Makes room among the URLs that only one peer named: the oldest goes. */
  #forgetOne(): boolean {
    for (const [url, { by }] of this.#named) if (by.size === 1) return this.#named.delete(url);
    return false;
  }

  /**
   * At most four, the most often named first; among equals the first named.
   * @param least what only less public peers reached us at is left out: an address at home is no business of the world
   */
  list(least: Scope = 'loopback'): string[] {
    return [...this.#named]
      .filter(([, { scope }]) => this.#publicUrl !== '' || PUBLICNESS[scope] >= PUBLICNESS[least])
      .sort(([, a], [, b]) => b.by.size - a.by.size)
      .slice(0, LIMITS.recordAddressesMax)
      .map(([url]) => url);
  }
}
