/**
 * `npm run sim -- --scenario NAME --seed N [--peers N] [--report] [--json] [--svg FILE]`: plays a scenario, says what happened and
 * draws it. `--report` tells more of how messages spread. `--seeds A..B` plays a range and draws only what fails. Exit code 1 if a checker found something, 2 if the
 * arguments are wrong.
 */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { getHeapStatistics } from 'node:v8';
import { Peer } from '../core/peer.ts';
import { longWords } from './dissemination/words.ts';
import { describeReport } from './report.ts';
import type { Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { Simulation } from './simulate.ts';
import { SimFailure } from './trace.ts';

interface Arguments {
  readonly scenarios: readonly Scenario[];
  readonly seeds: readonly number[];
  readonly peers: number | undefined;
  readonly isJson: boolean;
  /** with the table of trees by the size of channels, and the tree of one message */
  readonly isLong: boolean;
  /** where the picture goes, undefined for the folder of temporary files */
  readonly svg: string | undefined;
}

function usage(): string {
  return [
    'npm run sim -- --scenario NAME|all [--seed N | --seeds A..B] [--peers N] [--report] [--json] [--svg FILE]',
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
      report: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      svg: { type: 'string' },
    },
  });
  const scenarios = SCENARIOS.filter(({ name }) => values.scenario === 'all' || values.scenario === name);
  if (scenarios.length === 0) throw new RangeError(`there is no scenario called ${values.scenario}`);
  const seeds = values.seeds === undefined ? [parseNumber(values.seed, 'seed')] : parseSeeds(values.seeds);
  if (values.svg !== undefined && scenarios.length * seeds.length > 1)
    throw new RangeError('--svg names one file: play one scenario with one seed');
  return {
    scenarios,
    seeds,
    peers: values.peers === undefined ? undefined : parseNumber(values.peers, 'peers'),
    isJson: values.json,
    isLong: values.report,
    svg: values.svg,
  };
}

function writePicture(simulation: Simulation, file: string, verdict: string): string {
  writeFileSync(file, simulation.draw(verdict));
  return file;
}

/** @returns whether it passed */
function play(scenario: Scenario, seed: number, { peers, isJson, isLong, seeds, svg }: Arguments): boolean {
  const simulation = new Simulation({
    scenario,
    seed,
    createCore: (config: ConstructorParameters<typeof Peer>[0]) => new Peer(config),
    ...(peers === undefined ? {} : { peers }),
  });
  const file = svg ?? path.join(tmpdir(), `mesh-sim-${scenario.name}-${seed}.svg`);
  const print = (lines: string) => process.stdout.write(`${lines}\n`);
  try {
    const report = simulation.play();
    const isDrawn = svg !== undefined || (seeds.length === 1 && !isJson);
    const picture = isDrawn ? writePicture(simulation, file, 'passed') : undefined;
    if (isJson) print(JSON.stringify({ ok: true, ...report, ...(picture === undefined ? {} : { picture }) }));
    else
      print(
        [
          describeReport(report),
          ...(picture === undefined ? [] : [`  picture      ${picture}`]),
          ...(isLong ? longWords(report.dissemination, simulation.tree()) : []),
        ].join('\n'),
      );
    return true;
  } catch (error) {
    if (!(error instanceof SimFailure)) throw error;
    const { checker, message } = error;
    const picture = writePicture(simulation, file, `${checker} failed`);
    const failure = { ok: false, scenario: scenario.name, seed, checker, message, picture };
    print(isJson ? JSON.stringify(failure) : `FAILED ${message}\npicture: ${picture}`);
    return false;
  }
}

/** Whether Node has the heap that a scenario takes; says how to give it where it has not. */
function hasHeap({ name, heapMiB = 0 }: Scenario): boolean {
  if (getHeapStatistics().heap_size_limit >= heapMiB * 2 ** 20) return true;
  const again = `NODE_OPTIONS=--max-old-space-size=${heapMiB} npm run sim -- --scenario ${name}`;
  process.stderr.write(
    `${name} is not played: it takes a heap of ${heapMiB} MiB. With so much memory: ${again}\n`,
  );
  return false;
}

function main(): number {
  let parsed: Arguments;
  try {
    parsed = parse(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage()}\n`);
    return 2;
  }
  const scenarios = parsed.scenarios.filter((scenario) => hasHeap(scenario));
  if (scenarios.length === 0) return 2;
  const plays = parsed.seeds.flatMap((seed) => scenarios.map((scenario) => play(scenario, seed, parsed)));
  return plays.every((passed) => passed) ? 0 : 1;
}

process.exitCode = main();
