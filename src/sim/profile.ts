/**
 * How the simulated world behaves where nothing is broken: latencies, bandwidth, disks and processors, as one table
 * that a scenario changes in parts. None of the numbers is measured; each is the kind of thing a real mesh meets.
 */
import { LIMITS } from '../core/limits.ts';

/** Both ends included, drawn evenly. */
export type Range = readonly [min: number, max: number];

export interface Profile {
  /** one way, drawn once for each link and constant on it */
  readonly latencyMs: Range;
  /** added to each frame; frames of one link never overtake each other */
  readonly jitterMs: Range;
  /** of one direction of one link */
  readonly bytesPerMs: number;
  /** a commit, from its start until the disk has it */
  readonly commitMs: Range;
  /** share of commits that take `commitSlowMs` instead: a disk that is busy with something else */
  readonly commitSlowShare: number;
  readonly commitSlowMs: Range;
  /** from the commit until the core hears of it */
  readonly persistedMs: Range;
  /** answers to `verify`; a wide range reorders them, as worker threads do */
  readonly verifyMs: Range;
  readonly signMs: Range;
  /** a dial that nobody answers */
  readonly dialTimeoutMs: number;
  /** from the start until the bootstrap lists are there */
  readonly bootstrapMs: Range;
  readonly bootstrapRefreshMs: number;
  /** droppable frames are dropped above this */
  readonly queueBytesMax: number;
  /** the link is closed above this */
  readonly queueBytesClose: number;
  /** share of droppable frames that are dropped as if the queue were full */
  readonly dropShare: number;
  /** share of frames that come twice, one right after the other: TCP does not do that, a broken middle box may */
  readonly repeatShare: number;
  /** what a host that does not read takes before the rest stays with the sender: socket buffers of both sides */
  readonly windowBytes: number;
}

export const CALM: Profile = {
  latencyMs: [10, 50],
  jitterMs: [0, 2],
  bytesPerMs: 4000,
  commitMs: [1, 8],
  commitSlowShare: 0.05,
  commitSlowMs: [50, 250],
  persistedMs: [0, 1],
  verifyMs: [0, 4],
  signMs: [0, 1],
  dialTimeoutMs: LIMITS.handshakeMs,
  bootstrapMs: [5, 300],
  bootstrapRefreshMs: 60_000,
  queueBytesMax: LIMITS.linkQueueBytesMax,
  queueBytesClose: LIMITS.linkQueueBytesClose,
  dropShare: 0,
  repeatShare: 0,
  windowBytes: 256 * 1024,
};
