/**
 * `npm run bench:attack [-- --only KIND,KIND] [--seed N] [--rounds 3]`: what malicious peers cost honest ones. Twenty
 * peers in the simulator, four of them malicious, all of one kind, or one each of four kinds; and the same mesh where the
 * four behave. All that the honest relays and two leaves are given is given again to fresh cores (`replay.ts`), whose
 * processor time and heap are then their own. A signature counts with {@link SIGNATURE_US} for each that has to be checked.
 */
import { parseArgs } from 'node:util';
import { measureHeap } from '../../src/core/heap.fixture.ts';
import { Peer } from '../../src/core/peer.ts';
import { MALICE_KINDS, type MaliceKind } from '../../src/sim/malice/index.ts';
import { startTalk } from '../../src/sim/traffic.ts';
import { World } from '../../src/sim/world.ts';
import { RecordedPeer, Recording } from './replay.ts';
import { median, short, table } from './statistics.ts';

/** us, on the machine of `docs/performance.md` */
const SIGNATURE_US = 42;
const CHANNELS = ['lobby', 'dev', 'ops', 'music', 'garden'] as const;
const [RELAYS, LEAVES, MALICIOUS] = [4, 12, 4] as const;
const FORM_MS = 10_000;
const ATTACK_MS = 180_000;
/** Honest peers that are written down: the relays, which malicious peers link with, and some leaves. */
const SAMPLED = ['r1', 'r2', 'r3', 'r4', 'p1', 'p2'].map((name) => `sim ${name}`);
/** from one message to the next, over all honest peers, at most: eight in a second */
const EVERY_MS = 250;

interface Cost {
  /** us of a second, signatures included, of an average and of the worst honest peer */
  readonly cpu: number;
  readonly cpuMost: number;
  /** heap and buffers, bytes */
  readonly memory: number;
  readonly memoryMost: number;
}

class Attack {
  readonly name: string;
  readonly #recordings: Recording[] = [];
  /** by recording, then by round, us */
  readonly #rounds: number[][] = [];

  /** @param kinds of the malicious peers; none where they behave */
  constructor(name: string, seed: number, kinds: readonly MaliceKind[]) {
    this.name = name;
    const world = new World({
      scenario: 'attack',
      seed,
      checkers: () => [],
      createCore: (config) => {
        if (!SAMPLED.includes(config.agent)) return new Peer(config);
        const recording = new Recording(config);
        this.#recordings.push(recording);
        this.#rounds.push([]);
        return new RecordedPeer(config, recording);
      },
    });
    play(world, kinds, () => {
      for (const recording of this.#recordings) recording.endSpan();
    });
    for (const recording of this.#recordings) recording.settle();
  }

  replay(isCounted: boolean): void {
    for (const [i, recording] of this.#recordings.entries()) {
      const [, took = 0] = recording.replay();
      if (isCounted) this.#rounds[i]?.push(took);
    }
  }

  cost(): Cost {
    const seconds = ATTACK_MS / 1000;
    const cpus = this.#recordings.map((recording, i) => {
      return (median(this.#rounds[i] as number[]) + SIGNATURE_US * recording.messages(1)) / seconds;
    });
    const memories = this.#recordings.map(memoryOf);
    return {
      cpu: mean(cpus),
      cpuMost: Math.max(...cpus),
      memory: mean(memories),
      memoryMost: Math.max(...memories),
    };
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function memoryOf(recording: Recording): number {
  const before = measureHeap();
  const core = recording.remember();
  const after = measureHeap();
  // Whoever is asked something is still there.
  core.footprint();
  return after.heap - before.heap + after.buffers - before.buffers;
}

function names(letter: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${letter}${i + 1}`);
}

function play(world: World, kinds: readonly MaliceKind[], endSpan: () => void): void {
  const random = world.random('attack');
  const [relays, leaves, malicious] = [names('r', RELAYS), names('p', LEAVES), names('m', MALICIOUS)];
  const interests = new Map<string, readonly string[]>();
  for (const name of [...relays, ...leaves]) {
    const homes = relays.filter((other) => other !== name).slice(0, 3);
    const joined = random.shuffle(CHANNELS).slice(0, 3);
    interests.set(name, joined);
    world.add(name, { fixed: homes, bootstrap: malicious, joined, isReachable: relays.includes(name) });
  }
  for (const [i, name] of malicious.entries()) {
    const malice = kinds[i % kinds.length];
    world.add(name, { fixed: relays, joined: [...CHANNELS], ...(malice ? { malice } : {}) });
  }
  for (const { name } of world.hosts()) world.start(name);
  world.run(FORM_MS);
  endSpan();
  const honest = [...relays, ...leaves];
  startTalk(world, random, {
    ...{
      channels: CHANNELS,
      interests,
      durationMs: ATTACK_MS,
      everyMs: EVERY_MS,
      names: honest,
      strayShare: 0,
    },
  });
  world.run(ATTACK_MS);
  endSpan();
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: [...MALICE_KINDS, 'four kinds'].join() },
    seed: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '3' },
  },
});
const seed = Number(values.seed);
const fourKinds = Array.from({ length: MALICIOUS }, (_, i) => {
  return MALICE_KINDS[(seed * MALICIOUS + i) % MALICE_KINDS.length] as MaliceKind;
});
const attacks = [
  new Attack('nobody', seed, []),
  ...values.only.split(',').map((name) => {
    const kinds = MALICE_KINDS.filter((kind) => kind === name);
    if (kinds.length === 0 && name !== 'four kinds')
      throw new Error(`--only ${name}: ${MALICE_KINDS.join()}`);
    return new Attack(name, seed, kinds.length > 0 ? kinds : fourKinds);
  }),
];
for (const attack of attacks) attack.replay(false);
for (let round = 0; round < Number(values.rounds); round++) for (const attack of attacks) attack.replay(true);
const costs = attacks.map((attack) => attack.cost());
const base = costs[0] as Cost;
const keys = ['cpu', 'cpuMost', 'memory', 'memoryMost'] as const;
console.log(
  table(
    ['malicious', 'µs a second', 'ratio', 'of the worst', 'ratio', 'kB', 'ratio', 'of the worst', 'ratio'],
    costs.map((cost, i) => [
      attacks[i]?.name ?? '',
      ...keys.flatMap((key) => {
        const unit = key.startsWith('memory') ? 1000 : 1;
        return [short(cost[key] / unit), short(cost[key] / base[key])];
      }),
    ]),
  ),
);
