/**
 * `npm run sim -- --scenario NAME --seed N [--peers N] [--json]`: plays a scenario and says what happened.
 * `--seeds A..B` plays a range. Exit code 1 if a checker found something, 2 if the arguments are wrong.
 */
import { parseArgs } from 'node:util';
import { Peer } from '../core/peer.ts';
import { describeReport } from './report.ts';
import type { Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { simulate } from './simulate.ts';
import { SimFailure } from './trace.ts';

interface Arguments {
  readonly scenarios: readonly Scenario[];
  readonly seeds: readonly number[];
  readonly peers: number | undefined;
  readonly isJson: boolean;
}

function usage(): string {
  return [
    'npm run sim -- --scenario NAME|all [--seed N | --seeds A..B] [--peers N] [--json]',
    '',
    ...SCENARIOS.map(({ name, about }) => `  ${name.padEnd(16)} ${about}`),
  ].join('\n');
}

function parseNumber(text: string, option: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`--${option} must be a whole number, not ${text}`);
  return value;
}

function parseSeeds(text: string): number[] {
  const [first, last] = text.split('..').map((part) => parseNumber(part, 'seeds'));
  if (first === undefined || last === undefined || last < first)
    throw new RangeError('--seeds must be like 1..20');
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** Throws RangeError or TypeError with a sentence for whoever typed it. */
function parse(argv: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      scenario: { type: 'string', default: 'all' },
      seed: { type: 'string', default: '1' },
      seeds: { type: 'string' },
      peers: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const scenarios = SCENARIOS.filter(({ name }) => values.scenario === 'all' || values.scenario === name);
  if (scenarios.length === 0) throw new RangeError(`there is no scenario called ${values.scenario}`);
  return {
    scenarios,
    seeds: values.seeds === undefined ? [parseNumber(values.seed, 'seed')] : parseSeeds(values.seeds),
    peers: values.peers === undefined ? undefined : parseNumber(values.peers, 'peers'),
    isJson: values.json,
  };
}

/** @returns whether it passed */
function play(scenario: Scenario, seed: number, { peers, isJson }: Arguments): boolean {
  try {
    const options = {
      scenario,
      seed,
      createCore: (config: ConstructorParameters<typeof Peer>[0]) => new Peer(config),
    };
    const report = simulate(peers === undefined ? options : { ...options, peers });
    process.stdout.write(`${isJson ? JSON.stringify({ ok: true, ...report }) : describeReport(report)}\n`);
    return true;
  } catch (error) {
    if (!(error instanceof SimFailure)) throw error;
    const { checker, message } = error;
    const failure = { ok: false, scenario: scenario.name, seed, checker, message };
    process.stdout.write(isJson ? `${JSON.stringify(failure)}\n` : `FAILED ${message}\n`);
    return false;
  }
}

function main(): number {
  let parsed: Arguments;
  try {
    parsed = parse(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage()}\n`);
    return 2;
  }
  const plays = parsed.seeds.flatMap((seed) =>
    parsed.scenarios.map((scenario) => play(scenario, seed, parsed)),
  );
  return plays.every((passed) => passed) ? 0 : 1;
}

process.exitCode = main();
