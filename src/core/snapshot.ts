/** What a peer shows of itself, from what its parts know. Changes nothing. */
import type { Context } from './context.ts';
import type { ExplainParts } from './explain/explain.ts';
import type { Link } from './link/link.ts';
import type { Mesh1 } from './mesh1/mesh1.ts';
import type { LinkSnapshot, PeerSnapshot } from './peer-types.ts';
import type { Fetcher } from './sync/fetcher.ts';
import type { Sync } from './sync/sync.ts';

export interface SnapshotParts extends ExplainParts {
  readonly mesh1: Mesh1;
  readonly sync: Sync;
  readonly fetcher: Fetcher;
}

export function snapshot(ctx: Context, parts: SnapshotParts): PeerSnapshot {
  const { links, membership, interest, retention, mesh1, sync, fetcher } = parts;
  const { isRelay, map } = membership;
  const isLinked = (peer: string): boolean => links.withPeer(peer) !== undefined;
  const agreementOf = (link: Link): Pick<LinkSnapshot, 'agreement' | 'agreementWallMs'> => {
    const { state, sinceMs } = sync.agreement.of(link);
    const agoMs = ctx.now.monotonicMs - sinceMs;
    return { agreement: state, agreementWallMs: state === 'unknown' ? 0 : ctx.now.wallMs - agoMs };
  };
  const catchUpOf = (link: Link): LinkSnapshot['catchUp'] => {
    const { found, fetched } = fetcher.foundOver(link);
    if (found === 0 || (found === fetched && !sync.isBusy(link))) return undefined;
    return { found, fetched, isComparing: sync.isComparing(link) };
  };
  const ofLink = (link: Link): LinkSnapshot => ({
    ...agreementOf(link),
    fetching: fetcher.load(link),
    catchUp: catchUpOf(link),
    protocol: 'mesh/2',
    peer: link.carrier ? '' : link.peer, // nobody has proven it
    direction: link.role === 'dialler' ? 'out' : 'in',
    url: link.url,
    kind: membership.kindOf(link),
    protection: link.isSealed ? 'sealed' : link.isTls ? 'tls' : 'none',
    sinceWallMs: link.upWallMs,
    agent: link.agent,
    unverified: 0,
  });
  const relays = map.connected().filter((peer) => peer !== ctx.config.peerId);
  return {
    role: isRelay ? 'relay' : 'leaf',
    links: [...links.withVisits().map(ofLink), ...mesh1.snapshot()],
    addresses: membership.addresses.snapshot(isLinked),
    relays: relays.length + (isRelay ? 1 : 0),
    joined: interest.kept.joined,
    floors: interest.floors(),
    isFull: retention.isFull,
    provenRelays: membership.provenRelays(),
    ownUrls: [...membership.ownUrls],
  };
}
