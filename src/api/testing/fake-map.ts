/** Maps of a relay and of a leaf: for tests of the API and of what the command line draws. */
import type { MapRelayView, MapView } from '../../daemon/index.ts';
import { FAR, LOST, NEAR, NOW, OWN_PEER } from './fake-why.ts';

const relay = { urls: [], links: [], claims: [], channels: 0, wants: false, onPath: false };

/** A relay of a map; hops and parent null for one that does not count. */
export function mapRelay(peer: string, changes: Partial<MapRelayView> = {}): MapRelayView {
  return { ...relay, peer, hops: null, parent: null, ...changes };
}

/** This relay - near - far, this relay - far's other neighbour, and one that only claims to be linked. */
export const SIDE = `${'S'.repeat(42)}E`;
export const MAP: MapView = {
  now: NOW,
  peer: OWN_PEER,
  role: 'relay',
  channel: null,
  links: [
    { peer: NEAR, kind: 'overlay', url: 'ws://near/', roundTripMs: 12.4, wants: false },
    { peer: SIDE, kind: 'overlay', url: null, roundTripMs: null, wants: false },
    { peer: `${'E'.repeat(42)}E`, kind: 'leaf', url: null, roundTripMs: 3, wants: false },
  ],
  home: [],
  addresses: [],
  relays: [
    mapRelay(OWN_PEER, { hops: 0, links: [NEAR, SIDE], channels: 3 }),
    mapRelay(NEAR, {
      ...{ hops: 1, parent: OWN_PEER, urls: ['ws://near/', 'ws://near.example:4711/'] },
      ...{ links: [OWN_PEER, FAR], channels: 1 },
    }),
    mapRelay(SIDE, { hops: 1, parent: OWN_PEER, links: [OWN_PEER, FAR] }),
    mapRelay(FAR, { hops: 2, parent: NEAR, links: [NEAR, SIDE], urls: ['wss://far.example/'], channels: 12 }),
    mapRelay(LOST, { urls: ['ws://lost/'], claims: [FAR], channels: 1 }),
  ],
};

const MARKED = [
  [OWN_PEER, { onPath: true }],
  [NEAR, { onPath: true }],
  [FAR, { onPath: true, wants: true }],
  [LOST, { wants: true }],
] as const;

/** The same with the way of #dev: far and lost want it, and a leaf of this relay. */
export const DEV_MAP: MapView = {
  ...MAP,
  channel: '#dev',
  links: MAP.links.map((link) => ({ ...link, wants: link.kind === 'leaf' })),
  relays: MAP.relays.map((one) => ({ ...one, ...MARKED.find(([peer]) => peer === one.peer)?.[1] })),
};

export const LEAF_MAP: MapView = {
  ...MAP,
  role: 'leaf',
  channel: '#dev',
  links: [
    { peer: NEAR, kind: 'home-live', url: 'ws://near/', roundTripMs: 12.4, wants: false },
    { peer: FAR, kind: 'home-standby', url: 'wss://far.example/', roundTripMs: null, wants: false },
  ],
  home: [
    { peer: NEAR, live: true, told: true, holds: true, keepsMailbox: true },
    { peer: FAR, live: false, told: true, holds: false, keepsMailbox: false },
  ],
  addresses: [
    { url: 'ws://near/', peer: NEAR, source: 'list', state: 'linked', next: null, lastError: null },
    { url: 'ws://lost/', peer: LOST, source: 'list', state: 'waiting', next: NOW, lastError: 'ECONNREFUSED' },
  ],
  relays: [],
};
