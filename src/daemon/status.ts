/** What the daemon says of itself: made on demand from the core, the store and the facts of this start. */

import type { Scope } from '../core/contract.ts';
import { HOUR, LIMITS } from '../core/limits.ts';
import type { LinkSnapshot, PeerSnapshot, RetentionLimits } from '../core/peer-types.ts';
import { isForAsker } from '../net/index.ts';
import type { ChannelRow, Store } from '../store/store.ts';
import type { ChannelView, LinkView, LocalDiscoveryView, ScrubView, SourceView, StatusView } from './gate.ts';
import type { Problem } from './problems.ts';
import { retentionDefaults, retentionView } from './retention.ts';
import { isoTime } from './views.ts';

/** Unconfirmed own messages are counted up to this number (guess: beyond it "many" is all that one needs to know). */
export const OUTBOX_COUNT_MAX = 10_240;

/** What does not change while the daemon runs, and is known once it listens. */
export interface Facts {
  readonly version: string;
  readonly network: string;
  readonly peer: string;
  readonly identities: readonly [string, ...string[]];
  readonly startedMs: number;
  readonly dataFolder: string;
  /** URLs; empty until it listens */
  listen: { peer: string; api: string };
}

export interface StatusParts {
  readonly facts: Facts;
  readonly store: Pick<Store, 'channels' | 'lastArrival' | 'outboxSize'>;
  readonly retention: RetentionLimits;
  readonly snapshot: () => PeerSnapshot;
  readonly sources: () => readonly SourceView[];
  readonly localDiscovery: () => LocalDiscoveryView;
  readonly scrub: () => ScrubView;
  readonly problems: () => readonly Problem[];
}

/** @param floors hours since 1970 by tag, of the channels that are held */
function channelView(
  { channel, tag, joined, policy, messages, bytes }: ChannelRow,
  floors: PeerSnapshot['floors'],
  retention: RetentionLimits,
): ChannelView {
  const hour = floors.get(tag);
  return {
    channel,
    joined,
    messages,
    bytes,
    since: hour === undefined ? null : isoTime(hour * HOUR),
    retention: joined ? retentionView(policy, retention) : null,
  };
}

/** By code units: the same order everywhere, whatever the language of the machine. */
function compareChannels(a: ChannelRow, b: ChannelRow): number {
  if (a.joined !== b.joined) return a.joined ? -1 : 1;
  if (a.channel === b.channel) return 0;
  return a.channel < b.channel ? -1 : 1;
}

/** Who and where comes first: people read it too. */
function linkView({ peer, direction, url, kind, protection, sinceWallMs, ...link }: LinkSnapshot): LinkView {
  const { agent, protocol, unverified, agreement, agreementWallMs, fetching, catchUp } = link;
  return {
    ...{ peer, direction, url, kind, protection, since: isoTime(sinceWallMs), agent, protocol, unverified },
    agreement,
    agreementSince: agreement === 'unknown' ? null : isoTime(agreementWallMs),
    fetching,
    catchUp: catchUp
      ? { fetched: catchUp.fetched, found: catchUp.found, comparing: catchUp.isComparing }
      : null,
  };
}

/** The channels whose name is known here, joined ones first, then by name. */
export function channelViews({
  store,
  snapshot,
  retention,
}: Pick<StatusParts, 'snapshot' | 'retention'> & { readonly store: Pick<Store, 'channels'> }): ChannelView[] {
  const { floors } = snapshot();
  return store
    .channels()
    .filter(({ channel }) => channel !== '')
    .sort(compareChannels)
    .map((row) => channelView(row, floors, retention));
}

export function statusView(parts: StatusParts): StatusView {
  const { facts, store, retention, snapshot, sources, localDiscovery, problems } = parts;
  const { links, role, relays } = snapshot();
  return {
    version: facts.version,
    network: facts.network,
    peer: facts.peer,
    role,
    identity: facts.identities[0],
    identities: facts.identities,
    started: isoTime(facts.startedMs),
    dataFolder: facts.dataFolder,
    listen: { ...facts.listen },
    links: links.map(linkView),
    sources: sources(),
    localDiscovery: localDiscovery(),
    channels: channelViews(parts),
    retention: retentionDefaults(retention),
    relays,
    outbox: store.outboxSize(OUTBOX_COUNT_MAX),
    scrub: parts.scrub(),
    lastArrival: store.lastArrival(),
    problems: problems(),
  };
}

/**
 * The public list of peers in the form of mesh/1: this daemon under the addresses at which a proven peer reached it,
 * and the relays whose address was proven. An address is listed only for those who are at least as close as it.
 */
export function bootstrapDocument(
  snapshot: PeerSnapshot,
  ownId: string,
  wallMs: number,
  asker: Scope,
): object {
  const entry = (peer: string, url: string) => ({
    peer_id: peer,
    ws_url: url,
    capabilities: { relay: true, store: true },
  });
  const others = snapshot.provenRelays.filter(({ peer }) => peer !== ownId);
  const peers = [
    ...snapshot.ownUrls.map((url) => entry(ownId, url)),
    ...others.flatMap(({ peer, urls }) => urls.map((url) => entry(peer, url))),
  ].filter(({ ws_url }) => isForAsker(ws_url, asker));
  return { version: 1, peers: peers.slice(0, LIMITS.bootstrapPeersMax), updated_at: isoTime(wallMs) };
}
