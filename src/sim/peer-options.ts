/** What a simulated peer is. */
import type { Rates, RetentionLimits } from '../core/peer-types.ts';
import type { Store } from '../store/store.ts';
import type { CoreFactory } from './host.ts';
import type { MaliceKind } from './malice/index.ts';
import type { MaliceFactory } from './malice/malice.ts';

export interface PeerOptions {
  /** names of peers on its bootstrap list */
  readonly bootstrap?: readonly string[];
  /** names or `ws://` addresses of peers that it always dials */
  readonly fixed?: readonly string[];
  readonly joined?: readonly string[];
  /** false: nobody reaches it, true without it */
  readonly isReachable?: boolean;
  /** it asks neighbours to dial it back, as daemons do; false without it, and then the scenario says who is a relay */
  readonly asksDialBack?: boolean;
  /** local identities, 1 without it */
  readonly identities?: number;
  /** what differs from the defaults */
  readonly rates?: Partial<Rates>;
  readonly retention?: Partial<RetentionLimits>;
  /** own wall clock minus true time at first, ms */
  readonly wallOffsetMs?: number;
  /** instead of the world's, for broken peers */
  readonly createCore?: CoreFactory;
  /** instead of the memory store, for broken ones */
  readonly wrapStore?: (store: Store) => Store;
  /** what malice stands between its core and its links, by its name in `malice/`; honest without it */
  readonly malice?: MaliceKind;
  /** instead of the usual form of that malice */
  readonly createMalice?: MaliceFactory;
}
