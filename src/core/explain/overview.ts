/**
 * The map of the mesh as one peer knows it, for whoever wants to see it: a question to the state and nothing more.
 *
 * A relay has records of the others. A link of two relays is *proven* where both of them list it, and *claimed* where only
 * one does; a relay *counts* if proven links connect it to this one. A leaf has no map: it knows its home relays.
 */
import type { Context } from '../context.ts';
import type { LinkKind } from '../link/link.ts';
import type { RelayMap, Tree } from '../membership/map.ts';
import { sortByBytes } from '../membership/records.ts';
import { between, homeOf, type PathHome, type PathParts } from './path.ts';

/** A relay as its records tell of it. */
export interface OverviewRelay {
  readonly peer: string;
  /** from its peer record, {@link LIMITS.recordAddressesMax} at most */
  readonly urls: readonly string[];
  /** hops from this peer over proven links; undefined for one that does not count */
  readonly hops: number | undefined;
  /** who comes before it on the shortest way from this peer; '' for this peer, and for one that does not count */
  readonly parent: string;
  /** peers that list it and that it lists */
  readonly proven: readonly string[];
  /** peers that it lists and that do not list it */
  readonly claimed: readonly string[];
  /** channels that its interest record lists */
  readonly channels: number;
  /** it lists the channel that was asked about */
  readonly wants: boolean;
  /** messages of that channel that begin here pass it or end at it */
  readonly isOnPath: boolean;
}

/** A link of this peer. */
export interface OverviewLink {
  readonly peer: string;
  readonly kind: LinkKind;
  /** the URL that we dialled, '' if the other side dialled */
  readonly url: string;
  /** from the last ping to its answer, ms; undefined while none was answered */
  readonly roundTripMs: number | undefined;
  /** for a leaf of ours: it wants the channel that was asked about */
  readonly wants: boolean;
}

export interface Overview {
  readonly isRelay: boolean;
  /** those that count first, from this peer outwards, then the others by the bytes of their ids; at most
   *  {@link LIMITS.relaysMax}; none at a leaf */
  readonly relays: readonly OverviewRelay[];
  readonly links: readonly OverviewLink[];
  /** at a leaf that was asked about a channel: what its home relays and it told each other */
  readonly home: readonly PathHome[];
}

export type OverviewParts = Omit<PathParts, 'own'>;

/** Hops from the root of each relay of a tree. */
function hopsIn(tree: Tree): Map<string, number> {
  const hops = new Map<string, number>();
  for (const [peer, parent] of tree) hops.set(peer, parent === '' ? 0 : (hops.get(parent) ?? 0) + 1);
  return hops;
}

function relaysOf(map: RelayMap, own: string, tag: string | undefined): OverviewRelay[] {
  const tree = map.treeOf(own);
  const hops = hopsIn(tree);
  const holders = tag === undefined ? new Set<string>() : map.holdersOf(tag);
  const path = between(tree, holders);
  const apart = map.known().filter((peer) => !tree.has(peer));
  return [...tree.keys(), ...sortByBytes(apart, (peer) => peer)].map((peer): OverviewRelay => {
    const record = map.recordOf(peer);
    const links = record?.links ?? [];
    const isProven = (other: string): boolean => map.recordOf(other)?.links.includes(peer) === true;
    return {
      peer,
      urls: record?.urls ?? [],
      hops: hops.get(peer),
      parent: tree.get(peer) ?? '',
      proven: links.filter(isProven),
      claimed: links.filter((other) => !isProven(other)),
      channels: map.tagsOf(peer).size,
      wants: holders.has(peer),
      isOnPath: path.has(peer),
    };
  });
}

/** @param channel name of a channel, '' for none */
export function overview(ctx: Context, parts: OverviewParts, channel: string): Overview {
  const { links, membership, interest } = parts;
  const own = ctx.config.peerId;
  const tag = channel === '' ? undefined : ctx.tagOf(channel);
  const { isRelay } = membership;
  // Who is at the other end of a tunnel nobody has proven.
  const proven = links.withVisits().filter(({ carrier }) => !carrier);
  return {
    isRelay,
    relays: isRelay ? relaysOf(membership.map, own, tag) : [],
    links: proven.map((link): OverviewLink => {
      const kind = membership.kindOf(link);
      const wants = kind === 'leaf' && tag !== undefined && interest.wants(link, tag);
      return {
        peer: link.peer,
        kind,
        url: link.url,
        roundTripMs: link.roundTripMs,
        wants,
      };
    }),
    home: isRelay || tag === undefined ? [] : homeOf({ own, ...parts }, tag),
  };
}
