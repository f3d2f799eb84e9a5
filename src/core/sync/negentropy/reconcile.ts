/**
 * Set reconciliation of one channel between two peers: negentropy, protocol version 1, over the positions (time, id) that
 * each knows in a window.
 *
 *   initiator                                   responder
 *   initiate  ---- its window in pieces ------> respond
 *   proceed   <--- what differs in it, finer -- |
 *   |         ---- finer still ---------------> respond
 *   ...until the initiator has nothing to say
 *
 * Both sides do the same with each range of a message. Skip: nothing. A fingerprint: if the own one is equal, nothing;
 * otherwise the range is told in pieces with a fingerprint each, or as a list of ids where it has few. A list of ids: the
 * initiator compares it with its own ids, which settles the range; the responder answers with its list of the same range.
 *
 * Invariants:
 * 1. A side keeps nothing between two messages: each one stands for itself. A reconciliation can end after any message,
 *    and begin anew when a link comes back; what was found by then stays found.
 * 2. Only what lies in the window is counted or told: from its floor on, without what is after `until`. Both sides have
 *    to use the same window, which the frames around the messages say.
 * 3. What one message costs is bounded: its bytes, the ids looked at, and the messages that are walked over one by one.
 *    What is beyond that, or does not fit, becomes one fingerprint up to infinity, and the next round goes on there.
 *    Ranges behind that place which were settled already are compared again, so an id can be found more than once.
 * 4. The set may change between two reads. Then something is found that is known by now, or a later comparison finds it.
 *
 * Who learns what: the initiator learns `need`, ids that only the responder has, and `have`, ids that only itself has. The
 * responder learns nothing that it could rely on: lists that it sends are answered by silence. So the initiator announces
 * its `have` ids afterwards, 32 bytes each, and the responder asks for those that it lacks. (The ids in the initiator's
 * lists would tell it some of them earlier, but those come with the announcement too.)
 *
 * A malicious responder can go on for ever: whoever calls `proceed` counts the rounds.
 *
 * Source: negentropy protocol v1; Meyer, "Range-Based Set Reconciliation" (2022).
 */
import { type Bytes, equal, toBase64url } from '../../bytes.ts';
import { LIMITS } from '../../limits.ts';
import type { Sha256 } from '../../message/message.ts';
import type { Piece, Position, PositionRange, SplitRange, Sum, Window } from '../../persistence.ts';
import { fingerprint } from '../fingerprint.ts';
import { clip, FIRST, INFINITY } from './bounds.ts';
import type { Range } from './codec.ts';
import { type Answered, Reply } from './reply.ts';
import { idsOf, type Patience, piecesOf, type Steps, sumsOf } from './store-steps.ts';

/** How ranges are told. The two sides may differ in it. */
export interface Style {
  /** a range that differs is told in about so many pieces, 2 or more */
  readonly pieces: number;
  /** a range in which a side has fewer messages than this is told as a list of ids. The initiator's is answered with
   *  another list, the responder's ends the matter. 0 is never; of the responder 2 or more, or it would not end. */
  readonly listBelow: { readonly initiator: number; readonly responder: number };
  /** of a message; 4096 or more */
  readonly bytesMax: number;
}

/**
 * Ours. 10,000 messages, 10 a minute, of which one side lacks some at random places; kilobytes in both directions, where the
 * initiator lacks them, and messages until both know:
 *
 *   pieces, lists below   10         100          1,000
 *   16, 32 and 32         9.0 in 4   53 in 4      278 in 12   (negentropy's reference implementation)
 *   16, 8 and 16          7.5 in 4   45 in 4      221 in 8
 *   8, 2 and 8            6.0 in 6   39 in 6      221 in 10
 *   4, 2 and 4            5.5 in 8   37 in 8      233 in 16
 *
 * Fewer pieces save some bytes and cost round trips (tools/measure-reconcile.ts).
 */
export const STYLE: Style = {
  pieces: 16,
  listBelow: { initiator: 8, responder: 16 },
  bytesMax: LIMITS.reconcileBytesMax,
};

/** What is reconciled, and how. */
export interface Scope {
  readonly sha256: Sha256;
  readonly window: Window;
  readonly style: Style;
}

/** What the initiator got out of a message. */
export interface Progress {
  /** for the responder; `undefined`: all is compared */
  readonly message: Bytes | undefined;
  /** ids that the responder lacks: to be announced to it */
  readonly have: readonly Bytes[];
  /** ids that the responder has and that were not found here: to be looked up once more, and then fetched */
  readonly need: readonly Bytes[];
}

/** A range of a message with its beginning. */
type Laid = Range & { readonly from: Position };

interface Turn extends Scope {
  readonly isInitiator: boolean;
  readonly have: Bytes[];
  readonly need: Bytes[];
  readonly patience: Patience;
  /** own ids that may still be looked at */
  idsLeft: number;
}

/** The ranges that answer some, ascending. */
interface Batch {
  readonly answered: readonly Answered[];
  /** where they end, if that is before the end of what was asked */
  readonly stop: Position | undefined;
}

function begin(scope: Scope, isInitiator: boolean): Turn {
  const patience = { left: LIMITS.reconcileScansMax };
  return { ...scope, isInitiator, have: [], need: [], patience, idsLeft: LIMITS.reconcileIdsMax };
}

/** The initiator's first message. */
export function* initiate(scope: Scope): Steps<Bytes> {
  const turn = begin(scope, true);
  const all = clip(scope.window, { from: FIRST, until: INFINITY });
  const [sum] = yield* sumsOf(scope.window.tag, [all]);
  // As if the responder had shown a fingerprint of everything that differs from ours.
  const shown: Laid = { from: FIRST, upper: INFINITY, mode: 'fingerprint', fingerprint: new Uint8Array(16) };
  const reply = new Reply(scope.style.bytesMax);
  yield* fill(turn, reply, yield* tell(turn, [shown], new Map([[shown, sum as Sum]])));
  return reply.finish();
}

/** The responder's answer to a message. @returns a message; one of a single byte says that nothing differs */
export function* respond(scope: Scope, ranges: readonly Range[]): Steps<Bytes> {
  const reply = yield* answer(begin(scope, false), ranges);
  return reply.finish();
}

/** What the initiator makes of an answer. */
export function* proceed(scope: Scope, ranges: readonly Range[]): Steps<Progress> {
  const turn = begin(scope, true);
  const reply = yield* answer(turn, ranges);
  return { message: reply.isEmpty ? undefined : reply.finish(), have: turn.have, need: turn.need };
}

function* answer(turn: Turn, ranges: readonly Range[]): Steps<Reply> {
  const reply = new Reply(turn.style.bytesMax);
  const laid = ranges.map((range, i) => ({ ...range, from: ranges[i - 1]?.upper ?? FIRST }));
  for (let at = 0; at < laid.length; at += LIMITS.reconcileBatch) {
    const batch = yield* compareBatch(turn, laid.slice(at, at + LIMITS.reconcileBatch));
    if (yield* fill(turn, reply, batch)) break;
  }
  return reply;
}

/** Adds ranges to a message. @returns whether it is full, or went as far as it may */
function* fill(turn: Turn, reply: Reply, { answered, stop }: Batch): Steps<boolean> {
  let rest: Position | undefined;
  for (const range of answered) {
    rest = reply.add(range);
    if (rest) break;
  }
  rest ??= stop;
  if (rest === undefined) return false;
  const [sum] = yield* sumsOf(turn.window.tag, [clip(turn.window, { from: rest, until: INFINITY })]);
  reply.addRest(fingerprint(turn.sha256, sum as Sum));
  return true;
}

function clipped(turn: Turn, { from, upper }: Laid): PositionRange {
  return clip(turn.window, { from, until: upper });
}

/** Compares fingerprints, then answers all ranges, or the first ones if that is long work. */
function* compareBatch(turn: Turn, batch: readonly Laid[]): Steps<Batch> {
  const shown = batch.filter((range) => range.mode === 'fingerprint');
  const places = shown.map((range) => clipped(turn, range));
  const sums = yield* sumsOf(turn.window.tag, places, turn.patience);
  const differing = new Map<Laid, Sum>();
  for (const [i, sum] of sums.entries()) {
    const range = shown[i] as (typeof shown)[number];
    if (!equal(fingerprint(turn.sha256, sum), range.fingerprint)) differing.set(range, sum);
  }
  const unread = shown[sums.length];
  if (unread === undefined) return yield* tell(turn, batch, differing);
  const told = yield* tell(turn, batch.slice(0, batch.indexOf(unread)), differing);
  return { ...told, stop: told.stop ?? unread.from };
}

/** Reads what it takes to answer ranges, and answers them. @param differing own sums of fingerprints that differ */
function* tell(turn: Turn, batch: readonly Laid[], differing: ReadonlyMap<Laid, Sum>): Steps<Batch> {
  const { pieces, listBelow } = turn.style;
  const below = turn.isInitiator ? listBelow.initiator : listBelow.responder;
  const toSplit = new Map<Laid, SplitRange>();
  const toList: Laid[] = [];
  for (const range of batch) {
    const count = differing.get(range)?.count;
    if (range.mode === 'idList' || (count !== undefined && count < below)) toList.push(range);
    else if (count !== undefined)
      toSplit.set(range, { ...clipped(turn, range), size: Math.max(1, Math.ceil(count / pieces)) });
  }
  const split = yield* piecesOf(turn.window.tag, [...toSplit.values()], turn.patience);
  const parts = new Map([...toSplit.keys()].map((range, i) => [range, split[i]]));
  const places = toList.map((range) => clipped(turn, range));
  const { lists, next } = yield* idsOf(turn.window.tag, places, turn.idsLeft);
  const isFirst = turn.idsLeft === LIMITS.reconcileIdsMax && lists.length === 1;
  turn.idsLeft -= lists.reduce((count, list) => count + list.length, 0);

  const answered: Answered[] = [];
  for (const range of batch) {
    const at = toList.indexOf(range);
    if (parts.has(range) && parts.get(range) === undefined) return { answered, stop: range.from };
    if (at < 0) answered.push(...inPieces(turn, range, parts.get(range)));
    else {
      const isCut = at >= lists.length || (next !== undefined && at === lists.length - 1);
      // The ids of their list have no times: half of ours would make some of theirs look unknown.
      const mayBeCut = at < lists.length && (isFirst || range.mode !== 'idList' || !turn.isInitiator);
      if (isCut && !mayBeCut) return { answered, stop: range.from };
      const upper = (isCut && next) || range.upper;
      answered.push(inList(turn, range, { upper, positions: lists[at] as readonly Position[] }));
      if (upper !== range.upper) return { answered, stop: next };
    }
  }
  return { answered, stop: undefined };
}

/** @param pieces of a range that differs, else `undefined` */
function inPieces(turn: Turn, { upper }: Laid, pieces: readonly Piece[] | undefined): Answered[] {
  if (pieces === undefined) return [{ upper, mode: 'skip' }];
  return pieces.map((piece, i) => ({
    // the last piece of the window stands for what is outside it too
    upper: i === pieces.length - 1 ? upper : piece.end,
    mode: 'fingerprint',
    fingerprint: fingerprint(turn.sha256, piece),
  }));
}

/** Answers a range with own ids, or compares them with those that were sent. @param own up to where they were read */
function inList(
  turn: Turn,
  range: Laid,
  { upper, positions }: { upper: Position; positions: readonly Position[] },
): Answered {
  if (range.mode !== 'idList' || !turn.isInitiator) return { upper, mode: 'idList', positions };
  const theirs = new Map(range.ids.map((id) => [toBase64url(id), id]));
  for (const { id } of positions) if (!theirs.delete(toBase64url(id))) turn.have.push(id);
  // Copies: a view would keep the whole message in memory.
  for (const id of theirs.values()) turn.need.push(id.slice());
  return { upper, mode: 'skip' };
}
