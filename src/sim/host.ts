/**
 * One simulated computer with one daemon on it: what survives a crash (store, keys, address) and what does not (the
 * core, its links and timers). `network.ts` makes it act.
 */
import type { Effect, Event, Now } from '../core/contract.ts';
import type { PeerConfig, PeerSnapshot } from '../core/peer-types.ts';
import type { Random } from '../core/random.ts';
import type { Store } from '../store/store.ts';
import type { Disk } from './disk.ts';
import type { SimKey } from './keys.ts';

/** The state machine under test: `Peer` of the core, or a broken one of the tests. */
export interface SimCore {
  handle(event: Event, now: Now): Effect[];
  snapshot?(now: Now): PeerSnapshot;
}

export type CoreFactory = (config: PeerConfig) => SimCore;

export interface HostOptions {
  readonly name: string;
  readonly url: string;
  readonly peerKey: SimKey;
  readonly identityKey: SimKey;
  readonly store: Store;
  readonly createCore: CoreFactory;
  readonly random: Random;
  /** peers that are always dialled (`MESH_PEERS`) */
  readonly fixed: readonly string[];
  /** peers on the bootstrap list */
  readonly bootstrap: readonly string[];
  /** own wall clock minus true time, ms */
  readonly wallOffsetMs: number;
}

/** Traffic of one host over all its runs. */
export interface Traffic {
  framesSent: number;
  bytesSent: number;
  framesDropped: number;
}

export class Host {
  readonly options: HostOptions;
  readonly name: string;
  readonly traffic: Traffic = { framesSent: 0, bytesSent: 0, framesDropped: 0 };
  /** Events that happened and that the core has not handled yet. */
  readonly inbox: Event[] = [];
  /** Counts starts. Whatever was scheduled for an earlier run does not happen. */
  run = 0;
  startedMs = 0;
  core: SimCore | undefined;
  disk: Disk | undefined;
  isHandling = false;

  constructor(options: HostOptions) {
    this.options = options;
    this.name = options.name;
  }

  get isUp(): boolean {
    return this.core !== undefined;
  }

  get store(): Store {
    return this.options.store;
  }

  get peerId(): string {
    return this.options.peerKey.id;
  }

  get identity(): string {
    return this.options.identityKey.id;
  }
}
