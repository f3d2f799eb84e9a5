import type { Observer } from '../observer.ts';
import { delayAt } from '../picture/curve.ts';
import { demand, demandEmptyOutboxes, type Scenario } from '../scenario.ts';
import type { World } from '../world.ts';

const RELAYS = ['R1', 'R2', 'R3'] as const;
const LOUD_HOSTS = 4;
const LOUD_IDENTITIES = 5;
const QUIET_HOSTS = 4;
const QUIET_IDENTITIES = 50;
/** Each loud author writes 20 a second where 5 are its own, until its burst and the common one are long used up; a
 *  host with five of them is over the rate of its link too. */
const LOUD_EVERY_MS = 50;
const TALK_MS = 13_000;
/** Quiet authors write this often: less than one in five seconds. */
const QUIET_EVERY_MS = 6000;
/** A tenth of an author's rate for all of them together: what is over it has to wait, once the common burst is used. */
const RATES = { commonPerSecond: 0.5 };
/** Quiet authors may wait this much longer than without the loud ones: a slow commit of each relay on the way. */
const WAIT_MORE_MS = 500;
const IN_THE_END_MS = 600_000;

/** How long messages of quiet authors took to each other host, from a moment on. */
class QuietDelays implements Observer {
  readonly #world: World;
  #delays: number[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  shown(...[host, channel, row]: Parameters<Required<Observer>['shown']>): void {
    const publication = this.#world.registry.byId(row.message.message.idText);
    if (channel === '' || publication === undefined || publication.host === host) return;
    if (publication.host.name.startsWith('quiet')) this.#delays.push(this.#world.nowMs - publication.askedMs);
  }

  /** @returns the delay of all but one in a hundred since the last call, and of how many */
  take(): { p99Ms: number; count: number } {
    const sorted = this.#delays.toSorted((a, b) => a - b);
    this.#delays = [];
    return { p99Ms: delayAt(sorted, 0.99), count: sorted.length };
  }
}

/** Counts what must not happen: links that end. Offences are the business of a checker. */
class LinkEnds implements Observer {
  readonly ends: string[] = [];

  event(...[host, event]: Parameters<Required<Observer>['event']>): void {
    if (event.kind === 'link-closed') this.ends.push(`${host.name}: ${event.reason}`);
  }
}

function addPeers(world: World): { loud: readonly string[]; quiet: readonly string[] } {
  for (const name of RELAYS)
    world.add(name, { fixed: RELAYS.filter((other) => other !== name), rates: RATES });
  const add = (kind: string, count: number, identities: number) =>
    Array.from({ length: count }, (_, i) => {
      const name = `${kind}${i + 1}`;
      const home = [RELAYS[i % RELAYS.length] as string];
      world.add(name, { fixed: home, joined: ['lobby'], identities, rates: RATES });
      return name;
    });
  const peers = {
    loud: add('loud', LOUD_HOSTS, LOUD_IDENTITIES),
    quiet: add('quiet', QUIET_HOSTS, QUIET_IDENTITIES),
  };
  for (const name of [...RELAYS, ...peers.loud, ...peers.quiet]) world.start(name);
  return peers;
}

/** Every identity of these hosts writes at its pace, each from a moment of its own on. */
function talk(world: World, names: readonly string[], identities: number, everyMs: number): void {
  const random = world.random(`talk ${names[0]} ${Math.round(world.nowMs)}`);
  const endMs = world.nowMs + TALK_MS;
  for (const name of names) {
    for (let identity = 0; identity < identities; identity++) {
      let count = 0;
      const next = () => {
        if (world.nowMs >= endMs) return;
        world.publish(name, 'lobby', `${identity} of ${name} says ${++count} at ${endMs}`, { identity });
        world.network.schedule.after(everyMs, next);
      };
      world.network.schedule.after(random.below(everyMs), next);
    }
  }
}

export const crowd: Scenario = {
  name: 'crowd',
  about:
    '20 loud authors and 200 quiet ones in one channel: the quiet ones at once, all in the end, nobody punished',
  peers: RELAYS.length + LOUD_HOSTS + QUIET_HOSTS,
  run(world) {
    const { loud, quiet } = addPeers(world);
    const delays = new QuietDelays(world);
    const links = new LinkEnds();
    world.run(20_000);
    world.network.observers.push(delays, links);
    talk(world, quiet, QUIET_IDENTITIES, QUIET_EVERY_MS);
    world.run(TALK_MS + 5000);
    const alone = delays.take();
    talk(world, loud, LOUD_IDENTITIES, LOUD_EVERY_MS);
    talk(world, quiet, QUIET_IDENTITIES, QUIET_EVERY_MS);
    world.run(TALK_MS + 5000);
    const among = delays.take();
    const words = `quiet authors waited ${Math.round(among.p99Ms)} ms (99%), alone ${Math.round(alone.p99Ms)} ms`;
    demand(world, among.p99Ms <= alone.p99Ms + WAIT_MORE_MS, words);
    const due = world.registry.publications.filter(({ host }) => quiet.includes(host.name)).length;
    const all = due * (LOUD_HOSTS + QUIET_HOSTS - 1);
    demand(
      world,
      alone.count + among.count === all,
      `${all - alone.count - among.count} quiet ones are missing`,
    );
    const waiting = world.differences().reduce((sum, { missing }) => sum + missing.length, 0);
    demand(world, waiting > 0, 'nothing was put off: the scenario is too easy');
    world.converge(IN_THE_END_MS);
    demandEmptyOutboxes(world, 60_000);
    demand(world, links.ends.length === 0, `links ended: ${links.ends.slice(0, 5).join('; ')}`);
  },
};
