/**
 * The maxima of records, map and interest: part of `LIMITS` in `limits.ts`, where the words are explained.
 */
import { HOUR, KiB, MINUTE, MiB, SECOND } from './units.ts';

export const MAP_LIMITS = {
  /** relays on the map (design, section 5) */
  relaysMax: 4096,
  /** bytes of all records together: 4,096 relays with 1,000 channels each fit (guess) */
  recordsBytesMax: 64 * MiB,
  /** tags of all relays together: 4,096 relays with 1,000 each; the index of the map takes 18 to 36 bytes for one (guess) */
  mapTagsMax: 4 * 1024 * 1024,
  /** addresses in a peer record (design, section 5) */
  recordAddressesMax: 4,
  /** own URLs that diallers named, and peers remembered for each (guess) */
  ownUrlsMax: 32,
  ownUrlPeersMax: 16,
  /** overlay links in a peer record (design, section 5: at most 12) */
  recordLinksMax: 12,
  /** own records change at most this often, and rarer the longer they go on changing (design, section 5) */
  recordMinMs: 1 * SECOND,
  recordFlapMs: 30 * SECOND,
  /** heads are announced in batches (guess: the map is a little older, and frames are few) */
  headsMs: 100,
  /** a record that was asked of one neighbour is asked of another after (guess) */
  recordAskMs: 2 * SECOND,
  /** records that one neighbour is to send at once (derived: of the largest so many fit into the queue of a link) */
  recordsAskedMax: 16,
  /** records that were announced and are not here yet (derived: both records of all relays) */
  recordOffersMax: 8192,
  /** life of a peer record (design, section 5) */
  recordMs: 1 * HOUR,
  /** own records are renewed after (guess: a third of their life) */
  recordRefreshMs: 20 * MINUTE,
  /** record heads in one have or want frame: 1024 x 47 bytes stay below 64 KiB (derived) */
  recordHeadsMax: 1024,
  recordsPerFrameMax: 64,
  /** one signed record: a filter of relayTagsMax tags takes 110 KiB at most, and it must fit into a frame (derived) */
  signedRecordBytesMax: 112 * KiB,
  /** deltas on one full interest record; their bytes together are at most those of the full one, or the floor (guess: a
   *  newcomer verifies half as many for each relay) */
  deltasMax: 32,
  deltasBytesFloor: 1 * KiB,
  /** an interest record is made in full again after (derived from recordMs: a newcomer refuses one of two hours) */
  recordFullMs: 1 * HOUR,
  /** relays not known before that one link may bring at once, and each second (derived: the whole map at its greeting, and
   *  5% of 4,096 relays in a minute) */
  newRelaysBurst: 4096,
  newRelaysPerSecond: 4,
  /** peers whose share of that is remembered (guess) */
  newRelaysPeersMax: 1024,
  /** records of one relay and kind that are taken at once, and later each (derived from recordMinMs: who keeps to the rule
   *  makes four in seven seconds, and goes on with one in four) */
  recordBurst: 8,
  recordEveryMs: 3 * SECOND,
  /** relays that give way at once where the map is full (guess: finding out whom costs a millisecond) */
  evictedAtOnce: 64,
  /** channel tags of one relay listed exactly (design, section 6), and in a filter (derived from the size of a frame) */
  tagsMax: 4096,
  relayTagsMax: 48 * 1024,
} as const;
