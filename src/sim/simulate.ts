/** Plays one scenario from one seed and gives its report, or throws a `SimFailure`. */
import type { UsedTree } from './dissemination/index.ts';
import type { CoreFactory } from './host.ts';
import { collectPicture } from './picture/collect.ts';
import { drawPicture } from './picture/picture.ts';
import { type Report, Reporter } from './report.ts';
import type { Scenario } from './scenario.ts';
import { World } from './world.ts';

export interface SimulateOptions {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly createCore: CoreFactory;
  /** instead of the scenario's own number */
  readonly peers?: number;
}

export class Simulation {
  readonly #options: SimulateOptions;
  readonly #world: World;
  readonly #reporter: Reporter;
  #realMs = 0;

  constructor(options: SimulateOptions) {
    const { scenario, seed, createCore } = options;
    this.#options = options;
    this.#world = new World({ scenario: scenario.name, seed, createCore });
    this.#reporter = new Reporter(this.#world);
  }

  /** Throws `SimFailure` where a checker or the scenario finds something wrong. */
  play(): Report {
    const { scenario, peers } = this.#options;
    const begin = performance.now();
    try {
      const usual = typeof scenario.peers === 'number' ? scenario.peers : scenario.peers(this.#options.seed);
      scenario.run(this.#world, { peers: peers ?? usual });
      this.#world.end();
    } finally {
      this.#realMs = performance.now() - begin;
    }
    return this.report();
  }

  report(): Report {
    return this.#reporter.report(this.#realMs);
  }

  /** The way of the message that touched most relays. */
  tree(): UsedTree | undefined {
    return this.#reporter.dissemination.tree();
  }

  /** An SVG of how the mesh stands now. @param verdict `passed`, or what went wrong in a few words */
  draw(verdict: string): string {
    return drawPicture(collectPicture(this.#world, this.#reporter, { report: this.report(), verdict }));
  }
}

export function simulate(options: SimulateOptions): Report {
  return new Simulation(options).play();
}
