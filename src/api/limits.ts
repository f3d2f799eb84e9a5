/**
 * Maxima of the local HTTP API that are nobody else's business. What the protocol limits too is in `core/limits.ts`.
 * "guess" marks a number that no measurement stands behind.
 */
import { KiB, LIMITS, MINUTE, MiB, SECOND } from '../core/limits.ts';

export const API_LIMITS = {
  /** sockets at once: streams, and room for as many short requests again and then some (guess) */
  connectionsMax: 4 * LIMITS.apiStreamsMax,
  /** request line and headers; a URL with 64 channels of 128 bytes, percent-encoded, needs 24 KiB (derived) */
  headerBytesMax: 32 * KiB,
  headersMax: 64,
  /** the headers must have come (guess) */
  headersMs: 10 * SECOND,
  /** the whole request must have come (guess) */
  requestMs: 30 * SECOND,
  /** an idle connection is kept for the next request (guess) */
  keepAliveMs: 15 * SECOND,
  /** ports tried after a default port that is taken (guess) */
  portsTried: 100,
  /** running requests get this long when the daemon stops (guess) */
  closeMs: 1.5 * SECOND,

  /** channels named in one subscription (guess) */
  channelsMax: 64,
  /** subscriptions of one stream (guess) */
  subscriptionsMax: 32,
  /** characters of the `ref` that ties answers to a frame (guess) */
  refLengthMax: 64,
  /** publishes of one stream that are not durable yet; then its socket is not read: two group commits (derived) */
  publishingMax: 2 * LIMITS.commitMessagesMax,
  /** the same over all streams: half of what the core takes, so that other doors are not shut out (derived) */
  publishingTotalMax: LIMITS.publishesMax / 2,
  /** publishes of one stream that wait for a state; then its socket is not read (guess) */
  waitingMax: 4096,
  /** bytes in our own send buffer at which feeds wait for the socket to drain (guess) */
  sendBufferBytes: 256 * KiB,
  /** ...and at which frames of the client are not read either: it reads too slowly to get answers (guess) */
  sendBufferStopBytes: 1 * MiB,

  /** a client may wait this long for a state (guess) */
  waitMsMax: 60 * MINUTE,
  waitMsDefault: 30 * SECOND,
  /** arrays and objects within one another in a payload; other languages' parsers stop at 64 to 1000 (guess) */
  payloadDepthMax: 64,
  /**
   * ...and in a payload that came from the mesh; a deeper one is shown as null. `JSON.stringify` overflows the stack
   * at some thousand (measured), so one such message could make a channel unreadable (guess)
   */
  payloadDepthShownMax: 512,
  /** messages of a page without `limit` (guess) */
  pageDefault: 50,
} as const;
