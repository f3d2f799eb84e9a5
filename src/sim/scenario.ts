/** What a scenario is: a story about a simulated mesh that throws where it does not go as it must. */
import type { Host } from './host.ts';
import type { World } from './world.ts';

export interface Scenario {
  readonly name: string;
  /** one sentence for `--help` */
  readonly about: string;
  /** how many peers it has if nobody says; a function of the seed where that varies */
  readonly peers: number | ((seed: number) => number);
  /** the heap that it takes where that is more than Node gives by itself */
  readonly heapMiB?: number;
  /** what of `World.counts` has to happen in some seed of a few dozen, or they show less than they say */
  readonly parts?: readonly string[];
  run(world: World, options: { readonly peers: number }): void;
}

/** Fails the simulation in the name of the scenario. @param about names that the last events should speak of */
export function demand(
  world: World,
  holds: boolean,
  detail: string,
  about: readonly string[] = [],
): asserts holds {
  if (!holds) throw world.failure('scenario', detail, about);
}

/** Publishes `count` messages one after another. */
export function publishMany(
  world: World,
  from: { name: string; channel: string; count: number; everyMs: number },
): void {
  for (let i = 1; i <= from.count; i++) {
    world.publish(from.name, from.channel, `${from.name} ${i} in ${from.channel}`);
    world.run(from.everyMs);
  }
}

/** Links that both ends believe in. */
export function countLinks(world: World, a: Host, b: Host): number {
  const wires = world.network.dialler.wires();
  return wires.filter((wire) => wire.dialler.isOpen && wire.responder.isOpen && wire.connects(a, b)).length;
}

/** Own messages of a host that nobody has confirmed as stored. */
export function outboxLength(host: Host): number {
  const answer = host.store.read({ kind: 'outbox', afterArrival: 0, limit: 100_000 });
  return answer.kind === 'outbox' ? answer.rows.length : 0;
}

/** Waits until every own message of a running host has a keeper; fails if that does not come in time.
 * @param names of those that have to, everybody who runs without it */
export function demandEmptyOutboxes(world: World, maxMs: number, names?: readonly string[]): void {
  const waiting = () => world.up(names).filter((host) => outboxLength(host) > 0);
  world.runUntil(() => waiting().length === 0, maxMs);
  const left = waiting().map(({ name }) => name);
  demand(world, left.length === 0, `own messages without a keeper at ${left.join(', ')}`, left);
}
