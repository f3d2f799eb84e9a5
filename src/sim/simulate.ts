/** Plays one scenario from one seed and gives its report, or throws a `SimFailure`. */
import type { CoreFactory } from './host.ts';
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

export function simulate(options: SimulateOptions): Report {
  const { scenario, seed, createCore } = options;
  const begin = performance.now();
  const world = new World({ scenario: scenario.name, seed, createCore });
  const reporter = new Reporter(world);
  scenario.run(world, { peers: options.peers ?? scenario.peers });
  world.end();
  return reporter.report(performance.now() - begin);
}
