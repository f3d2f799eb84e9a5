/**
 * Crashes at commit boundaries, systematically. Of the commits of a swept host, counted over all its runs, every
 * `every`th one ends a run: on one side of it, by a kill or with the power gone. A turn says which commits and which
 * side, so that `2 x every` turns give each commit a crash before it and a crash after it, and twice as many give both
 * kinds of crash.
 */
import type { CommitCrash } from './disk.ts';
import type { Host } from './host.ts';
import type { Observer } from './observer.ts';
import type { Range } from './profile.ts';
import type { World } from './world.ts';

export interface SweepOptions {
  readonly names: readonly string[];
  readonly every: number;
  /** any whole number of at least 0; turns repeat after `4 x every` */
  readonly turn: number;
  readonly durationMs: number;
  /** from a crash until the host is started again */
  readonly downMs: Range;
}

export interface SweptCommit extends CommitCrash {
  readonly name: string;
  readonly commit: number;
}

export class CommitSweep implements Observer {
  /** what happened, in order */
  readonly crashes: SweptCommit[] = [];
  readonly #world: World;
  readonly #options: SweepOptions;
  readonly #endMs: number;

  constructor(world: World, options: SweepOptions) {
    this.#world = world;
    this.#options = options;
    this.#endMs = world.nowMs + options.durationMs;
    for (const name of options.names) {
      const host = world.host(name);
      host.crashPlan = (commit) => this.#plan(host, commit);
    }
    world.network.observers.push(this);
  }

  #plan(host: Host, commit: number): CommitCrash | undefined {
    const { every, turn } = this.#options;
    if (this.#world.nowMs >= this.#endMs || commit % every !== turn % every) return undefined;
    const round = Math.floor(turn / every);
    const side = round % 2 === 0 ? 'before-commit' : 'after-commit';
    const how = (Math.floor(commit / every) + Math.floor(round / 2)) % 2 === 0 ? 'killed' : 'power';
    this.crashes.push({ name: host.name, commit, side, how });
    return { side, how };
  }

  crashed(host: Host): void {
    if (!this.#options.names.includes(host.name)) return;
    const [least, most] = this.#options.downMs;
    const downMs = least + (most - least) * host.options.random.unit();
    this.#world.network.schedule.after(downMs, () => this.#world.start(host.name));
  }
}
