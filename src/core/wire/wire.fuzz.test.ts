/**
 * Damaged frames and handshakes, a million of each. A decoder answers with a value or a code, never with an exception, and
 * a frame that it accepts has exactly one spelling.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equal, toHex, utf8 } from '../bytes.ts';
import { isErrorCode } from '../errors.ts';
import { fuzz, fuzzRounds } from '../fuzz.fixture.ts';
import { openclaw, readVectors, signedMessage } from '../message/message.fixture.ts';
import { Random } from '../random.ts';
import { damaged, damagedText, pick } from './damage.fixture.ts';
import type { Frame } from './frame.ts';
import { anyFrame, FRAME_TYPES } from './frames.fixture.ts';
import { decodeFrame, encodeFrame } from './frames.ts';
import { goodHandshake, hostileTexts } from './handshake.fixture.ts';
import { parseHandshake } from './handshake.ts';
import {
  encodeMesh1Message,
  encodeSyncRequest,
  encodeSyncResponse,
  mesh1Fields,
  parseMesh1,
} from './mesh1.ts';

const SEED = utf8('fuzz frames and handshakes, seed 1');
const ROUNDS = fuzzRounds(1_000_000);

/** A few frames of each type, small enough that damage hits what matters. */
const originals: readonly Uint8Array[] = FRAME_TYPES.flatMap((type) =>
  fc.sample(anyFrame[type] as fc.Arbitrary<Frame>, { numRuns: 6, seed: 1 }).map(encodeFrame),
).filter((bytes) => bytes.length < 2000);

function decoded(round: number, bytes: Uint8Array): Frame | undefined {
  try {
    return decodeFrame(openclaw, bytes);
  } catch (error) {
    throw new Error(`round ${round} threw for ${toHex(bytes)}`, { cause: error });
  }
}

describe('the frame decoder', () => {
  it('throws nothing for any damaged frame and accepts only what it would write itself', () => {
    const random = new Random(SEED);
    const accepted = new Map<string, number>();
    fuzz(ROUNDS, (round) => {
      const bytes = damaged(random, originals, () => 1 + random.below(4));
      const frame = decoded(round, bytes);
      if (frame === undefined) return;
      accepted.set(frame.type, (accepted.get(frame.type) ?? 0) + 1);
      if (!equal(encodeFrame(frame), bytes))
        throw new Error(`round ${round}: two spellings, ${toHex(bytes)}`);
    });
    // every decoder was reached, and damage is mostly noticed
    expect([...accepted.keys()].sort()).toEqual([...FRAME_TYPES].sort());
    expect([...accepted.values()].reduce((a, b) => a + b)).toBeLessThan(ROUNDS / 2);
  });

  it('throws nothing for noise behind each number', () => {
    const random = new Random(SEED);
    for (let round = 0; round < 50_000; round++) {
      const noise = Uint8Array.from({ length: random.below(64) + 2 }, () => random.below(256));
      noise[0] = 0x80 | (1 + random.below(7));
      // 24 begins a number of two bytes
      noise[1] = random.below(25);
      const frame = decoded(round, noise);
      if (frame !== undefined) expect(equal(encodeFrame(frame), noise)).toBe(true);
    }
  });
});

describe('the handshake parser', () => {
  it('answers each damaged text with a handshake or a code', () => {
    const random = new Random(SEED);
    const originalTexts = [
      JSON.stringify(goodHandshake()),
      ...hostileTexts.map(([, text]) => text).filter((text) => text.length < 1000),
    ];
    const outcomes = new Set<string>();
    fuzz(ROUNDS, (round) => {
      let text = round % 2 === 0 ? (originalTexts[0] as string) : pick(random, originalTexts);
      for (let k = random.below(3); k >= 0; k--)
        text = damagedText(random, text, pick(random, originalTexts));
      let result: ReturnType<typeof parseHandshake>;
      try {
        result = parseHandshake(text);
      } catch (error) {
        throw new Error(`round ${round} threw for ${JSON.stringify(text)}`, { cause: error });
      }
      outcomes.add(result.ok ? 'ok' : result.code);
      if (!result.ok && !isErrorCode(result.code)) throw new Error(`no code: ${result.code}`);
    });
    expect([...outcomes].sort()).toEqual(['invalid_message', 'ok', 'unauthorized', 'unsupported_version']);
  });
});

describe('the parser of mesh/1', () => {
  const fields = mesh1Fields(signedMessage({ payload: utf8('{"a":[1,{"b":2}]}') })) as string;
  const originals: readonly string[] = [
    ...readVectors<{ vectors: { frame: string }[] }>('mesh1.json').vectors.map(({ frame }) => frame),
    encodeMesh1Message(fields),
    encodeSyncResponse('lobby', [fields, fields]),
    encodeSyncRequest('lobby', '', 20),
    '{"type":"subscribe","channel_id":"lobby"}',
    '{"type":"error","code":"unauthorized","message":"no"}',
  ];

  it('answers each damaged text with a frame or nothing, never with an exception', () => {
    const random = new Random(SEED);
    const outcomes = new Set<string>();
    fuzz(ROUNDS, (round) => {
      let text = pick(random, originals);
      for (let k = random.below(3); k >= 0; k--) text = damagedText(random, text, pick(random, originals));
      try {
        outcomes.add(parseMesh1(text)?.type ?? 'none');
      } catch (error) {
        throw new Error(`round ${round} threw for ${JSON.stringify(text)}`, { cause: error });
      }
    });
    const types = ['error', 'ignored', 'message', 'none', 'subscribe', 'sync_request', 'sync_response'];
    expect([...outcomes].sort()).toEqual(types);
  });
});
