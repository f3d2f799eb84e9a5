/** A million damaged records: an answer for each, and one spelling for what is accepted. */
import { expect, it } from 'vitest';
import { equal, toBase64url, toHex, utf8 } from '../bytes.ts';
import { fuzz, fuzzRounds } from '../fuzz.fixture.ts';
import { authorOf } from '../message/message.fixture.ts';
import { Random } from '../random.ts';
import { damaged } from '../wire/damage.fixture.ts';
import { deltaRecord, filterRecord, idOf, interestRecord, peerRecord } from './records.fixture.ts';
import { decodeRecord, encodeRecord } from './records.ts';

const ROUNDS = fuzzRounds(1_000_000);
const [ann, bob] = [authorOf('ann'), authorOf('bob')];
const tag = (n: number): string => toBase64url(new Uint8Array(8).fill(n));
const originals = [
  peerRecord(ann, { sequence: 1 }),
  peerRecord(ann, { sequence: 2 ** 40, urls: ['wss://a.example/', 'ws://b.example:1/'], links: [idOf(bob)] }),
  interestRecord(bob, 7, []),
  interestRecord(bob, 8, [tag(1), tag(2), tag(3)]),
  filterRecord(bob, 9, [tag(1), tag(2), tag(3)]),
  deltaRecord(bob, [8, 9], { added: [tag(4)], removed: [tag(1), tag(2)] }),
].map(({ bytes }) => bytes);

it('the decoder of records throws nothing and accepts only what it would write itself', () => {
  const random = new Random(utf8('fuzz records, seed 1'));
  const accepted = { 1: 0, 2: 0, 3: 0 };
  fuzz(ROUNDS, (n) => {
    const bytes = damaged(random, originals, () => 1 + random.below(3));
    const content = decodeRecord(bytes);
    if (content === undefined) return;
    accepted[content.kind] += 1;
    if (!equal(encodeRecord(content), bytes)) throw new Error(`round ${n}: two spellings, ${toHex(bytes)}`);
  });
  expect(Math.min(...Object.values(accepted))).toBeGreaterThan(1000);
  expect(accepted[1] + accepted[2] + accepted[3]).toBeLessThan(ROUNDS / 2);
});
