/**
 * The way that messages of a channel take, as this peer knows it. A relay has the map: the shortest-path tree from the
 * root to every relay whose interest record lists the channel, the same that forwarding follows. A leaf has no map: it
 * knows its home relays and what they told it.
 */
import type { Interest } from '../interest/interest.ts';
import { LIMITS } from '../limits.ts';
import type { Links } from '../link/links.ts';
import type { RelayMap } from '../membership/map.ts';
import type { Membership } from '../membership/membership.ts';

/** A relay of the tree below which somebody is interested, or that is itself. */
export interface PathRelay {
  readonly peer: string;
  /** '' for the root */
  readonly parent: string;
  /** hops from the root */
  readonly depth: number;
  /** its interest record lists the channel */
  readonly isInterested: boolean;
  readonly isOwn: boolean;
  /** there is a link between it and us */
  readonly isLinked: boolean;
  /** an address from its record, '' for none */
  readonly url: string;
}

/** A relay that is interested and that no path of the map leads to. */
export interface CutRelay {
  readonly peer: string;
  readonly url: string;
  /** `no-record`: it has told its interest and not its links; `not-mutual`: its record names relays that do not name it;
   *  `apart`: the relays that it is linked with are cut off too; `alone`: its record names no link */
  readonly why: 'no-record' | 'not-mutual' | 'apart' | 'alone';
}

/** A leaf of ours that wants the channel. */
export interface PathLeaf {
  readonly peer: string;
  /** we are its live relay; otherwise it only hears the ids */
  readonly isLive: boolean;
}

export interface PathHome {
  readonly peer: string;
  readonly isLive: boolean;
  /** we told it that we want the channel */
  readonly isTold: boolean;
  /** it told us that it holds the channel */
  readonly isHeld: boolean;
  /** it keeps our channels while we are away */
  readonly keepsMailbox: boolean;
}

export type Path =
  | { readonly kind: 'leaf'; readonly home: readonly PathHome[] }
  | {
      readonly kind: 'relay';
      readonly root: string;
      /** the root counts on the map; if not, no tree can be told */
      readonly isRootKnown: boolean;
      /** depth first, so that each stands below its parent; at most {@link LIMITS.pathRelaysMax} */
      readonly relays: readonly PathRelay[];
      readonly moreRelays: number;
      /** relays with interest, on the tree or cut off */
      readonly interested: number;
      readonly cut: readonly CutRelay[];
      readonly moreCut: number;
      readonly leaves: readonly PathLeaf[];
      readonly moreLeaves: number;
    };

export interface PathParts {
  readonly own: string;
  readonly links: Links;
  readonly membership: Membership;
  readonly interest: Interest;
}

/** The relays of a tree from its root to each interested one, both ends included. */
export function between(tree: ReadonlyMap<string, string>, holders: Iterable<string>): Set<string> {
  const needed = new Set<string>();
  for (const holder of holders)
    for (let peer = holder; tree.has(peer) && !needed.has(peer); peer = tree.get(peer) ?? '')
      needed.add(peer);
  return needed;
}

/** Each relay between the root and an interested one, with its children that are such too, in the order of the tree. */
function branchesTo(
  tree: ReadonlyMap<string, string>,
  holders: ReadonlySet<string>,
): ReadonlyMap<string, readonly string[]> {
  const needed = between(tree, holders);
  const children = new Map<string, string[]>();
  for (const [peer, parent] of tree) {
    if (!needed.has(peer) || parent === '') continue;
    const known = children.get(parent);
    if (known) known.push(peer);
    else children.set(parent, [peer]);
  }
  return children;
}

interface Step {
  readonly peer: string;
  readonly parent: string;
  readonly depth: number;
}

/** The tree depth first, the first `most` relays of it, and how many there are. */
function walk(
  root: string,
  children: ReadonlyMap<string, readonly string[]>,
  most: number,
): { readonly steps: readonly Step[]; readonly all: number } {
  const steps: Step[] = [];
  let all = 0;
  const open: Step[] = [{ peer: root, parent: '', depth: 0 }];
  for (let step = open.pop(); step !== undefined; step = open.pop()) {
    all++;
    if (steps.length < most) steps.push(step);
    const { peer, depth } = step;
    for (const child of [...(children.get(peer) ?? [])].reverse())
      open.push({ peer: child, parent: peer, depth: depth + 1 });
  }
  return { steps, all };
}

function whyCut(map: RelayMap, peer: string): CutRelay['why'] {
  const record = map.recordOf(peer);
  if (record === undefined) return 'no-record';
  if (record.links.length === 0) return 'alone';
  const isMutual = record.links.some((other) => map.recordOf(other)?.links.includes(peer) === true);
  return isMutual ? 'apart' : 'not-mutual';
}

function relayPath({ own, links, membership, interest }: PathParts, tag: string, root: string): Path {
  const { map } = membership;
  const tree = map.treeOf(root);
  const holders = map.holdersOf(tag);
  const { steps, all } = walk(root, branchesTo(tree, holders), LIMITS.pathRelaysMax);
  const urlOf = (peer: string): string => map.recordOf(peer)?.urls[0] ?? '';
  const relays = steps.map((step): PathRelay => {
    const { peer } = step;
    const isOwn = peer === own;
    const isLinked = !isOwn && links.withPeer(peer) !== undefined;
    return { ...step, isInterested: holders.has(peer), isOwn, isLinked, url: urlOf(peer) };
  });
  const cut = [...holders].filter((peer) => !tree.has(peer) && peer !== own);
  const leaves = membership.leaves().filter((link) => interest.wants(link, tag));
  const most = LIMITS.pathOthersMax;
  return {
    kind: 'relay',
    root,
    isRootKnown: tree.has(root),
    relays,
    moreRelays: all - relays.length,
    interested: holders.size,
    cut: cut.slice(0, most).map((peer) => ({ peer, url: urlOf(peer), why: whyCut(map, peer) })),
    moreCut: Math.max(0, cut.length - most),
    leaves: leaves.slice(0, most).map(({ peer, remoteLive }) => ({ peer, isLive: remoteLive })),
    moreLeaves: Math.max(0, leaves.length - most),
  };
}

/**
 * The way of a channel's messages from `root` on.
 * @param root peer id; on a leaf it counts for nothing
 */
export function pathOf(parts: PathParts, tag: string, root: string): Path {
  if (parts.membership.isRelay) return relayPath(parts, tag, root);
  return { kind: 'leaf', home: homeOf(parts, tag) };
}

/** The home relays of a leaf, and what was agreed with each on a channel. */
export function homeOf({ links, membership, interest }: PathParts, tag: string): PathHome[] {
  return links
    .all()
    .slice(0, LIMITS.pathOthersMax)
    .map((link) => ({ peer: link.peer, isLive: link === membership.live, ...interest.agreed(link, tag) }));
}
