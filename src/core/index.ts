/** The core's public names. */
export type {
  Effect,
  Event,
  LinkId,
  Now,
  PublishCommand,
  Reply,
  RestoredState,
  Scope,
  Timer,
} from './contract.ts';
export { Peer } from './peer.ts';
export type { PeerConfig, PeerSnapshot } from './peer-types.ts';
