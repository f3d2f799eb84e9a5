/**
 * Where peers stand on the map: relays on a ring, in an order that keeps their links short, and each relay's leaves
 * outside of it, in its sector. Nothing is drawn by lot, so that the same mesh always looks the same.
 */

export interface Peer {
  readonly name: string;
  readonly isRelay: boolean;
  /** the relay that a leaf hangs on, undefined for relays and for whoever has none */
  readonly home: string | undefined;
  /** side of the partition that it was on, undefined if there was none */
  readonly side: number | undefined;
}

export interface Place {
  readonly x: number;
  readonly y: number;
  /** direction from the middle, radians */
  readonly angle: number;
}

export interface Layout {
  readonly places: ReadonlyMap<string, Place>;
  readonly ringRadius: number;
}

/** A leaf takes one slot of the circle, a relay without many leaves takes this many. */
const RELAY_SLOTS = 1.6;
const RING_SHARE = 0.52;

/** For each relay the others that it is linked with, once for each link. */
function neighbours(links: readonly (readonly [string, string])[]): ReadonlyMap<string, readonly string[]> {
  const lists = new Map<string, string[]>();
  for (const [a, b] of links) {
    lists.set(a, [...(lists.get(a) ?? []), b]);
    lists.set(b, [...(lists.get(b) ?? []), a]);
  }
  return lists;
}

/**
 * Sides of a partition stay together; within one, pairs change places as long as that shortens the links: the sum of
 * their distances on the ring. Only links of the two that change count, so that a thousand relays take seconds.
 */
function orderRelays(relays: readonly Peer[], links: readonly (readonly [string, string])[]): string[] {
  const sorted = relays.toSorted((a, b) => (a.side ?? 0) - (b.side ?? 0) || (a.name < b.name ? -1 : 1));
  const order = sorted.map(({ name }) => name);
  const sideOf = new Map(relays.map(({ name, side }) => [name, side]));
  const at = new Map(order.map((name, i) => [name, i]));
  const linked = neighbours(links);
  const lengthOf = (name: string): number => {
    let sum = 0;
    for (const other of linked.get(name) ?? []) {
      const [i, j] = [at.get(name), at.get(other)];
      if (i === undefined || j === undefined) continue;
      const distance = Math.abs(i - j);
      sum += Math.min(distance, order.length - distance);
    }
    return sum;
  };
  const swap = (i: number, j: number): void => {
    const [a, b] = [order[i] as string, order[j] as string];
    [order[i], order[j]] = [b, a];
    at.set(a, j).set(b, i);
  };
  for (let round = 0, isBetter = true; isBetter && round < 10; round++) {
    isBetter = false;
    for (let i = 0; i < order.length; i++) {
      for (let j = i + 1; j < order.length; j++) {
        const [a, b] = [order[i] as string, order[j] as string];
        if (sideOf.get(a) !== sideOf.get(b)) continue;
        const before = lengthOf(a) + lengthOf(b);
        swap(i, j);
        if (lengthOf(a) + lengthOf(b) < before) isBetter = true;
        else swap(i, j);
      }
    }
  }
  return order;
}

/** @param links between relays; @param radius of the circle on which the leaves stand */
export function layOut(
  peers: readonly Peer[],
  links: readonly (readonly [string, string])[],
  radius: number,
): Layout {
  const order = orderRelays(
    peers.filter(({ isRelay }) => isRelay),
    links,
  );
  const leavesOf = (relay: string | undefined) =>
    peers.filter(
      (peer) => !peer.isRelay && (order.includes(peer.home ?? '') ? peer.home : undefined) === relay,
    );
  const homeless = leavesOf(undefined);
  const sectors = order.map((relay) => ({ relay, leaves: leavesOf(relay) }));
  const slots = sectors.map(({ leaves }) => Math.max(RELAY_SLOTS, leaves.length));
  const all = slots.reduce((sum, one) => sum + one, 0) + homeless.length;
  const places = new Map<string, Place>();
  // A lonely relay stands in the middle of its leaves.
  const isAlone = order.length === peers.length;
  const ringRadius = order.length < 2 ? 0 : radius * (isAlone ? 0.85 : RING_SHARE);
  // The middle of the first sector is at the left.
  const first = (slots[0] ?? 0) / 2;
  const put = (name: string, slot: number, r: number) => {
    const angle = ((slot - first) / all) * 2 * Math.PI - Math.PI;
    places.set(name, { x: r * Math.cos(angle), y: r * Math.sin(angle), angle });
  };
  let slot = 0;
  for (const [i, { relay, leaves }] of sectors.entries()) {
    const width = slots[i] as number;
    put(relay, slot + width / 2, ringRadius);
    for (const [j, { name }] of leaves.entries())
      put(name, slot + (width - leaves.length) / 2 + j + 0.5, radius);
    slot += width;
  }
  for (const [j, { name }] of homeless.entries()) put(name, slot + j + 0.5, radius);
  return { places, ringRadius };
}
