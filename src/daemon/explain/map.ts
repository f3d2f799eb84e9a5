/** The map as this peer knows it, from the core's words to those of doors. */
import type { Overview } from '../../core/explain/overview.ts';
import { isoTime } from '../views.ts';
import type { AddressView, MapView } from './map-view.ts';

export interface MapFacts {
  readonly overview: Overview;
  readonly wallMs: number;
  readonly peer: string;
  /** '' for none */
  readonly channel: string;
  readonly addresses: readonly AddressView[];
}

export function mapView({ overview, wallMs, peer, channel, addresses }: MapFacts): MapView {
  return {
    now: isoTime(wallMs),
    peer,
    role: overview.isRelay ? 'relay' : 'leaf',
    channel: channel === '' ? null : channel,
    links: overview.links.map(({ url, roundTripMs, ...link }) => ({
      ...link,
      url: url === '' ? null : url,
      roundTripMs: roundTripMs === undefined ? null : Math.round(10 * roundTripMs) / 10,
    })),
    home: overview.home.map(({ peer: relay, isLive, isTold, isHeld, keepsMailbox }) => ({
      ...{ peer: relay, keepsMailbox },
      live: isLive,
      told: isTold,
      holds: isHeld,
    })),
    addresses: overview.isRelay ? [] : addresses,
    relays: overview.relays.map(({ hops, parent, proven, claimed, isOnPath, ...relay }) => ({
      ...relay,
      hops: hops ?? null,
      parent: parent === '' ? null : parent,
      links: proven,
      claims: claimed,
      onPath: isOnPath,
    })),
  };
}
