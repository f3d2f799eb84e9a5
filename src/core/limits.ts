/**
 * Every maximum of the protocol and of this implementation, in one place: value, unit and where the number comes from.
 * "design" marks a settled decision of the protocol design; "guess" marks a number that no measurement stands behind.
 * Names carry their unit last.
 */
import { CLIENT_LIMITS } from './client-limits.ts';
import { MAP_LIMITS } from './map-limits.ts';
import { SYNC_LIMITS } from './sync-limits.ts';
import { DAY, HOUR, KiB, MINUTE, MiB, SECOND } from './units.ts';

export const LIMITS = {
  // frames and handshakes
  /** largest binary frame (design, section 9) */
  frameBytesMax: 128 * KiB,
  /** largest record of a sealed link: one largest frame, its length and the tag (derived) */
  recordBytesMax: 128 * KiB + 4 + 16,
  /** largest handshake text: several times what ours needs (guess) */
  handshakeBytesMax: 8 * KiB,
  /** handshake and auth must be done in this time (design, section 4) */
  handshakeMs: 5 * SECOND,
  /** frames held back while `auth` is being verified, and their bytes (guess: role, records and holds fit) */
  earlyFramesMax: 64,
  earlyBytesMax: 256 * KiB,
  /** a dialled or advertised WebSocket URL (guess: RFC 9110 recommends 8000 for any URI, addresses are far shorter) */
  urlBytesMax: 256,
  /** text in an error frame (guess) */
  errorTextBytesMax: 512,

  // messages
  /** signed bytes, signature, body and payload together (design, section 9) */
  messageBytesMax: 64 * KiB,
  /** name of an open channel (design, section 3) */
  channelBytesMax: 128,
  /** relations of one message (design, section 2) */
  refsMax: 8,
  /** signed bytes of a message whose content is not there: ids, a channel name, 8 refs (derived: they have 700 at most) */
  headerBytesMax: 1024,
  /** a message further ahead of the wall clock is forgotten without penalty (design, section 2) */
  futureMs: 10 * MINUTE,
  /** no own clock follows a received time further ahead (design, section 2) */
  clockFollowMs: 60 * SECOND,
  /** messages in one push or fetched frame: 400-byte messages fill a frame at about 320 (derived) */
  messagesPerFrameMax: 1024,
  /** targets of deletes that are remembered while the two may cross each other (guess: 100 bytes each) */
  deletionsMax: 4096,
  /** tombstones in one fetched frame: they have some 700 bytes each (derived from frameBytesMax) */
  tombstonesPerFrameMax: 512,
  /** bytes of message items that we put into one frame: leaves room for the head (derived from frameBytesMax) */
  messageItemsBytesMax: 120 * KiB,

  // mesh/1
  /** header of a message that began there: a channel name whose every byte is escaped, and the other three (derived) */
  mesh1HeaderBytesMax: 1024,
  /** one text from a mesh/1 peer until its first answer to a sync request, and after it (design, section 10) */
  mesh1FirstBytesMax: 8 * MiB,
  mesh1BytesMax: 1 * MiB,
  /** a text to one with more bytes than this carries `$m2` only, with more than the other is not sent (design, section 10) */
  mesh1LeanBytes: 96 * KiB,
  mesh1SendBytesMax: 128 * KiB,
  /** texts of one answer to a sync request together (guess: half the send queue) */
  mesh1PageBytesMax: 512 * KiB,
  /** messages in one of our sync requests (design, section 10) and in what we serve (mesh/1: it caps at 500) */
  mesh1PullPage: 20,
  mesh1ServeMax: 500,
  /** pages of one channel that we ask for over one link (guess: 100,000 messages) */
  mesh1PullPagesMax: 5000,
  /** messages of history sent at once to a mesh/1 peer that cannot ask for them (guess) */
  mesh1BackfillPage: 32,
  /** mesh/1 peers that we dial, and those that dial us (guess; a mesh/1 peer counts as a leaf) */
  mesh1OutboundMax: 4,
  mesh1InboundMax: 64,
  /** channels that one of them may subscribe to, and that we subscribe to at one (guess) */
  mesh1ChannelsMax: 1024,
  /** message ids remembered of one link: it has these already (guess) */
  mesh1KnownMax: 8192,
  /** texts that cannot be read, after which the link ends (guess) */
  mesh1MalformedMax: 50,
  /** what a forgery costs a mesh/1 link, in messages (guess) */
  mesh1ForgeryCost: 10,
  /** an id or address once proven mesh/2 is not taken for mesh/1 for this long (design, section 4) */
  provenMs: 30 * DAY,
  /** ids of proven peers that are remembered (guess) */
  provenMax: 4096,

  // links
  /** links in all: 12 overlay, 250 leaves, 10 for handshakes and feelers (design, section 9) */
  linksMax: 272,
  /** sockets that have not finished their handshake (design, section 9) */
  handshakesMax: 10,
  /** ping period of overlay links and a leaf's live link (design, section 4) */
  pingFastMs: 1 * SECOND,
  /** silence after which such a link is down (design, section 4) */
  silenceFastMs: 3 * SECOND,
  /** ping period of other links (design, section 4) */
  pingSlowMs: 25 * SECOND,
  /** two misses of the slow ping (design, section 4) */
  silenceSlowMs: 50 * SECOND,
  /** an older link of the same id must answer within (design, section 4) */
  duplicatePingMs: 5 * SECOND,
  /** send queue of one link; beyond it what catch-up repairs is dropped (design, section 4) */
  linkQueueBytesMax: 1 * MiB,
  /** frames per link of which we want to know when they have left (guess) */
  unflushedMax: 1024,
  /** send queue at which the link is closed (guess: twice the former) */
  linkQueueBytesClose: 2 * MiB,
  /** first and last wait between dials to a configured peer (guess) */
  dialBackoffMinMs: 500,
  dialBackoffMaxMs: 60 * SECOND,
  /** a link that lived this long resets the backoff (guess) */
  dialStableMs: 30 * SECOND,
  /** one test dial per host in this time (design, section 5) */
  dialHostMs: 10 * MINUTE,
  /** an address that led to ourselves is tried again after: it may belong to somebody else by then (guess) */
  dialSelfMs: 1 * HOUR,
  /** addresses remembered (guess) */
  addressesMax: 4096,
  /** a banned peer id stays out (design, section 9) */
  banMs: 1 * HOUR,
  /** offences until the ban (guess) */
  banThreshold: 16,
  bansMax: 4096,

  /** unasked messages per second of a leaf and of a relay (design, section 9) */
  leafPerSecond: 50,
  relayPerSecond: 2000,
  /** a link may push this many seconds' worth of its rate at once (design, section 9: 500 at 50 a second) */
  rateBurstSeconds: 10,
  /** content of one unknown author in open channels, and how much of it at once (design, section 9) */
  authorPerSecond: 5,
  authorBurst: 50,
  /** content of unknown authors above that, all together, and how much at once (design, section 9) */
  commonPerSecond: 1000,
  commonBurst: 2000,
  /** authors whose buckets are remembered: who was silent for ten seconds needs none (guess) */
  authorBucketsMax: 65536,
  /** wanted headers looked at each second (guess: what the common bucket gives) */
  wantedPage: 1000,
  /** longest time for which a link is not read: a full frame at the rate of a leaf (derived from messagesPerFrameMax; our
   *  own pings keep the other side from taking us for dead) */
  ratePauseMsMax: 20 * SECOND,

  // relays and leaves
  /** home relays of a leaf (design, section 5) */
  homeRelaysMax: 3,
  /** overlay links that a relay looks for by itself (design, section 5) */
  overlayTarget: 6,
  overlayMax: 12,
  /** of those: dialled by itself, so many at least; others that dial in leave room for them (design, section 5) */
  outboundMin: 4,
  /** leaves that a relay serves (design, section 5) */
  leavesMax: 250,
  /** one neighbour is asked to dial back after the other, the same one again after (guess: what dialHostMs lets it do) */
  dialBackEveryMs: 5 * SECOND,
  dialBackAgainMs: 10 * MINUTE,
  /** neighbours that wait to be dialled back (derived from linksMax), and dials at a time (guess: most take five seconds) */
  dialBacksMax: 272,
  dialBacksAtOnce: 32,
  /** one host at a time where it comes from (guess: peers share it, and strangers too, whom nobody must aim at) */
  dialBackHostMs: 10 * SECOND,
  /** a relay with links enough tries an address that is not on its map, or else any, after (guess) */
  feelerLostMs: 15 * SECOND,
  feelerMs: 2 * MINUTE,
  /** how often it looks for one that is not on its map (guess) */
  feelerLookMs: 5 * SECOND,
  /** addresses proven before the last stop that are dialled before all others (design, section 5) */
  anchors: 2,
  /** links that stand are noted as proven again after (guess: a write for whoever else does nothing) */
  anchorMs: 10 * MINUTE,
  ...MAP_LIMITS,
  /** addresses told to a leaf in one frame (guess) */
  addressesPerFrameMax: 64,
  /** leaves are told relays this often, and when the map has doubled since then this soon (guess) */
  addressesMs: 1 * MINUTE,
  addressesSoonMs: 5 * SECOND,

  // interest
  /** places among the carried channels that only local identities take (guess) */
  ownTagsReserved: 256,
  /** channels that are kept as far back as a leaf keeps them (guess: 64 for each of 250 leaves) */
  leafFloorsMax: 16_384,
  /** of them, written down in a second at most (guess: one group commit of small rows) */
  leafFloorsNoted: 256,
  /** carried channels written down at once after a long outage (guess: one group commit of small rows) */
  carriedNoted: 256,
  /** tags that a home relay keeps for one absent peer at first (design, section 6) */
  mailboxTagsMax: 64,
  /** and once it has been linked for this long in all (time: design, section 6; number: guess) */
  mailboxTagsFullMax: 1024,
  mailboxEstablishedMs: 1 * HOUR,
  /** how long they are kept (design, section 6) */
  mailboxMs: 7 * DAY,
  mailboxesMax: 1024,
  /** of peers of one address group that have been linked for less (guess: an office, and a sixteenth of all) */
  mailboxesOfGroupMax: 64,
  /** content that is kept for them only (design, section 6) */
  newcomerBytes: 64 * MiB,
  /** carried channels are held this long after the last message published here (design, section 8) */
  carriedMs: 7 * DAY,
  /** bytes of one carried channel and of all (design, section 8) */
  carriedBytes: 64 * MiB,
  carriedBytesAll: 1024 * MiB,
  /** own and joined channels go back this far, with this many messages and bytes of others (design, section 8) */
  joinedMs: 90 * DAY,
  joinedMessages: 1_000_000,
  joinedBytes: 1024 * MiB,
  /** bytes of all messages (design, section 8) */
  storeBytes: 4096 * MiB,
  /** bytes of the disk that we leave free (guess: a WAL and room for others) */
  diskReserveBytes: 256 * MiB,

  // the scrub
  /** every stored message is read and checked once in this time (design: about a week) */
  scrubMs: 7 * DAY,
  /** messages and bytes that are checked without a break (measured: 64 messages take 10 to 20 ms) */
  scrubPageMessages: 64,
  scrubPageBytes: 1 * MiB,

  // the log on disk
  /** one file, and how many of them (guess: weeks of a healthy daemon at `info`) */
  logFileBytes: 8 * MiB,
  logFiles: 5,
  /** one line; the longest of ours has a stack of a few KiB (guess) */
  logLineBytesMax: 64 * KiB,
  /** lines of a start that are held until the folder is known to be ours (guess: a start writes a dozen) */
  logLinesHeldMax: 1000,
  /** nobody keeps more than this share of a channel's bytes in content while it is over its limit (guess) */
  heavyAuthorShare: 1 / 16,
  /** a channel over its limit is pruned to this share of it, so that it is not over it again at once (guess) */
  pruneToShare: 0.9,
  /** of the room for carried channels, what those that give way first keep of each kind (guess) */
  rankShare: 1 / 8,
  /** a clock that jumped ahead is believed after this time, if nobody confirms it before (guess) */
  clockDoubtMs: 7 * DAY,
  /** what nobody wants is removed when nobody has wanted it for this long: leaves come back (guess) */
  unwantedMs: 1 * HOUR,
  /** beyond this share of its limit nothing more of others is taken into a channel until it is pruned (guess) */
  shutShare: 1.25,

  // gossip
  /** transit relays remember messages this long (design, section 6) */
  seenMs: 2 * MINUTE,
  /** ids remembered (guess: 2 minutes at 500 messages per second) */
  seenMax: 65536,
  /** bytes of transit messages kept for those who ask (guess) */
  transitBytesMax: 16 * MiB,
  /** a leaf looks after this whether its home relays have a message (design, section 6) */
  echoMs: 1 * SECOND,
  /** messages of the last second that it watches (guess) */
  echoesMax: 8192,
  /** ids are announced in batches (design, section 6) */
  announceMs: 20,
  /** an announced message is waited for before it is asked for (design, section 6) */
  announceWaitMs: 80,
  /** the same at a leaf: a standby home relay may have it long before the live one (guess: the slowest of several links) */
  announceWaitLeafMs: 240,
  idsPerFrameMax: 2048,
  /** announced ids waited for, over all links (guess) */
  announcedMax: 65536,
  /** and over one link */
  announcedPerLinkMax: 8192,
  /** over which the live relay of a leaf is judged by what others bring, and messages that it lacks at least (guess) */
  liveWatchMs: 2 * MINUTE,
  liveLackedMin: 8,
  /** how long a message that another one names as the one before has to come by itself (guess: twice the wait of a leaf) */
  gapWaitMs: 500,
  /** first wait before it is asked for again; as long again each time (guess) */
  gapRetryMs: 5 * SECOND,
  /** how often it is asked for: catch-up finds the rest (guess) */
  gapTriesMax: 3,
  /** gaps in a row that are followed back: more is an absence, and what catch-up is for (guess) */
  gapDepthMax: 16,
  /** messages missing in chains that are remembered, some 300 bytes each (guess) */
  gapsMax: 4096,
  /** and looked at in a second (guess: one question to the store) */
  gapsPerSecond: 256,
  /** shortest-path trees kept (guess: as many as relays that publish at once) */
  treesMax: 1024,

  // ephemerals
  /** wire item of one: a long answer (guess: a quarter of a message) */
  ephemeralBytesMax: 16 * KiB,
  /** it expires at most so long after its time, and one further ahead of the wall clock is forgotten (guess) */
  ephemeralMs: 60 * SECOND,
  /** of one author at each relay (design, section 2), and at once (guess: two seconds of it) */
  ephemeralPerSecond: 4,
  ephemeralBurst: 8,
  /** over a link of a leaf, and of a relay; twice as many at once (guess: four busy agents, and sixteen such leaves) */
  ephemeralLeafPerSecond: 16,
  ephemeralRelayPerSecond: 256,
  /** authors whose buckets are remembered (guess), and runs whose newest one is: longer than it is valid anywhere (derived) */
  ephemeralAuthorsMax: 8192,
  ephemeralRunsMax: 8192,
  ephemeralRunMs: 2 * MINUTE,
  /** after one has left, the next over the same link is gathered for so long (guess: nobody reads faster) */
  ephemeralBatchMs: 100,
  /** waiting for one link, and in one frame (guess: more busy authors than a channel can show) */
  ephemeralQueueMax: 64,
  /** one that has waited longer for a link is dropped, and a frame that has not left after the other is taken for it (guess) */
  ephemeralWaitMs: 5 * SECOND,
  ephemeralStallMs: 1 * SECOND,
  /** bytes of them in one of our frames, unless one alone has more (guess: 130 ms at 1 Mbit/s, which a message may wait) */
  ephemeralFrameBytes: 16 * KiB,
  /** send queue of a link beyond which they are dropped, before anything else is (guess: twice that) */
  ephemeralLinkQueueBytes: 32 * KiB,
  /** runs of local identities with something that has not been signed yet (guess) */
  ephemeralWaitingMax: 256,

  ...SYNC_LIMITS,

  // delivery
  /** own messages pushed and not yet confirmed as stored, per link (guess: two group commits) */
  outboxWindow: 512,
  /** and their bytes: below the send queue, so that nothing of it is dropped (derived) */
  outboxWindowBytes: 512 * KiB,
  /** rounds of outboxRetryMs without a word after which another keeper is tried (guess) */
  keeperRoundsMax: 3,
  /** messages that a keeper confirms in outboxSlowMs, while others wait, at least (guess: over its rate it takes 5 a second) */
  keeperPaceMin: 10,
  /** rows of the outbox read at once (design, section 8: one group commit) */
  outboxPage: 256,
  /** an unconfirmed own message is pushed again after (guess) */
  outboxRetryMs: 10 * SECOND,
  /** and after this while the keeper confirms others: a full window takes 10 s at the rate of a leaf (guess) */
  outboxSlowMs: 60 * SECOND,
  /** a home relay that did not become a second keeper is asked again after (guess) */
  copiesAgainMs: 1 * HOUR,
  /** publishing clocks kept in memory (guess) */
  clocksMax: 16384,
  /** publish commands in progress before new ones are refused (guess) */
  publishesMax: 8192,
  idempotencyKeyBytesMax: 128,

  // explanations
  /** own messages whose way is remembered, and links that took each (guess: what somebody still asks about) */
  journeysMax: 1024,
  journeyTakersMax: 8,
  /** messages of others of which it is remembered where they came from, and refused ones (guess) */
  originsMax: 1024,
  refusalsMax: 1024,
  /** relays of a path that are told, and relays on it that cannot be reached, leaves, home relays (guess: a screen) */
  pathRelaysMax: 64,
  pathOthersMax: 16,

  // store
  /** messages of one group commit (design, section 8) */
  commitMessagesMax: 256,
  /** messages that one effect stores (guess: a quarter of a commit) */
  persistPiece: 64,
  /** operations waiting for a commit before received messages are refused (guess) */
  commitQueueMax: 65536,
  /** hours for which minute sums are kept (design, section 7) */
  minuteSumHours: 2,

  ...CLIENT_LIMITS,
} as const;

/** Bytes of text in an ephemeral of ours: the rest is for header, signature and refs (derived: they have 700 at most). */
export const EPHEMERAL_TEXT_MAX = LIMITS.ephemeralBytesMax - 1024;

export { DAY, HOUR, KiB, MINUTE, MiB, SECOND };
