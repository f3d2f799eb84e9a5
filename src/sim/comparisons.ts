/** Whether peers that have the same stop comparing, and whether they have the same. */
import { type Bytes, equal, fromBase64url, subtractSum, toBase64url, toHex } from '../core/bytes.ts';
import { channelTag } from '../core/channel/channel.ts';
import type { Effect } from '../core/contract.ts';
import { HOUR, LIMITS, MINUTE } from '../core/limits.ts';
import type { Sum, Window } from '../core/persistence.ts';
import { frameNumber } from '../core/wire/frame.ts';
import type { KnownMessage } from '../store/store.ts';
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

/** Every id, as a range. */
const EVERY_ID = { from: new Uint8Array(32), until: new Uint8Array(32).fill(0xff) };

/** All that a host knows, with content or without. */
export function knownAt({ store }: Host): KnownMessage[] {
  return store.known(EVERY_ID, Number.MAX_SAFE_INTEGER);
}

/** What a host has summed up in a window of a channel, without some ids. */
function sumWithout(
  host: Host,
  window: Window,
  without: ReadonlySet<string>,
  channel: string,
): Sum | undefined {
  const answer = host.store.read({ kind: 'sums', windows: [window] });
  const all = answer.kind === 'sums' ? answer.sums[0] : undefined;
  if (all === undefined || without.size === 0) return all;
  const sum = all.sum.slice();
  let { count } = all;
  for (const row of knownAt(host)) {
    const minute = Math.floor(row.time.timeMs / MINUTE);
    const isInside = minute >= window.fromMinute && minute < window.untilMinute;
    if (row.channel !== channel || !isInside || !without.has(row.id)) continue;
    subtractSum(sum, fromBase64url(row.id) as Bytes);
    count--;
  }
  return { count, sum };
}

/** Up to where two clocks have compared: the last settled minute of the slower one, or if they are far apart the last hour that
 *  was over for a while. */
function settledMinute(a: number, b: number): number {
  const untilMs = Math.min(a, b) - LIMITS.settleMs;
  const isFar = Math.abs(a - b) > LIMITS.skewMs - MINUTE;
  if (!isFar) return Math.floor(untilMs / MINUTE);
  return Math.floor((untilMs - LIMITS.skewCompareMs) / HOUR) * (HOUR / MINUTE);
}

/** Fails unless these peers know the same of a channel, each pair from the higher of their floors on, up to where they have
 *  compared. @param without ids that may be known to some */
export function demandEqualSums(
  world: World,
  names: readonly string[],
  channel: string,
  without: ReadonlySet<string> = new Set(),
): void {
  const hosts = names.map((name) => world.host(name));
  const wallMs = new Map(hosts.map((host) => [host.name, world.wallMs(host)]));
  const { sha256, network } = world.network.messages;
  const tag = toBase64url(channelTag(sha256, network, channel));
  const floorOf = (name: string): number => world.snapshot(name)?.floors.get(tag) ?? 0;
  for (const [i, a] of names.entries())
    for (const b of names.slice(i + 1)) {
      const fromMinute = Math.max(floorOf(a), floorOf(b)) * (HOUR / MINUTE);
      const untilMinute = settledMinute(wallMs.get(a) as number, wallMs.get(b) as number);
      const [one, other] = [a, b].map((name) => {
        const sum = sumWithout(world.host(name), { tag, fromMinute, untilMinute }, without, channel);
        demand(world, sum !== undefined, `${name} has no sums`);
        return sum;
      });
      const isEqual = one && other && one.count === other.count && equal(one.sum, other.sum);
      const tell = (sum: typeof one) =>
        `${sum?.count} with ${toHex(sum?.sum ?? new Uint8Array(0)).slice(0, 8)}`;
      demand(world, isEqual === true, `${a} knows ${tell(one)}, ${b} ${tell(other)} of ${channel}`, [a, b]);
    }
}
