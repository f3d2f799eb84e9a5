/** How much content of whom is taken, seen at a peer that joined a channel. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_RATES, NO_RATES } from '../defaults.ts';
import { LIMITS } from '../limits.ts';
import { authorOf } from '../message/message.fixture.ts';
import { Bench, type BenchOptions } from '../peer.fixture.ts';
import type { Remote } from '../remote.fixture.ts';

const RATES = { ...DEFAULT_RATES, leafPerSecond: 0, relayPerSecond: 0 };

function joinedBench(options: BenchOptions = {}): { bench: Bench; home: Remote } {
  const bench = new Bench({ config: { rates: RATES }, ...options, state: { joined: ['dev'] } });
  const home = bench.connect('home', { role: 'responder', relay: true });
  return { bench, home };
}

/** Messages of one author. */
function by(bench: Bench, author: string, count: number, first = 0) {
  return Array.from({ length: count }, (_, i) =>
    bench.message(`${author} ${first + i}`, {}, authorOf(author)),
  );
}

const push = (home: Remote, messages: ReturnType<typeof by>): void => {
  for (let at = 0; at < messages.length; at += 200)
    home.send({ type: 'push', root: '', keep: false, messages: messages.slice(at, at + 200) });
};

describe('content of an unknown author', () => {
  it('passes at once up to his burst, then he uses what is common to all, then it is put off', () => {
    const { bench, home } = joinedBench();
    push(home, by(bench, 'loud', 3000));
    const taken = LIMITS.authorBurst + LIMITS.commonBurst;
    expect(bench.ops('message')).toHaveLength(taken);
    expect(bench.ops('put-off')).toHaveLength(3000 - taken);
    expect(home.closed).toBeUndefined();
    expect(home.got('error')).toEqual([]);
  });

  it('of a quiet author passes while loud ones have used up what is common', () => {
    const { bench, home } = joinedBench();
    push(home, by(bench, 'loud', 3000));
    push(home, by(bench, 'quiet', 50));
    expect(
      bench
        .ops('message')
        .slice(-50)
        .map(({ message }) => message.message.body),
    ).toEqual(by(bench, 'quiet', 50).map(({ body }) => body));
  });

  it('passes again at the rate of his bucket', () => {
    const { bench, home } = joinedBench({ config: { rates: { ...RATES, commonPerSecond: 1 } } });
    push(home, by(bench, 'loud', LIMITS.authorBurst + LIMITS.commonBurst + 1));
    const before = bench.ops('message').length;
    bench.run(4000);
    push(home, by(bench, 'loud', 100, 5000));
    // 4 s at 5 a second of his own, and 4 of what is common
    expect(bench.ops('message').length - before).toBeGreaterThanOrEqual(24);
    expect(bench.ops('message').length - before).toBeLessThanOrEqual(25);
  });

  it('always passes where the rates are off, and that of local identities in any case', () => {
    const free = joinedBench({ config: { rates: NO_RATES } });
    push(free.home, by(free.bench, 'loud', 3000));
    expect(free.bench.ops('put-off')).toEqual([]);
    const { bench, home } = joinedBench();
    push(home, by(bench, 'subject identity', 3000));
    expect(bench.ops('put-off')).toEqual([]);
  });

  it('that is put off is neither passed on nor confirmed', () => {
    const { bench } = joinedBench({
      config: { rates: { ...RATES, authorPerSecond: 1, commonPerSecond: 1 } },
    });
    const leaf = bench.connect('leaf', { live: true });
    const messages = by(bench, 'loud', LIMITS.authorBurst + LIMITS.commonBurst + 10);
    for (let at = 0; at < messages.length; at += 200)
      leaf.send({ type: 'push', root: '', keep: true, messages: messages.slice(at, at + 200) });
    bench.run(0);
    const confirmed = leaf.got('stored').flatMap(({ ids }) => ids);
    expect(confirmed).toHaveLength(LIMITS.authorBurst + LIMITS.commonBurst);
  });
});
