/** Set reconciliation over real stores: one side on SQLite, the other one on its twin. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { addSum, type Bytes, toHex } from '../core/bytes.ts';
import type { VerifiedMessage } from '../core/message/verified.ts';
import { type Piece, type Query, type QueryAnswer, SCAN_STEP } from '../core/persistence.ts';
import { Random } from '../core/random.ts';
import { FIRST, INFINITY } from '../core/sync/negentropy/bounds.ts';
import { decodeMessage, type Range } from '../core/sync/negentropy/codec.ts';
import { initiate, type Progress, proceed, respond, STYLE } from '../core/sync/negentropy/reconcile.ts';
import { piecesOf, play, type Steps, sumsOf } from '../core/sync/negentropy/store-steps.ts';
import { createMemoryStore } from './memory.ts';
import { openStore } from './sqlite.ts';
import type { Store } from './store.ts';
import {
  createAuthor,
  NETWORK,
  received,
  sha256,
  tagOf,
  unsignedMessage,
  WALL_MS,
} from './testing/messages.ts';

const HOUR = 3_600_000;
const ann = createAuthor(1);
const tag = tagOf('dev');
const folders: string[] = [];
const stores: Store[] = [];

afterEach(() => {
  for (const store of stores.splice(0)) store.close();
  for (const folder of folders.splice(0)) fs.rmSync(folder, { recursive: true, force: true });
});

function openSqlite(): Store {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-reconcile-'));
  folders.push(folder);
  const store = openStore({ path: path.join(folder, 'store.db'), network: NETWORK, sha256 });
  stores.push(store);
  return store;
}

function fill(store: Store, messages: readonly VerifiedMessage[]): Store {
  store.transact([messages.map((message) => received(message)), [{ kind: 'expire', wallMs: WALL_MS }]]);
  return store;
}

/** Goes through `steps` with a store's answers, and counts those that ended early and the messages walked over. */
function run<T>(steps: Steps<T>, store: Store): { result: T; early: number; walked: number } {
  const results: T[] = [];
  let [early, walked] = [0, 0];
  const read = (query: Query, then: (answer: QueryAnswer) => void): void => {
    const answer = store.read(query);
    const asked = query.kind === 'split' ? query.ranges.at(-1)?.until : undefined;
    if (answer.kind === 'split' && answer.pieces.at(-1)?.at(-1)?.end !== asked) early++;
    if (answer.kind === 'split') walked += answer.walked;
    then(answer);
  };
  play(steps, read, (result) => results.push(result));
  return { result: results[0] as T, early, walked };
}

function ranges(message: Bytes): readonly Range[] {
  const decoded = decodeMessage(message);
  if (!decoded.ok) throw new Error(decoded.reason);
  return decoded.ranges;
}

function reconcile(initiator: Store, responder: Store, untilMinute: number) {
  const scope = { sha256, window: { tag, fromMinute: 0, untilMinute }, style: STYLE };
  const found = { have: [] as string[], need: [] as string[], rounds: 0 };
  let message: Bytes | undefined = run(initiate(scope), initiator).result;
  for (; message; found.rounds++) {
    const answer: Bytes = run(respond(scope, ranges(message)), responder).result;
    const progress: Progress = run(proceed(scope, ranges(answer)), initiator).result;
    found.have.push(...progress.have.map(toHex));
    found.need.push(...progress.need.map(toHex));
    message = progress.message;
  }
  const [have, need] = [found.have, found.need].map((ids) => [...new Set(ids)].sort());
  return { have, need, rounds: found.rounds };
}

const textsOf = (messages: readonly VerifiedMessage[]): string[] =>
  messages.map(({ message }) => toHex(message.id)).sort();

describe('a reconciliation of two stores', () => {
  const random = new Random(sha256(new Uint8Array([1])));
  // most of them long ago, some in the newest hours, which have sums of minutes
  const all = Array.from({ length: 3000 }, (_, nonce) => {
    const agoMs = (nonce % 3 === 0 ? 2 : 400) * HOUR * random.unit() ** 2;
    return unsignedMessage(ann, { time: { timeMs: Math.floor(WALL_MS + HOUR / 2 - agoMs) }, nonce });
  });
  const chances = all.map(() => random.unit());
  const have = all.filter((_, i) => (chances[i] as number) < 0.03);
  const need = all.filter((_, i) => (chances[i] as number) > 0.97);
  const mine = all.filter((message) => !need.includes(message));
  const theirs = all.filter((message) => !have.includes(message));

  it.each([2 ** 42, WALL_MS / 60_000, WALL_MS / 60_000 + 7])(
    'finds what differs before minute %i',
    (until) => {
      const isInside = ({ message }: VerifiedMessage): boolean => message.time.timeMs < until * 60_000;
      const [initiator, responder] = [
        fill(openSqlite(), mine),
        fill(createMemoryStore({ network: NETWORK, sha256 }), theirs),
      ];
      const expected = { have: textsOf(have.filter(isInside)), need: textsOf(need.filter(isInside)) };
      expect(reconcile(initiator, responder, until)).toMatchObject(expected);
      const swapped = { have: expected.need, need: expected.have };
      expect(reconcile(responder, initiator, until)).toMatchObject(swapped);
    },
  );
});

describe('an hour with very many messages', () => {
  it('is walked over in steps, with the same sums', () => {
    const count = 2 * SCAN_STEP + 2000;
    const startMs = WALL_MS - 50 * HOUR;
    const store = openSqlite();
    const sum = new Uint8Array(32);
    for (let at = 0; at < count; at += 4096) {
      const messages = Array.from({ length: Math.min(4096, count - at) }, (_, i) =>
        unsignedMessage(ann, { time: { timeMs: startMs + at + i }, nonce: at + i }),
      );
      fill(store, messages);
      for (const { message } of messages) addSum(sum, message.id);
    }
    // a range that leaves out the first one, so that no sum of an hour helps
    const first = store.read({ kind: 'ids', tag, ranges: [{ from: FIRST, until: INFINITY }], limit: 1 });
    const id = (first.kind === 'ids' && first.positions[0]?.[0]?.id) || new Uint8Array(32);
    const range = {
      from: { time: { timeMs: startMs + 1, counter: 0 }, id: new Uint8Array(0) },
      until: INFINITY,
    };
    const total = run(sumsOf(tag, [range]), store);
    const [found = { count: 0, sum: new Uint8Array(32) }] = total.result;
    const whole = new Uint8Array(found.sum);
    addSum(whole, id);
    expect([found.count, total.early, total.walked]).toEqual([count - 1, 2, count - 1]);
    const hour = run(sumsOf(tag, [{ from: FIRST, until: INFINITY }]), store);
    expect([hour.result[0]?.count, hour.walked]).toEqual([count, 0]);
    expect(whole).toEqual(sum);

    const size = 3000;
    const split = run(piecesOf(tag, [{ ...range, size }]), store);
    const [pieces = [] as Piece[]] = split.result;
    expect(split.early).toBe(2);
    expect(pieces.reduce((n, piece) => n + piece.count, 0)).toBe(count - 1);
    expect(pieces.every((piece) => piece.count <= size)).toBe(true);
  });
});
