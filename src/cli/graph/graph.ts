/**
 * A map as a graph to draw: the tree of shortest ways from this peer, and what does not lie on it. Made from the answer of
 * the daemon alone, in time linear in its links.
 */
import type { MapJson, MapRelayJson } from '../../api/client/index.ts';

export interface GraphNode {
  readonly relay: MapRelayJson;
  readonly hops: number;
  readonly children: readonly GraphNode[];
  /** relays behind it on the tree */
  readonly below: number;
}

/** Two ids. */
export type Pair = readonly [from: string, to: string];

export interface Graph {
  readonly root: GraphNode;
  /** relays by distance, this peer first: [1, 4, 9] */
  readonly rings: readonly number[];
  /** links that both ends confirm and that are not on the tree, each once */
  readonly others: readonly Pair[];
  /** `from` names `to`, which does not name it */
  readonly claims: readonly Pair[];
  /** relays that no confirmed links lead to */
  readonly apart: readonly MapRelayJson[];
}

interface Growing {
  readonly relay: MapRelayJson;
  readonly hops: number;
  readonly children: Growing[];
  below: number;
}

const lone = (peer: string): MapRelayJson => ({
  ...{ peer, urls: [], hops: 0, parent: null, links: [], claims: [] },
  ...{ channels: 0, wants: false, onPath: false },
});

/** A leaf has no map: its home relays are one hop away, and other peers whose address it knows are apart. */
function leafRelays({ peer, links, home, addresses, channel }: MapJson): MapRelayJson[] {
  const urls = new Map<string, string[]>();
  for (const { url, peer: at } of addresses) if (at !== '') urls.set(at, [...(urls.get(at) ?? []), url]);
  const near = links.map(({ peer: relay }): MapRelayJson => {
    const holds = home.some((one) => one.peer === relay && one.holds);
    const onPath = channel !== null && holds;
    return {
      ...{ ...lone(relay), hops: 1, parent: peer, links: [peer], urls: urls.get(relay) ?? [] },
      ...{ wants: holds, onPath },
    };
  });
  const known = new Set([peer, ...links.map((link) => link.peer)]);
  const far = [...urls]
    .filter(([at]) => !known.has(at))
    .map(([at, list]) => ({ ...lone(at), hops: null, urls: list }));
  return [
    { ...lone(peer), links: near.map((relay) => relay.peer), onPath: channel !== null },
    ...near,
    ...far,
  ];
}

/** Each pair of confirmed ends once, in the order of the map. */
function* pairsOf(
  relays: readonly MapRelayJson[],
  parents: ReadonlyMap<string, string | null>,
): Generator<Pair> {
  const seen = new Set<string>();
  for (const { peer, links } of relays) {
    seen.add(peer);
    for (const other of links) {
      const isOnTree = parents.get(peer) === other || parents.get(other) === peer;
      if (!isOnTree && !seen.has(other)) yield [peer, other];
    }
  }
}

export function graphOf(map: MapJson): Graph {
  const relays = map.role === 'leaf' ? leafRelays(map) : map.relays;
  const nodes = new Map<string, Growing>();
  const rings: number[] = [];
  for (const relay of relays) {
    if (relay.hops === null) continue;
    nodes.set(relay.peer, { relay, hops: relay.hops, children: [], below: 0 });
    rings[relay.hops] = (rings[relay.hops] ?? 0) + 1;
  }
  const inOrder = [...nodes.values()];
  for (const node of inOrder) nodes.get(node.relay.parent ?? '')?.children.push(node);
  // Parents come before their children: backwards, each is complete when its parent asks.
  for (const node of inOrder.toReversed()) {
    const parent = nodes.get(node.relay.parent ?? '');
    if (parent) parent.below += node.below + 1;
  }
  const root = nodes.get(map.peer) ?? { relay: lone(map.peer), hops: 0, children: [], below: 0 };
  const parents = new Map(relays.map(({ peer, parent }) => [peer, parent]));
  return {
    root,
    rings: Array.from(rings, (count) => count ?? 0),
    others: [...pairsOf(relays, parents)],
    claims: relays.flatMap(({ peer, claims }) => claims.map((other): Pair => [peer, other])),
    apart: relays.filter(({ hops }) => hops === null),
  };
}

/** The part of a relay's tree that messages of the channel pass, or `undefined` where they go nowhere. */
export function pathOf(map: MapJson): GraphNode | undefined {
  // Whoever comes before a relay on its way is on the way too: the rest is a tree again.
  const relays = map.relays.filter(({ onPath }) => onPath);
  return relays.length === 0 ? undefined : graphOf({ ...map, relays }).root;
}
