/**
 * `npm run bench`: what the daemon costs beside a ceiling, as ratios of CPU time within one run. See docs/performance.md.
 *
 *   npm run bench                                          four minutes on a quiet machine
 *   npm run bench -- --full                                about twenty minutes
 *   npm run bench -- --only relay,catch-up,bulk,start-up,idle,flat   some of it
 *   npm run bench -- --only curves --full                  what a message costs against links, history and channels
 *   npm run bench -- --check              exit code 1 if a target is missed
 *   npm run bench -- --rounds 7 --out FILE
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { OPTIONS } from './daemon.ts';
import { FULL, type Plan, QUICK, type Section } from './section.ts';
import { runSections, SECTIONS, type SectionName, USUAL } from './sections.ts';
import { short, table } from './statistics.ts';

const OUT = path.resolve(import.meta.dirname, '..', '..', '.ci', 'out', 'bench.json');

function readArguments() {
  const { values } = parseArgs({
    options: {
      full: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      only: { type: 'string', default: USUAL.join() },
      rounds: { type: 'string' },
      out: { type: 'string', default: OUT },
    },
  });
  const only = values.only.split(',').map((name) => {
    const known = SECTIONS.find((section) => section === name);
    if (known === undefined) throw new Error(`--only ${name}: there are ${SECTIONS.join(', ')}`);
    return known;
  });
  const mode = values.full ? FULL : QUICK;
  const plan: Plan = values.rounds === undefined ? mode : { ...mode, rounds: Number(values.rounds) };
  return { ...values, only, plan };
}

/** What a reader has to know of the machine to make sense of absolute figures. */
function describeRun(plan: Plan): Record<string, unknown> {
  return {
    when: new Date().toISOString(),
    node: process.version,
    processor: os.cpus()[0]?.model ?? 'unknown',
    cores: os.cpus().length,
    load: os.loadavg()[0],
    plan,
    options: OPTIONS,
  };
}

function printVerdicts(sections: readonly Section[]): boolean {
  const verdicts = sections.flatMap((section) => section.verdicts);
  const rows = verdicts.map(({ what, ratio, max }) => [
    what,
    short(ratio),
    short(max),
    ratio <= max ? 'met' : 'MISSED',
  ]);
  console.log(`## Targets\n\n${table(['figure', 'ratio', 'at most', ''], rows)}\n`);
  return verdicts.every(({ ratio, max }) => ratio <= max);
}

async function run(names: readonly SectionName[], plan: Plan, out: string): Promise<boolean> {
  const about = describeRun(plan);
  const raised = Object.entries(OPTIONS).map(([name, value]) => `${name}=${value}`);
  console.log(`Options of the daemon: ${raised.join(' ')}\nMedians of ${plan.rounds} interleaved rounds.\n`);
  const done: Section[] = [];
  for await (const section of runSections(names, plan)) {
    done.push(section);
    console.log(`## ${section.title}\n\n${section.table}\n`);
    fs.mkdirSync(path.dirname(out), { recursive: true });
    fs.writeFileSync(out, `${JSON.stringify({ ...about, sections: done }, undefined, 2)}\n`);
  }
  console.log(`Load of the machine at the end: ${short(os.loadavg()[0] ?? 0)}. Written to ${out}\n`);
  return printVerdicts(done);
}

if (process.platform !== 'linux') throw new Error('the bench reads CPU times from /proc: it needs Linux');
const { only, plan, out, check } = readArguments();
const isMet = await run(only, plan, out);
process.exit(check && !isMet ? 1 : 0);
