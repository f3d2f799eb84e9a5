/**
 * A million damaged messages of a reconciliation. The decoder answers with a value, never with an exception, and what it
 * accepts has exactly one spelling; a responder answers it with a message that is no longer than it may be.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equal, toHex, utf8 } from '../../bytes.ts';
import { fuzz, fuzzRounds } from '../../fuzz.fixture.ts';
import { LIMITS } from '../../limits.ts';
import { sha256 } from '../../message/message.fixture.ts';
import { Random } from '../../random.ts';
import { damaged } from '../../wire/damage.fixture.ts';
import { type Decoded, decodeMessage, MessageWriter, type Range } from './codec.ts';
import { anyRanges } from './ranges.fixture.ts';
import { initiate, proceed, respond, STYLE } from './reconcile.ts';
import { EVERYTHING, run, VectorStore } from './vector-store.fixture.ts';

const SEED = utf8('fuzz negentropy, seed 1');
const ROUNDS = fuzzRounds(1_000_000);
/** Of those that are accepted every so many is answered: an answer takes a hundred times as long. */
const ANSWER_EVERY = 50;

function encode(ranges: readonly Range[]): Uint8Array {
  const writer = new MessageWriter(LIMITS.reconcileBytesMax);
  for (const range of ranges) writer.write(range);
  return writer.finish();
}

const items = Array.from({ length: 200 }, (_, i) => ({
  time: { timeMs: 1_780_000_000_000 + (i >> 2), counter: i % 2 },
  id: sha256(utf8(`item ${i}`)),
}));
const scope = { sha256, window: EVERYTHING, style: STYLE };
const store = new VectorStore(items, { pieces: STYLE.pieces });

const originals: readonly Uint8Array[] = [
  ...fc.sample(anyRanges, { numRuns: 60, seed: 1 }).map(encode),
  run(initiate(scope), store),
  run(initiate(scope), new VectorStore(items.slice(0, 20), { pieces: STYLE.pieces })),
].filter((bytes) => bytes.length < 2000);

function decoded(round: number, bytes: Uint8Array): Decoded {
  try {
    return decodeMessage(bytes);
  } catch (error) {
    throw new Error(`round ${round} threw for ${toHex(bytes)}`, { cause: error });
  }
}

describe('the decoder of reconciliation messages', () => {
  it('throws nothing for any damaged message and accepts only what it would write itself', () => {
    const random = new Random(SEED);
    const outcomes = new Map<string, number>();
    const damage = () => 1 + random.below(4);
    fuzz(ROUNDS, (round) => {
      const bytes = damaged(random, originals, damage);
      const result = decoded(round, bytes);
      const outcome = result.ok ? 'ok' : result.reason;
      const times = (outcomes.get(outcome) ?? 0) + 1;
      outcomes.set(outcome, times);
      if (!result.ok) return;
      if (!equal(encode(result.ranges), bytes))
        throw new Error(`round ${round}: two spellings, ${toHex(bytes)}`);
      if (times % ANSWER_EVERY !== 0) return;
      const answer = run(respond(scope, result.ranges), store);
      if (!decodeMessage(answer).ok) throw new Error(`round ${round}: a bad answer to ${toHex(bytes)}`);
      run(proceed(scope, result.ranges), store);
    });
    expect([...outcomes.keys()].sort()).toEqual([
      ...['bound', 'mode', 'number', 'ok', 'order', 'truncated', 'version'],
    ]);
  });
});
