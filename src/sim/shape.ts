/** What shape a simulated mesh has: components over the links that both ends believe in, and the degrees of relays. */
import type { Host } from './host.ts';
import type { World } from './world.ts';

export interface Shape {
  readonly relays: number;
  readonly leaves: number;
  /** of those that run, connected by links that are up */
  readonly components: number;
  /** peers outside the largest component */
  readonly outside: readonly string[];
  /** overlay links of the relay that has fewest and most */
  readonly leastDegree: number;
  readonly mostDegree: number;
  readonly words: string;
}

/** The host of each component that stands for it (union-find with halving). */
class Components {
  readonly #parent = new Map<string, string>();

  rootOf(peer: string): string {
    let at = peer;
    for (let up = this.#parent.get(at); up !== undefined; up = this.#parent.get(at)) at = up;
    if (at !== peer) this.#parent.set(peer, at);
    return at;
  }

  join(a: string, b: string): void {
    const [x, y] = [this.rootOf(a), this.rootOf(b)];
    if (x !== y) this.#parent.set(x, y);
  }
}

export function shapeOf(world: World): Shape {
  const up = new Map(world.up().map((host): [string, Host] => [host.peerId, host]));
  const components = new Components();
  const degrees: number[] = [];
  let leaves = 0;
  const linksOf = new Map<string, Set<string>>();
  const roles = new Map<string, 'relay' | 'leaf'>();
  for (const [peer, host] of up) {
    const snapshot = host.core?.snapshot?.(world.network.nowOf(host));
    if (snapshot === undefined) continue;
    roles.set(peer, snapshot.role);
    linksOf.set(peer, new Set(snapshot.links.map((link) => link.peer)));
  }
  for (const [peer, links] of linksOf) {
    let degree = 0;
    for (const other of links) {
      if (!linksOf.get(other)?.has(peer)) continue;
      components.join(peer, other);
      if (roles.get(other) === 'relay') degree++;
    }
    if (roles.get(peer) === 'relay') degrees.push(degree);
    else leaves++;
  }
  const sizes = new Map<string, string[]>();
  for (const [peer, host] of up) {
    const root = components.rootOf(peer);
    const members = sizes.get(root);
    if (members) members.push(host.name);
    else sizes.set(root, [host.name]);
  }
  const [, ...others] = [...sizes.values()].sort((a, b) => b.length - a.length);
  const outside = others.flat();
  const [leastDegree, mostDegree] = [Math.min(...degrees), Math.max(...degrees)];
  const words =
    `${degrees.length} relays with ${leastDegree} to ${mostDegree} neighbours, ${leaves} leaves, ` +
    `${sizes.size} components${outside.length > 0 ? `, outside the largest ${outside.slice(0, 8).join(', ')}` : ''}`;
  const relays = degrees.length;
  return { relays, leaves, components: sizes.size, outside, leastDegree, mostDegree, words };
}
