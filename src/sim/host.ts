/**
 * One simulated computer with one daemon on it: what survives a crash (store, keys, address) and what does not (the
 * core, its links and timers). `network.ts` makes it act.
 */
import { type Bytes, fromBase64url } from '../core/bytes.ts';
import type { Effect, Event, Now } from '../core/contract.ts';
import type { Footprint, PeerConfig, PeerSnapshot, Rates, RetentionLimits } from '../core/peer-types.ts';
import type { Random } from '../core/random.ts';
import { frameNumber } from '../core/wire/frame.ts';
import type { MemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import type { CommitCrash, Disk } from './disk.ts';
import type { SimKey } from './keys.ts';

/** The state machine under test: `Peer` of the core, or a broken one of the tests. */
export interface SimCore {
  handle(event: Event, now: Now): Effect[];
  snapshot?(now: Now): PeerSnapshot;
  /** how much each of its maps and queues holds, and what it may hold at most */
  footprint?(): Footprint;
  readonly isRelay?: boolean;
  /** whether messages of a channel are kept there */
  holds?(channel: string): boolean;
}

export type CoreFactory = (config: PeerConfig) => SimCore;

export interface HostOptions {
  readonly name: string;
  readonly url: string;
  readonly peerKey: SimKey;
  /** of its local identities, at least one */
  readonly identityKeys: readonly SimKey[];
  readonly store: Store;
  /** the same without what a test has put around it */
  readonly memory: MemoryStore;
  readonly createCore: CoreFactory;
  readonly random: Random;
  /** behind NAT nobody reaches it */
  readonly isReachable: boolean;
  /** it asks neighbours to dial back; without it a relay is only who is on a list */
  readonly asksDialBack: boolean;
  /** peers that are always dialled (`MESH_PEERS`) */
  readonly fixed: readonly string[];
  /** peers on the bootstrap list */
  readonly bootstrap: readonly string[];
  readonly rates: Rates;
  readonly retention: RetentionLimits;
  /** own wall clock minus true time at first, ms */
  readonly wallOffsetMs: number;
  /** what kind of malicious peer it is, '' for an honest one */
  readonly malice: string;
}

/** What one host sent over all its runs. */
export class Traffic {
  framesSent = 0;
  bytesSent = 0;
  framesDropped = 0;
  /** the longest that a send queue of it ever was */
  queuePeakBytes = 0;
  /** frames by their number on the wire */
  readonly framesByNumber: number[] = [];
  readonly bytesByNumber: number[] = [];

  count(frame: Uint8Array): void {
    const number = frameNumber(frame);
    this.framesSent++;
    this.bytesSent += frame.length;
    this.framesByNumber[number] = (this.framesByNumber[number] ?? 0) + 1;
    this.bytesByNumber[number] = (this.bytesByNumber[number] ?? 0) + frame.length;
  }
}

export class Host {
  readonly options: HostOptions;
  readonly name: string;
  readonly traffic = new Traffic();
  /** what a malicious peer did, over all its runs */
  readonly deeds = new Map<string, number>();
  /** ids of messages that its disk has damaged so far */
  readonly damaged = new Set<string>();
  /** Events that happened and that the core has not handled yet. */
  readonly inbox: Event[] = [];
  /** Counts starts. Whatever was scheduled for an earlier run does not happen. */
  run = 0;
  startedMs = 0;
  core: SimCore | undefined;
  disk: Disk | undefined;
  isHandling = false;
  /** own wall clock minus true time, ms */
  wallOffsetMs: number;
  /** commits so far, over all runs */
  commits = 0;
  /** asked before each commit, with its number, whether the host crashes there */
  crashPlan: ((commit: number) => CommitCrash | undefined) | undefined;

  constructor(options: HostOptions) {
    this.options = options;
    this.name = options.name;
    this.wallOffsetMs = options.wallOffsetMs;
  }

  /** Malicious peers are no business of the checkers: only what they do to others is. */
  get isHonest(): boolean {
    return this.options.malice === '';
  }

  get isUp(): boolean {
    return this.core !== undefined;
  }

  get store(): Store {
    return this.options.store;
  }

  /** Whether a message was damaged and has not come again. */
  isMending(id: string): boolean {
    if (!this.damaged.has(id)) return false;
    const answer = this.store.read({ kind: 'has', ids: [fromBase64url(id) as Bytes] });
    return answer.kind === 'has' && answer.holdings[0] === 'wanted';
  }

  get peerId(): string {
    return this.options.peerKey.id;
  }

  /** The first of its local identities. */
  get identity(): string {
    return this.identityAt(0);
  }

  identityAt(index: number): string {
    const key = this.options.identityKeys[index];
    if (key === undefined) throw new RangeError(`${this.name} has no identity ${index}`);
    return key.id;
  }

  isOwn(identity: string): boolean {
    return this.options.identityKeys.some(({ id }) => id === identity);
  }
}
