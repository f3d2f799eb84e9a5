/** A message names one before it that is not here: who is asked for it, how often, and when nobody is. */
import { describe, expect, it } from 'vitest';
import { type BenchStore, createBlankStore } from '../blank-store.fixture.ts';
import { toBase64url } from '../bytes.ts';
import type { Context } from '../context.ts';
import { HOUR, LIMITS, SECOND } from '../limits.ts';
import { idOf } from '../membership/records.fixture.ts';
import type { Message } from '../message/message.ts';
import { type Bench, EPOCH_MS, tagOf } from '../peer.fixture.ts';
import type { PersistResult } from '../persistence.ts';
import type { Remote } from '../remote.fixture.ts';
import { FarSet } from '../sync/far-set.fixture.ts';
import { Gaps, type GapsParts } from './gaps.ts';
import { createMesh, push, type SmallMesh, stored } from './mesh.fixture.ts';

/** Remembers ids, and says which message names one that it does not know. */
function createChainStore(equivocates = false): BenchStore {
  const ids = new Set<string>();
  const blank = createBlankStore();
  return {
    transact: (effects) =>
      blank.transact(effects).map((results, i) =>
        results.map((result, j): PersistResult => {
          const op = effects[i]?.[j];
          if (op?.kind !== 'message' || result.kind !== 'message') return result;
          const { idText, prev } = op.message.message;
          if (ids.has(idText)) return { ...result, inserted: false };
          ids.add(idText);
          const isGap = prev.length > 0 && !ids.has(toBase64url(prev));
          return { ...result, ...(isGap && { isGap }), ...(equivocates && { equivocates }) };
        }),
      ),
    read: (query) =>
      query.kind === 'has'
        ? { kind: 'has', holdings: query.ids.map((id) => (ids.has(toBase64url(id)) ? 'held' : 'unknown')) }
        : blank.read(query),
  };
}

function createSubject(options: { equivocates?: boolean; both?: boolean } = {}): SmallMesh {
  return createMesh({
    store: createChainStore(options.equivocates),
    state: { joined: ['dev'] },
    both: options.both ?? false,
  });
}

/** Each names the one before it. */
function chain(bench: Bench, length: number): Message[] {
  const messages: Message[] = [];
  for (let i = 0; i < length; i++) {
    const prev = messages.at(-1)?.id;
    messages.push(bench.message(`${i}`, prev ? { prev } : {}));
  }
  return messages;
}

function asked(remote: Remote): string[] {
  return remote.got('fetch').flatMap(({ ids }) => ids.map(toBase64url));
}

/** A gap has its wait, and the second after it. */
const WAIT_MS = LIMITS.gapWaitMs + SECOND;

describe('a message that names one that is not here', () => {
  it('is stored at once, and the one before is asked for where it came from', () => {
    const { bench, a, far } = createSubject();
    const [one, two] = chain(bench, 2) as [Message, Message];
    push(a, [two], { root: idOf(far) });
    bench.run(100);
    expect([stored(bench), asked(a)]).toEqual([['1'], []]);
    bench.run(WAIT_MS);
    expect(asked(a)).toEqual([one.idText]);
    a.send({ type: 'fetched', messages: [one], notHeld: [] });
    bench.run(60 * SECOND);
    expect(stored(bench)).toEqual(['1', '0']);
    expect(asked(a)).toEqual([one.idText]);
    expect(bench.peer.footprint().gaps?.size).toBe(0);
  });

  it('asks for nothing that comes by itself meanwhile', () => {
    const { bench, a, b, far } = createSubject();
    const [one, two] = chain(bench, 2) as [Message, Message];
    push(a, [two], { root: idOf(far) });
    bench.run(LIMITS.gapWaitMs / 2);
    push(a, [one], { root: idOf(far) });
    bench.run(60 * SECOND);
    expect([asked(a), asked(b)]).toEqual([[], []]);
  });

  it('asks others where the first does not hold it, a few times, and then leaves it to catch-up', () => {
    const { bench, a, b, far } = createSubject({ both: true });
    const [one, two] = chain(bench, 2) as [Message, Message];
    for (const remote of [a, b]) new FarSet(remote, []).tell();
    push(a, [two], { root: idOf(far) });
    const counts = new Map([a, b].map((remote) => [remote, 0]));
    for (let i = 0; i < 120; i++) {
      bench.run(SECOND);
      for (const remote of [a, b]) {
        for (const { ids } of remote.got('fetch')) {
          expect(ids).toEqual([one.id]);
          counts.set(remote, (counts.get(remote) ?? 0) + 1);
          remote.send({ type: 'fetched', messages: [], notHeld: ids });
        }
        remote.clear();
      }
    }
    expect([...counts.values()]).toEqual([LIMITS.gapTriesMax, LIMITS.gapTriesMax]);
    expect(bench.reports('offence')).toEqual([]);
    expect(bench.peer.footprint().gaps?.size).toBe(0);
  });

  it('leads back a bounded number of messages', () => {
    const { bench, a, far } = createSubject();
    const messages = chain(bench, LIMITS.gapDepthMax + 4);
    push(a, messages.slice(-1), { root: idOf(far) });
    for (let i = 0; i < 2 * messages.length; i++) {
      bench.run(WAIT_MS);
      for (const { ids } of a.got('fetch')) {
        const texts = ids.map(toBase64url);
        const answers = messages.filter(({ idText }) => texts.includes(idText));
        a.clear();
        a.send({ type: 'fetched', messages: answers, notHeld: [] });
      }
    }
    expect(stored(bench)).toHaveLength(1 + LIMITS.gapDepthMax);
  });

  it('is not looked at where catch-up brought it', () => {
    const { bench, b } = createSubject();
    const [, two] = chain(bench, 2) as [Message, Message];
    const set = new FarSet(b, [], { floorHour: Math.floor(EPOCH_MS / HOUR) - 20 });
    set.tell();
    set.ask(1);
    bench.run(SECOND);
    b.send({ type: 'offer', tag: set.tag, ids: [two.id] });
    bench.run(SECOND);
    expect(asked(b)).toEqual([two.idText]);
    b.send({ type: 'fetched', messages: [two], notHeld: [] });
    bench.run(60 * SECOND);
    expect(stored(bench)).toEqual(['1']);
    expect(asked(b)).toEqual([two.idText]);
  });

  it('remembers a bounded number of them', () => {
    const { bench } = createSubject();
    const gaps = new Gaps({ now: bench.now } as Context, {} as GapsParts);
    for (let i = 0; i < LIMITS.gapsMax + 10; i++) {
      const prev = new Uint8Array(32).fill(i >> 8, 0, 1).fill(i, 1, 2);
      gaps.found({ prev, idText: `${i}` }, tagOf('dev'), []);
    }
    expect(gaps.size).toBe(LIMITS.gapsMax);
  });
});

describe('an author with two messages after the same one', () => {
  it('is reported', () => {
    const { bench, a, far } = createSubject({ equivocates: true });
    const message = bench.message('other');
    push(a, [message], { root: idOf(far) });
    bench.run(100);
    expect(bench.reports('an author has signed two messages in one place')).toMatchObject([
      { level: 'warn', data: { author: toBase64url(message.author), channel: 'dev' } },
    ]);
  });

  it('is an alarm where it is an identity of this peer', () => {
    const { bench, a, far } = createSubject({ equivocates: true });
    push(a, [bench.message('mine', {}, bench.identity)], { root: idOf(far) });
    bench.run(100);
    expect(bench.reports('an identity of this peer is used elsewhere')).toMatchObject([{ level: 'error' }]);
  });
});
