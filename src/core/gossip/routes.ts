/**
 * Where copies of a channel's messages go. It is the same for all messages of a channel, root and link until a link, a
 * role, somebody's interest or the map changes, so it is worked out once and kept for as long as {@link Interest.version}
 * stands still.
 */
import type { Interest } from '../interest/interest.ts';
import type { Link } from '../link/link.ts';
import type { Links } from '../link/links.ts';
import type { Membership } from '../membership/membership.ts';
import { type Target, targetOf } from './outbound.ts';

export interface Route {
  /** relays that are our children in the root's tree */
  readonly children: Target;
  /** leaves that we are the live relay of */
  readonly live: Target;
  /** leaves that only hear the id */
  readonly standby: readonly Link[];
}

/** Routes kept; when there are more it starts anew (guess: as many channels and links as are busy at once). */
const ROUTES_MAX = 4096;

export class Routes {
  readonly #links: Links;
  readonly #membership: Membership;
  readonly #interest: Interest;
  readonly #routes = new Map<string, Route>();
  readonly #offers = new Map<string, readonly Link[]>();
  #version = 0;

  constructor(links: Links, membership: Membership, interest: Interest) {
    this.#links = links;
    this.#membership = membership;
    this.#interest = interest;
  }

  #refresh(): void {
    const isFull = this.#routes.size >= ROUTES_MAX || this.#offers.size >= ROUTES_MAX;
    if (this.#version === this.#interest.version && !isFull) return;
    this.#version = this.#interest.version;
    this.#routes.clear();
    this.#offers.clear();
  }

  /** @param from the link that it came by, `undefined` for messages of local identities */
  of(tag: string, root: string, from: Link | undefined): Route {
    this.#refresh();
    const key = `${tag}${from?.id ?? ''} ${root}`;
    let route = this.#routes.get(key);
    if (route === undefined) {
      route = this.#find(tag, root, from);
      this.#routes.set(key, route);
    }
    return route;
  }

  #find(tag: string, root: string, from: Link | undefined): Route {
    const children: Link[] = [];
    for (const peer of this.#membership.map.children(root, tag)) {
      const link = this.#links.withPeer(peer);
      if (link !== undefined && link !== from) children.push(link);
    }
    const leaves = this.#membership
      .leaves()
      .filter((link) => link !== from && this.#interest.wants(link, tag));
    const live = leaves.filter((link) => link.remoteLive);
    const options = { root, keep: false, own: from === undefined };
    return {
      children: targetOf(children, options),
      live: targetOf(live, options),
      standby: leaves.filter((link) => !link.remoteLive),
    };
  }

  /**
   * Interested neighbours that no tree brought a held message to.
   * @param root '' for messages fetched by id
   * @param isServed whether it went to those that are our children in the root's tree now
   */
  offers(tag: string, root: string, isServed: boolean): readonly Link[] {
    this.#refresh();
    const key = `${tag}${isServed}${root}`;
    let links = this.#offers.get(key);
    if (links === undefined) {
      const isToChildren = root !== '' && isServed;
      const children = isToChildren ? this.#membership.map.children(root, tag) : new Set<string>();
      const others = this.#membership.overlay().filter((link) => !children.has(link.peer));
      // Leaves got what follows a tree by push.
      const all = root === '' ? [...others, ...this.#membership.leaves()] : others;
      links = all.filter((link) => this.#interest.wants(link, tag));
      this.#offers.set(key, links);
    }
    return links;
  }
}
