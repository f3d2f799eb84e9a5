/**
 * The maxima of catch-up: between neighbours, on visits, and in tunnels. Part of `LIMITS` in `limits.ts`, where the words
 * are explained.
 */
import { HOUR, KiB, MINUTE, SECOND } from './units.ts';

export const SYNC_LIMITS = {
  // catch-up
  heartbeatMs: 5 * SECOND,
  /** plus or minus this share (design, section 7) */
  heartbeatJitter: 0.2,
  /** only full minutes at least this old are compared (design, section 7) */
  settleMs: 60 * SECOND,
  /** a neighbour whose heartbeat is further ahead has another clock: whole hours are compared (guess) */
  skewMs: 2 * MINUTE,
  skewCompareMs: 5 * MINUTE,
  /** the same pair of fingerprints is compared again after (design, section 7) */
  retryMinMs: 25 * SECOND,
  retryMaxMs: 1 * HOUR,
  /** channels compared over one link (derived from tagsMax) */
  sharedChannelsMax: 4096,
  /** channels of all links together whose sums are remembered; a link beyond it has them read for each heartbeat (guess: sixteen
   *  links that share all they may; measured: 9 MB if it is the same, 53 MB if no two share anything) */
  rememberedSumsMax: 65_536,
  /** a neighbour that differs for so long, while so many others agree, is not relied on; agreement counts for so long (guess:
   *  honest ones are equal within a few minutes) */
  disagreementMs: 10 * MINUTE,
  agreementWitnesses: 2,
  agreementFreshMs: 1 * MINUTE,
  /** comparisons that a neighbour may ask for at once; one more each second (guess: many channels joined together) */
  comparesMax: 64,
  /** sums in one frame: 1024 x 32 bytes (derived) */
  sumsPerFrameMax: 1024,
  /** messages asked for by id and not yet answered, per link (design, section 7) */
  fetchMax: 256,
  /** and of those that have come so many are verified or stored at a time, before more are asked for (measured: where it is
   *  half of that, a bulk is asked for in small pieces, which take a tenth more of CPU) */
  fetchPendingMax: 1024,
  /** ids known to be missing and not yet asked for, per link (guess: one full answer of a comparison) */
  missingMax: 2000,
  /** ids wanted of one link, asked for or not: one link cannot take the places of all (guess: four such answers, or announcements) */
  wantedPerLinkMax: 8192,
  /** an unanswered request is given up after (guess) */
  requestMs: 15 * SECOND,
  /** and where the link goes on bringing others, after (guess: 256 of 8 kB through a tunnel) */
  requestMsMax: 2 * MINUTE,
  /** ids that one link may have waiting to be served (design, section 7, with room for announcements) */
  servingMax: 4096,

  // reconciliation
  /** bytes of one reconciliation message (design, section 7) */
  reconcileBytesMax: 60_000,
  /** ranges in one that we read: a message full of fingerprints has 2,700 (derived) */
  reconcileRangesMax: 4096,
  /** ranges that one query of a reconciliation asks about: what does not fit into the message any more was read in vain
   *  (guess) */
  reconcileBatch: 64,
  /** own ids looked at for one message: it holds 1,875, and so many were in the one that it answers (derived) */
  reconcileIdsMax: 4096,
  /** answers of the store that ended early, after which the rest waits for the next message (measured: 100 ms) */
  reconcileScansMax: 12,
  /** number of a message on a link, at most (derived: no link lives to see so many) */
  reconcileNumberMax: 0xffff_ffff,
  /** work of our store that one link may cause, and all links together: a second, and at once (measured: a unit takes
   *  0.7 ms, so all links together a quarter of a processor; guess: 400 channels that differ at once over one) */
  reconcileWorkPerSecond: 256,
  reconcileWorkBurst: 4096,
  reconcileAllWorkPerSecond: 384,
  reconcileAllWorkBurst: 8192,
  /** where that is too little, who has caused less than others comes first; so much a second is forgotten (guess: an
   *  answer of light work a minute) */
  reconcileSharePerSecond: 0.1,
  /** a message is a unit and a query is, so many ranges and pieces are another one, and so many messages walked over or listed, and so
   *  many ids looked up (measured) */
  reconcilePlacesPerWork: 16,
  reconcileWalkedPerWork: 512,
  reconcileKnownPerWork: 128,
  /** of a channel that differs and goes back further these are compared first, or fewer where they were compared in vain
   *  (guess: what a reader looks for) */
  reconcileRecentHours: [24, 2],
  /** ids found in a window that do not make it wait, should they be found again (guess: 8 kB a minute) */
  reconcileVainMin: 256,
  /** an answer is given up after (guess: before it the responder may have the ids of the last one to fetch) */
  reconcileAnswerMs: 60 * SECOND,
  /** rounds that bring nothing new, one after the other, after which a comparison ends (derived: 16 pieces a round leave one
   *  message of 16^8, and what did not fit before is compared again) */
  reconcileIdleRoundsMax: 64,
  /** ids wanted and offered that are remembered of one link: they are not tried again at once (guess: four full messages) */
  reconcileTriedMax: 8192,
  /** and a link's share of so many where there are more links (measured: 130 bytes each) */
  reconcileTriedAllMax: 131_072,
  /** ids in one offer: 1,000 x 34 bytes (guess) */
  offeredIdsMax: 1000,

  // visits
  /** visits that we make at a time (guess: a dial a second, and three seconds each), and those of others: they take places
   *  of handshakes and feelers (guess); half of these are for relays of the map, so that made-up ids cannot take all */
  visitsOutMax: 2,
  visitsInMax: 8,
  visitsStrangerMax: 4,
  /** channels of one (derived: one frame of sums) */
  visitChannelsMax: 1024,
  /** comparisons that a visitor may ask for at once, in place of `comparesMax` (guess: it needs two) */
  visitComparesMax: 4,
  /** it is over when nothing is under way and nothing has come for this long (guess: a few round trips and commits) */
  visitQuietMs: 3 * SECOND,
  /** and in any case when nothing has come for this long, or after (guess: what is left is for the next one) */
  visitIdleMs: 30 * SECOND,
  visitMs: 2 * MINUTE,
  /** the same relay is not visited again sooner, nor taken in again (guess; theirs is the shorter one, for clocks differ) */
  visitAgainMs: 15 * SECOND,
  /** relays with which a channel was compared last: others come first (guess: few holders are met in turn, many by chance) */
  visitsLately: 4,
  visitorAgainMs: 5 * SECOND,
  /** visitors whose last visit is remembered (guess: more than come in that time) */
  visitorsMax: 1024,
  /** a channel is due so long after its last change, and after its first one where it goes on changing (design, section 7) */
  visitSettleMs: 5 * SECOND,
  visitSpreadMs: 10 * SECOND,
  visitBusyMs: 1 * MINUTE,
  /** and not sooner after it was compared (guess: each message costs each holder a visit otherwise) */
  visitGapMs: 30 * SECOND,
  /** and again after (design, section 7: the second and the last; decision 0029 has the figures for the others) */
  visitTurnsMs: [30 * SECOND, 1 * MINUTE, 2 * MINUTE, 5 * MINUTE],
  visitIdleEveryMs: 10 * MINUTE,
  /** at once: within a few seconds where few hold it, so that about one of them dials in a second; at most (guess) */
  visitSoonMs: 3 * SECOND,
  visitSoonMsMax: 5 * MINUTE,

  // tunnels: visits over other relays
  /** hops of one at most (guess: twice what the farthest of 4,096 relays with 6 links are apart) */
  tunnelHopsMax: 16,
  /** number of one on a link, at most (derived: no link lives to see so many) */
  tunnelNumberMax: 0xffff_ffff,
  /** a frame within a frame (derived from frameBytesMax: the head around it takes 20 bytes at most) */
  tunnelledBytesMax: 128 * KiB - 64,
  /** one that we made, and so many of others that end here, each over another neighbour (guess: a dial is the usual way) */
  tunnelsOutMax: 1,
  tunnelsInMax: 4,
  /** one that has ended here as long gives way to the next (guess: a short comparison is over by then) */
  tunnelGivesWayMs: 20 * SECOND,
  /** those that pass here: of one neighbour, and in all (guess) */
  tunnelsPerLinkMax: 8,
  tunnelsPassingMax: 64,
  /** bytes a second that we send into those that end here, all that go over one link together, and how many at once (guess:
   *  2 MiB in a visit; two full frames); what may wait for that: whoever asks for more has asked for too much (guess) */
  tunnelBytesPerSecond: 16 * KiB,
  tunnelBytesBurst: 256 * KiB,
  tunnelQueueBytesMax: 512 * KiB,
  /** bytes of one that passes here: whoever sends more loses it (derived: what both ends may send, and half as much again) */
  tunnelPassageBytesPerSecond: 48 * KiB,
  tunnelPassageBytesBurst: 768 * KiB,
  /** bytes that pass here for one neighbour, and for all: more is dropped (guess: a megabit, and four) */
  tunnelLinkBytesPerSecond: 128 * KiB,
  tunnelLinkBytesBurst: 1024 * KiB,
  tunnelAllBytesPerSecond: 512 * KiB,
  tunnelAllBytesBurst: 4096 * KiB,
  /** what opening one, and any frame, costs of those bytes at least (guess) */
  tunnelOpenBytes: 4 * KiB,
  tunnelFrameBytesMin: 1 * KiB,
  /** whoever does not answer in it is not there, or the way is not (guess: 16 hops of half a second) */
  tunnelAnswerMs: 8 * SECOND,
  /** one that passes here is forgotten when nothing has come for as long, and after (derived: visitIdleMs and visitMs, and
   *  then some) */
  tunnelIdleMs: 45 * SECOND,
  tunnelMs: 150 * SECOND,
  /** relays remembered to which a tunnel came to nothing: they are tried again later and later (guess) */
  tunnelTargetsMax: 1024,
} as const;
