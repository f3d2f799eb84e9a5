/** What a peer shows of itself, from what its parts know. Changes nothing. */
import type { Context } from './context.ts';
import type { ExplainParts } from './explain/explain.ts';
import type { Link } from './link/link.ts';
import type { Mesh1 } from './mesh1/mesh1.ts';
import type { LinkSnapshot, PeerSnapshot } from './peer-types.ts';

export interface SnapshotParts extends ExplainParts {
  readonly mesh1: Mesh1;
}

export function snapshot(ctx: Context, parts: SnapshotParts): PeerSnapshot {
  const { links, membership, interest, retention, mesh1 } = parts;
  const { isRelay, map } = membership;
  const isLinked = (peer: string): boolean => links.withPeer(peer) !== undefined;
  const ofLink = (link: Link): LinkSnapshot => ({
    protocol: 'mesh/2',
    peer: link.peer,
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
