/**
 * Random trouble: crashes on either side of a commit or with lost power, links that break or fall silent, full queues
 * and failing disks, at moments that the seed chooses. Whoever crashed is started again, at the latest when the trouble
 * ends.
 */
import { LIMITS } from '../core/limits.ts';
import type { Random } from '../core/random.ts';
import type { Range } from './profile.ts';
import type { World } from './world.ts';

export const FAULT_KINDS = [
  'killed',
  'power',
  'before-commit',
  'after-commit',
  'break',
  'silence',
  'drops',
  'disk',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** How often each comes where nobody says: links break more often than anything else. */
const USUAL: readonly FaultKind[] = [...FAULT_KINDS.slice(0, 5), 'break', 'break', ...FAULT_KINDS.slice(5)];

export interface FaultOptions {
  readonly durationMs: number;
  /** between one fault and the next */
  readonly everyMs: Range;
  readonly downMs: Range;
  /** share of the peers that may be down at once */
  readonly downShareMax: number;
  readonly kinds?: readonly FaultKind[];
}

class Faults {
  readonly #world: World;
  readonly #options: FaultOptions;
  readonly #random: Random;
  readonly #endMs: number;

  constructor(world: World, options: FaultOptions) {
    this.#world = world;
    this.#options = options;
    this.#random = world.random('faults');
    this.#endMs = world.nowMs + options.durationMs;
    this.#next();
  }

  #draw(range: Range): number {
    return range[0] + (range[1] - range[0]) * this.#random.unit();
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items[this.#random.below(items.length)];
  }

  #next(): void {
    this.#world.network.schedule.after(this.#draw(this.#options.everyMs), () => {
      if (this.#world.nowMs >= this.#endMs) return;
      this.#cause(this.#pick(this.#options.kinds ?? USUAL) as FaultKind);
      this.#next();
    });
  }

  #cause(kind: FaultKind): void {
    const { dialler } = this.#world.network;
    switch (kind) {
      case 'killed':
      case 'power':
      case 'before-commit':
      case 'after-commit':
        this.#crash(kind);
        return;
      case 'break':
      case 'silence': {
        const wire = this.#pick(dialler.wires().filter(({ isSilent }) => !isSilent));
        if (wire === undefined) return;
        kind === 'break' ? dialler.breakWire(wire) : dialler.silenceWire(wire);
        break;
      }
      case 'drops':
        this.#drop();
        break;
      case 'disk':
        this.#pick(this.#world.up())?.disk?.failNext(1);
        break;
      default:
        kind satisfies never;
    }
    this.#world.counts.add(`fault: ${kind}`);
  }

  #crash(how: 'killed' | 'power' | 'before-commit' | 'after-commit'): void {
    const up = this.#world.up();
    const down = this.#world.hosts().length - up.length;
    const host = this.#pick(up);
    if (host === undefined || down + 1 > this.#options.downShareMax * this.#world.hosts().length) return;
    this.#world.counts.add(`fault: ${how}`);
    if (how === 'killed' || how === 'power') this.#world.crash(host.name, how);
    else
      this.#world.crashAtCommit(host.name, {
        side: how,
        how: this.#random.unit() < 0.5 ? 'killed' : 'power',
      });
    const backMs = Math.min(this.#world.nowMs + this.#draw(this.#options.downMs), this.#endMs);
    // An armed crash comes at a commit or after two seconds: the restart must not be before it.
    this.#world.network.schedule.at(backMs + 2001, () => this.#world.start(host.name));
  }

  /** For a while queues behave as if they were small and mostly full. */
  #drop(): void {
    const { network } = this.#world;
    network.profile = { ...network.profile, dropShare: 0.3, queueBytesMax: 16 * 1024 };
    network.schedule.after(this.#draw([500, 3000]), () => {
      network.profile = { ...network.profile, dropShare: 0, queueBytesMax: LIMITS.linkQueueBytesMax };
    });
  }
}

export function startFaults(world: World, options: FaultOptions): void {
  new Faults(world, options);
}
