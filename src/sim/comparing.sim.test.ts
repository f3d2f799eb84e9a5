/** What it costs on a link to find what is missing: the bytes that the issue of catch-up allows, and are published. */
import { beforeAll, describe, expect, it } from 'vitest';
import { toBase64url } from '../core/bytes.ts';
import { channelTag } from '../core/channel/channel.ts';
import { NO_RATES } from '../core/defaults.ts';
import { MINUTE } from '../core/limits.ts';
import type { VerifiedMessage } from '../core/message/verified.ts';
import { Random } from '../core/random.ts';
import type { Frame } from '../core/wire/frame.ts';
import { decodeFrame } from '../core/wire/frames.ts';
import { sha256 } from '../crypto/hash.ts';
import type { Store } from '../store/store.ts';
import type { Host } from './host.ts';
import { derive } from './keys.ts';
import { SIM_NETWORK } from './network.ts';
import { createCore } from './testing/seeds.ts';
import { World } from './world.ts';

const COUNT = 10_000;
const CHANNEL = 'log';
/** ten thousand messages are made first */
const PATIENCE_MS = 300_000;
const COMPARING: readonly Frame['type'][] = ['sums', 'reconcile', 'reconciled', 'offer'];

let world: World;
let all: readonly VerifiedMessage[];
/** bytes on links by the type of their frames */
const bytes = new Map<Frame['type'], number>();

function stored(host: Host): VerifiedMessage[] {
  return host.store.readPage({ channel: CHANNEL, limit: 2 * COUNT, wallMs: 0 }).map(({ message }) => message);
}

beforeAll(() => {
  world = new World({ scenario: 'comparing', seed: 1, createCore, checkers: () => [] });
  world.add('A', { rates: NO_RATES, joined: [CHANNEL] });
  world.start('A');
  world.run(5000);
  for (let i = 0; i < COUNT; i++) {
    world.publish('A', CHANNEL, `${i}`);
    if (i % 10 === 9) world.run(MINUTE);
  }
  world.run(3 * MINUTE);
  all = stored(world.host('A'));
  world.network.observers.push({
    effect: (_host, effect) => {
      if (effect.kind !== 'send' || effect.frame.length === 0) return;
      const frame = decodeFrame(world.network.messages, effect.frame);
      if (!frame) return;
      bytes.set(frame.type, (bytes.get(frame.type) ?? 0) + effect.frame.length * effect.links.length);
    },
  });
}, PATIENCE_MS);

/** A peer that has all but these links with A. @returns bytes until it has all: to find them, and to ask for them */
function join(name: string, isMissing: (index: number) => boolean): { find: number; ask: number } {
  const fill = (store: Store): Store => {
    const had = all.filter((_, i) => !isMissing(i));
    const tag = toBase64url(channelTag(sha256, SIM_NETWORK, CHANNEL));
    for (let i = 0; i < had.length; i += 256)
      store.transact([had.slice(i, i + 256).map((message) => ({ kind: 'message', message, tag }))]);
    return store;
  };
  world.add(name, { rates: NO_RATES, joined: [CHANNEL], fixed: ['A'], isReachable: false, wrapStore: fill });
  bytes.clear();
  world.start(name);
  world.run(45_000);
  expect(stored(world.host(name)).length).toBe(COUNT);
  world.crash(name, 'killed');
  world.run(MINUTE);
  const find = COMPARING.reduce((sum, type) => sum + (bytes.get(type) ?? 0), 0);
  return { find, ask: bytes.get('fetch') ?? 0 };
}

/** Positions of so many, anywhere. */
function scattered(count: number): ReadonlySet<number> {
  const random = new Random(derive(count, 'scattered'));
  const found = new Set<number>();
  while (found.size < count) found.add(random.below(COUNT));
  return found;
}

describe('a peer that lacks some of ten thousand messages', () => {
  it.each([
    [0, 1000],
    [10, 11_000],
    [100, 74_000],
    [1000, 510_000],
  ])('finds %d scattered ones for at most %d bytes', (count, most) => {
    const missing = scattered(count);
    const { find, ask } = join(`lacks ${count}`, (index) => missing.has(index));
    expect(find).toBeLessThanOrEqual(most);
    // An id is 32 bytes, and asked for once.
    expect(ask).toBeLessThanOrEqual(36 * count);
  });

  it('finds the newest thousand for at most 40 bytes each', () => {
    const { find, ask } = join('lacks the newest', (index) => index >= COUNT - 1000);
    expect(find).toBeLessThanOrEqual(40 * 1000);
    expect(ask).toBeLessThanOrEqual(36 * 1000);
  });
});
