/** A gate over a memory store, whose core is the test: it reads the events and answers the commands. */
import type { Event, Now } from '../../core/contract.ts';
import { DEFAULT_RATES } from '../../core/defaults.ts';
import type { Overview } from '../../core/explain/overview.ts';
import { LIMITS } from '../../core/limits.ts';
import { Peer } from '../../core/peer.ts';
import type { PeerSnapshot } from '../../core/peer-types.ts';
import { sha256 } from '../../crypto/index.ts';
import { createMemoryStore } from '../../store/memory.ts';
import { openInboxStore } from '../../store/testing/inbox.ts';
import {
  createAuthor,
  type Draft,
  joined,
  NETWORK,
  PEER,
  received,
  signedMessage,
  WALL_MS,
} from '../../store/testing/messages.ts';
import { Commands, Waits } from '../commands.ts';
import { DaemonGate } from '../daemon-gate.ts';
import { type Explainer, whyView } from '../explain/why.ts';
import { Feeds } from '../feed.ts';
import type { ScrubView } from '../gate.ts';
import { parseOptions } from '../options.ts';
import { retentionLimits } from '../retention-options.ts';
import { channelViews, statusView } from '../status.ts';
import { Taps } from '../tap/taps.ts';
import { ManualLater } from './later.ts';

export const me = createAuthor(1);
export const other = createAuthor(2);
export const SNAPSHOT: PeerSnapshot = {
  role: 'relay',
  links: [
    {
      ...{ peer: PEER, direction: 'out', url: 'ws://a/', kind: 'overlay', protection: 'sealed' },
      ...{ protocol: 'mesh/2', sinceWallMs: WALL_MS, agent: 'x/1', unverified: 0 },
      ...{ agreement: 'equal', agreementWallMs: WALL_MS, fetching: 3 },
      catchUp: { found: 31, fetched: 12, isComparing: true },
    },
  ],
  addresses: [
    { url: 'ws://a/', peer: PEER, source: 'MESH_PEERS', state: 'linked', nextMs: 0, lastError: '' },
  ],
  relays: 2,
  joined: ['dev'],
  floors: new Map(),
  isFull: false,
  provenRelays: [
    { peer: me.id, urls: [] },
    { peer: PEER, urls: ['ws://a/', 'ws://b/'] },
  ],
  ownUrls: ['ws://me/'],
};

/** A relay with one neighbour, whose answer to a ping took a third of a millisecond. */
export const OVERVIEW: Overview = {
  isRelay: true,
  relays: [
    {
      ...{ peer: me.id, urls: [], hops: 0, parent: '', proven: [PEER], claimed: [] },
      ...{ channels: 1, wants: true, isOnPath: true },
    },
    {
      ...{ peer: PEER, urls: ['ws://a/'], hops: 1, parent: me.id, proven: [me.id], claimed: [other.id] },
      ...{ channels: 2, wants: false, isOnPath: false },
    },
    {
      ...{ peer: other.id, urls: [], hops: undefined, parent: '', proven: [], claimed: [] },
      ...{ channels: 0, wants: false, isOnPath: false },
    },
  ],
  links: [{ peer: PEER, kind: 'overlay', url: '', roundTripMs: 1 / 3, wants: false }],
  home: [],
};

const clock = (): Now => ({ monotonicMs: 1, wallMs: WALL_MS });

/** A core that has just started and knows nothing of what the store has, but for what it shows of itself. */
function createExplainer(snapshot: () => PeerSnapshot): Explainer {
  const peer = new Peer({
    network: NETWORK,
    peerId: me.id,
    instance: new Uint8Array(8),
    seed: new Uint8Array(16),
    sha256,
    agent: 'test',
    allowPrivate: false,
    banThreshold: 0,
    known: new Set(),
    rates: DEFAULT_RATES,
    retention: retentionLimits({}),
    publicUrl: '',
    mayRelay: true,
    mesh1: true,
    sealLoopback: false,
  });
  return {
    explain: (question, now) => peer.explain(question, now),
    recentIds: (prefix, limit) => peer.recentIds(prefix, limit),
    snapshot,
  };
}

/** What sockets and process cost, each number another one. */
export const NUMBERS = {
  net: {
    ...{ inbound: 1, outbound: 2, up: 3, accepted: 4, dialling: 5, refused: 6, acceptErrors: 7 },
    ...{ queuedBytes: 8, droppedFrames: 9, droppedBytes: 10, tooSlow: 11 },
  },
  process: { cpuSeconds: 1.5, residentBytes: 13, heapBytes: 14 },
};

export function setUp(seen: Partial<PeerSnapshot> = {}, overview: Overview = OVERVIEW) {
  const store = createMemoryStore({ network: NETWORK, sha256 });
  store.transact([[joined('dev')]]);
  const events: Event[] = [];
  const commands = new Commands();
  const waits = new Waits();
  const feeds = new Feeds(store, () => WALL_MS);
  const facts = {
    version: '1.2.3',
    network: NETWORK,
    peer: me.id,
    identities: [me.id] as const,
    startedMs: WALL_MS,
    dataFolder: '/d',
    listen: { peer: 'ws://0.0.0.0:1', api: 'http://127.0.0.1:2' },
  };
  const snapshot = () => ({ ...SNAPSHOT, ...seen });
  const retention = retentionLimits({});
  const none = () => [];
  const localDiscovery = () =>
    ({ mode: 'off', state: 'off', reason: 'this is a test', addresses: [], peers: 0 }) as const;
  const scrub = (): ScrubView => ({
    ...{ state: 'off', checked: 3, messages: 4, started: null, ended: '2025-10-09T00:00:00.000Z' },
    ...{ damaged: [{ channel: 'dev', messages: 2, unconfirmed: 1 }], structure: '' },
  });
  const gate = new DaemonGate({
    ...{ store, commands, waits, feeds, snapshot },
    submit: (event) => events.push(event),
    identities: [me.id],
    wallMs: () => WALL_MS,
    status: () =>
      statusView({ facts, store, retention, snapshot, sources: none, localDiscovery, scrub, problems: none }),
    channels: () => channelViews({ store, retention, snapshot }),
    scrub,
    stop: () => undefined,
    numbers: () => NUMBERS,
    why: (id, agent) => whyView({ core: createExplainer(snapshot), store, clock, peer: me.id, agent }, id),
    map: () => ({ overview, peer: me.id }),
    taps: new Taps({ network: NETWORK, sha256, wallMs: () => WALL_MS, peerOf: () => '', links: () => 1 }),
    desk: {
      inbox: openInboxStore(),
      budget: parseOptions({}, '/').budget,
      ageMsMax: LIMITS.wakeAgeMs,
      later: new ManualLater(),
      onSpent: () => undefined,
      onTrouble: (error) => {
        if (error !== undefined) throw error;
      },
    },
  });
  const post = (draft: Draft) => {
    const message = signedMessage(other, { channel: 'dev', ...draft });
    store.transact([[received(message)]]);
    return message.message.idText;
  };
  return { store, events, commands, waits, gate, post };
}
