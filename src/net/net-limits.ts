/**
 * Maxima that belong to sockets and HTTP only, beside those of the protocol in `core/limits.ts`. Each is the default of
 * an option. "guess" marks a number that no measurement stands behind.
 */
import { KiB, MINUTE, SECOND } from '../core/limits.ts';

export const NET_LIMITS = {
  /** ports tried after a default port that is taken (guess: more daemons do not run on one host) */
  portTries: 50,
  /** connections in progress that this daemon began itself (guess: a configured list dialled at once) */
  diallingMax: 32,
  /** places kept free for own dials when strangers fill the rest (design, section 5: a relay looks for 6 links) */
  outboundReserved: 6,
  /** unfinished handshakes from one public IPv4 address or IPv6 /64 (guess: a few daemons behind one NAT) */
  handshakesPerAddressMax: 4,
  /** a closed link that does not answer is cut after this time (guess: a few round trips) */
  closeMs: 1 * SECOND,
  /** all headers of one HTTP request or answer; ours need about 300 bytes (guess) */
  headerBytesMax: 4 * KiB,
  /** header lines of one HTTP request (guess: browsers send about 20) */
  headersMax: 64,
  /** parts of one fragmented frame: `ws` keeps an object for each (guess: we never fragment) */
  fragmentsMax: 64,
  /** pieces in which one frame may arrive: 128 KiB in the smallest usual TCP segment of 536 bytes are 245 (derived) */
  chunksMax: 1024,
  /** reason of a WebSocket close frame (RFC 6455 section 5.5: 125 bytes with the code) */
  closeReasonBytesMax: 123,
  /** the public list of peers is made at most this often (guess) */
  documentCacheMs: 1 * SECOND,
  /** redirects followed within one host (design, section 5: none to others) */
  redirectsMax: 3,
  /** a failed bootstrap source is asked again after, doubling (guess) */
  bootstrapRetryMinMs: 1 * SECOND,
  bootstrapRetryMaxMs: 5 * MINUTE,
  /** a source that answered is asked again after (guess) */
  bootstrapRefreshMs: 10 * MINUTE,
  /** plus or minus this share of every wait, so that daemons do not ask in step (guess) */
  bootstrapJitter: 0.2,
  /** connections to the bootstrap server at once (guess) */
  bootstrapServerSocketsMax: 256,
  /** interfaces that local discovery speaks on (guess: a laptop has two, a host with bridges some more) */
  localInterfacesMax: 8,
  /** interfaces are looked at again, and failed ones tried again, after (guess: sooner than people change a setting) */
  localScanMs: 30 * SECOND,
  /** others are asked again after at least a scan, doubling up to this (guess; RFC 6762 section 5.2 allows an hour) */
  localAskMaxMs: 10 * MINUTE,
  /** one packet of multicast DNS (RFC 6762 section 17) */
  localPacketBytesMax: 9000,
  /** questions in one packet: each may cost an answer (guess: ours have one) */
  localQuestionsMax: 16,
  /** records in one packet: the library compares each with each (guess: ours have five) */
  localRecordsMax: 32,
  /** packets read on one interface (guess: fifty daemons that start at once say six things each in a second or two) */
  localPacketsPerSecond: 50,
  localPacketsBurst: 300,
  /** packets sent on one interface (RFC 6762 section 6: no record more than once a second; the burst is a guess) */
  localSendsPerSecond: 2,
  localSendsBurst: 16,
  /** services that one interface remembers before it begins anew (guess: more daemons are not in one place) */
  localServicesMax: 64,
  /** findings handed to the core: a hint every ten seconds fills the address book in half a day (guess) */
  localFindingsPerSecond: 0.1,
  localFindingsBurst: 64,
} as const;
