/** Whether peers that have the same stop comparing, and whether they have the same. */
import { equal, toBase64url, toHex } from '../core/bytes.ts';
import { channelTag } from '../core/channel/channel.ts';
import type { Effect } from '../core/contract.ts';
import { HOUR, LIMITS, MINUTE } from '../core/limits.ts';
import { frameNumber } from '../core/wire/frame.ts';
import type { Host } from './host.ts';
import type { Observer } from './observer.ts';
import { demand } from './scenario.ts';
import type { World } from './world.ts';

/** The numbers of frames by which two peers look for differences. */
const COMPARING = new Map([
  [19, 'sums'],
  [20, 'reconcile'],
  [22, 'offer'],
]);

/** Counts frames by which two honest peers look for differences. */
export class Comparisons implements Observer {
  readonly #world: World;
  readonly #counts = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
    world.network.observers.push(this);
  }

  effect(host: Host, effect: Effect): void {
    if (effect.kind !== 'send' || !host.isHonest) return;
    const name = COMPARING.get(frameNumber(effect.frame));
    if (name === undefined) return;
    const to = effect.links.filter((link) => this.#world.otherEnd(link)?.isHonest === true);
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + to.length);
  }

  /** @returns since the last call, by type */
  take(): Record<string, number> {
    const since = Object.fromEntries(
      [...COMPARING.values()].map((name) => [name, this.#counts.get(name) ?? 0]),
    );
    this.#counts.clear();
    return since;
  }
}

/** Fails unless these peers know the same of a channel, each pair from the higher of their floors on. What is younger than the
 *  last settled minute of the slowest clock is left out. */
export function demandEqualSums(world: World, names: readonly string[], channel: string): void {
  const hosts = names.map((name) => world.host(name));
  const untilMinute = Math.min(
    ...hosts.map((host) => Math.floor((world.wallMs(host) - LIMITS.settleMs) / MINUTE)),
  );
  const { sha256, network } = world.network.messages;
  const tag = toBase64url(channelTag(sha256, network, channel));
  const floorOf = (name: string): number => world.snapshot(name)?.floors.get(tag) ?? 0;
  for (const [i, a] of names.entries())
    for (const b of names.slice(i + 1)) {
      const fromMinute = Math.max(floorOf(a), floorOf(b)) * (HOUR / MINUTE);
      const [one, other] = [a, b].map((name) => {
        const windows = [{ tag, fromMinute, untilMinute }];
        const answer = world.host(name).store.read({ kind: 'sums', windows });
        const sum = answer.kind === 'sums' ? answer.sums[0] : undefined;
        demand(world, sum !== undefined, `${name} has no sums`);
        return sum;
      });
      const isEqual = one && other && one.count === other.count && equal(one.sum, other.sum);
      const tell = (sum: typeof one) =>
        `${sum?.count} with ${toHex(sum?.sum ?? new Uint8Array(0)).slice(0, 8)}`;
      demand(world, isEqual === true, `${a} knows ${tell(one)}, ${b} ${tell(other)} of ${channel}`, [a, b]);
    }
}
