/**
 * Against another implementation of negentropy, that of nostr-tools. It knows times below 2^31 only, and is an initiator by
 * trade: it answers no list of ids, so as a responder it meets an initiator of ours that sends none.
 */
import { nip77 } from 'nostr-tools';
import { describe, expect, it } from 'vitest';
import { type Bytes, toHex, utf8 } from '../../bytes.ts';
import { fromHex, sha256 } from '../../message/message.fixture.ts';
import { Random } from '../../random.ts';
import { decodeMessage, type Range } from './codec.ts';
import { initiate, type Progress, proceed, respond, type Scope, STYLE, type Style } from './reconcile.ts';
import { EVERYTHING, positionAt, run, VectorStore } from './vector-store.fixture.ts';

/** Like nostr-tools cuts ranges. */
const THEIRS: Style = { ...STYLE, pieces: 16, listBelow: { initiator: 32, responder: 32 } };

interface Item {
  readonly seconds: number;
  readonly id: Bytes;
}

/** @param crowd how many share a time, about */
function makeItems(random: Random, count: number, crowd: number): Item[] {
  return Array.from({ length: count }, (_, i) => ({
    seconds: 1_700_000_000 + random.below(1 + Math.ceil(count / crowd)),
    id: sha256(utf8(`${count} ${i}`)),
  }));
}

function ourStore(items: readonly Item[]): VectorStore {
  return new VectorStore(
    items.map(({ seconds, id }) => positionAt(seconds, id)),
    { pieces: 16 },
  );
}

function theirStore(items: readonly Item[], frameBytes: number): nip77.Negentropy {
  const vector = new nip77.NegentropyStorageVector();
  for (const { seconds, id } of items) vector.insert(seconds, toHex(id));
  vector.seal();
  return new nip77.Negentropy(vector, frameBytes);
}

function ranges(message: Bytes): readonly Range[] {
  const decoded = decodeMessage(message);
  if (!decoded.ok) throw new Error(`${decoded.reason}: ${toHex(message)}`);
  return decoded.ranges;
}

const CASES = [1, 31, 32, 33, 500, 2000].flatMap((count) =>
  [1, 40].flatMap((crowd) => [0, 0.02, 0.4].map((lacks) => ({ count, crowd, lacks }))),
);

function makeSets({ count, crowd, lacks }: (typeof CASES)[number]) {
  const random = new Random(sha256(utf8(`interop ${count} ${crowd} ${lacks}`)));
  const all = makeItems(random, count, crowd);
  const chances = all.map(() => random.unit());
  const [mine, theirs] = [
    all.filter((_, i) => (chances[i] as number) >= lacks),
    all.filter((_, i) => (chances[i] as number) < 1 - lacks),
  ];
  const idsOf = (items: readonly Item[]): string[] => items.map(({ id }) => toHex(id)).sort();
  return {
    mine,
    theirs,
    onlyMine: idsOf(mine.filter((item) => !theirs.includes(item))),
    onlyTheirs: idsOf(theirs.filter((item) => !mine.includes(item))),
  };
}

describe.each([60_000, 4096])('nostr-tools, with messages of up to %i bytes', (bytesMax) => {
  it.each(CASES)('learns from our responder what differs: %o', (one) => {
    const scope: Scope = { sha256, window: EVERYTHING, style: { ...THEIRS, bytesMax } };
    const { mine, theirs, onlyMine, onlyTheirs } = makeSets(one);
    const initiator = theirStore(theirs, bytesMax);
    const found = { have: new Set<string>(), need: new Set<string>() };
    let message: string | null = initiator.initiate();
    for (let rounds = 0; message !== null; rounds++) {
      expect(rounds).toBeLessThan(100);
      const answer: Bytes = run(respond(scope, ranges(fromHex(message))), ourStore(mine));
      message = initiator.reconcile(
        toHex(answer),
        (id) => found.have.add(id),
        (id) => found.need.add(id),
      );
    }
    expect([...found.have].sort()).toEqual(onlyTheirs);
    expect([...found.need].sort()).toEqual(onlyMine);
  });
});

describe('our initiator', () => {
  it.each(CASES)('learns from nostr-tools what differs: %o', (one) => {
    const style = { ...THEIRS, listBelow: { initiator: 0, responder: 32 } };
    const scope: Scope = { sha256, window: EVERYTHING, style };
    const { mine, theirs, onlyMine, onlyTheirs } = makeSets(one);
    const responder = theirStore(theirs, 60_000);
    const found = { have: [] as string[], need: [] as string[] };
    let message: Bytes | undefined = run(initiate(scope), ourStore(mine));
    for (let rounds = 0; message; rounds++) {
      expect(rounds).toBeLessThan(100);
      const answer: string | null = responder.reconcile(toHex(message));
      const progress: Progress = run(proceed(scope, ranges(fromHex(answer ?? '61'))), ourStore(mine));
      found.have.push(...progress.have.map(toHex));
      found.need.push(...progress.need.map(toHex));
      message = progress.message;
    }
    expect(found.have.sort()).toEqual(onlyMine);
    expect(found.need.sort()).toEqual(onlyTheirs);
  });

  it.each(CASES)('writes the same bytes as nostr-tools, and so does our responder: %o', (one) => {
    const scope: Scope = { sha256, window: EVERYTHING, style: THEIRS };
    const { mine, theirs } = makeSets(one);
    const first = run(initiate(scope), ourStore(mine));
    expect(toHex(first)).toBe(theirStore(mine, 60_000).initiate());
    if (ranges(first).some(({ mode }) => mode === 'idList')) return;
    const answer = run(respond(scope, ranges(first)), ourStore(theirs));
    expect(toHex(answer)).toBe(theirStore(theirs, 60_000).reconcile(toHex(first)) ?? '61');
    const { message } = run(proceed(scope, ranges(answer)), ourStore(mine));
    expect(message && toHex(message)).toBe(theirStore(mine, 60_000).reconcile(toHex(answer)) ?? undefined);
  });
});
