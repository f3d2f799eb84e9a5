/** A small honest mesh with one malicious peer in it, for tests of what each malice does and what comes of it. */
import type { Hand } from '../malice/hand.ts';
import type { MaliceKind } from '../malice/index.ts';
import type { Malice } from '../malice/malice.ts';
import { type Verdict, Verdicts } from '../malice/verdicts.ts';
import type { Observer } from '../observer.ts';
import type { PeerOptions } from '../peer-options.ts';
import { World, type WorldOptions } from '../world.ts';
import { createCore } from './seeds.ts';

export interface Bad {
  readonly world: World;
  /** what M did and what others hold against it */
  verdict(): Verdict;
  /** messages shown at honest peers other than their author's: how long they took, ms */
  readonly delays: number[];
}

export interface BadOptions {
  readonly kind: MaliceKind;
  readonly create?: (hand: Hand) => Malice;
  /** of M */
  readonly bad?: PeerOptions;
  /** of each honest peer, by its name or for all */
  readonly honest?: PeerOptions;
  readonly peers?: Readonly<Record<string, PeerOptions>>;
  readonly world?: Partial<WorldOptions>;
  /** who may reach whom, everybody everybody without it */
  readonly pairs?: readonly (readonly [string, string])[];
}

/** R1 and R2 are relays that name each other; A and B hang on one each. M names both relays. */
const PEERS: Readonly<Record<string, PeerOptions>> = {
  R1: { fixed: ['R2'] },
  R2: { fixed: ['R1'] },
  A: { fixed: ['R1'], joined: ['dev'] },
  B: { fixed: ['R2'], joined: ['dev'] },
};

export function createBad(options: BadOptions): Bad {
  const { kind, create, bad, honest, peers = PEERS, pairs } = options;
  const world = new World({ scenario: `malice ${kind}`, seed: 3, createCore, ...options.world });
  for (const [name, one] of Object.entries(peers)) world.add(name, { ...honest, ...one });
  const createMalice = create === undefined ? {} : { createMalice: create };
  world.add('M', { fixed: ['R1', 'R2'], joined: ['dev'], malice: kind, ...createMalice, ...bad });
  if (pairs !== undefined) world.restrict(...pairs);
  const verdicts = new Verdicts(() => world.hosts());
  const delays: number[] = [];
  const shown: Observer['shown'] = (host, channel, row) => {
    const publication = world.registry.byId(row.message.message.idText);
    if (channel === '' || !host.isHonest || publication === undefined || publication.host === host) return;
    delays.push(world.nowMs - publication.askedMs);
  };
  world.network.observers.push(verdicts, { shown });
  for (const { name } of world.hosts()) world.start(name);
  world.run(5000);
  return { world, delays, verdict: () => verdicts.list()[0] as Verdict };
}

/** A and B say something once a second. */
export function talk(world: World, seconds: number, body = ''): void {
  for (let i = 0; i < seconds; i++) {
    for (const name of ['A', 'B']) world.publish(name, 'dev', `${i} of ${name} at ${world.nowMs} ${body}`);
    world.run(1000);
  }
}

/** Everything is everywhere in the end, and every checker is content. */
export function finish(world: World, maxMs = 300_000): void {
  world.converge(
    maxMs,
    world.honest().filter(({ isUp }) => isUp),
  );
  world.end();
}
