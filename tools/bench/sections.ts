/** What the bench measures, section by section: rounds interleaved over the systems, medians of the rounds. */
import { type BulkFigures, type BulkMemory, measureBulk, measureBulkMemory } from './bulk.ts';
import { type CatchUpFigures, createHistory, measureCatchUp } from './catch-up.ts';
import { limitFullSodium } from './limit.ts';
import { measureRelay, type RelayFigures } from './relay.ts';
import { relayTo } from './relay-section.ts';
import type { Plan, Section } from './section.ts';
import { curves, idleLinks, longRun } from './speed-sections.ts';
import { createFolderWith, measureStartUp, type StartUpFigures } from './start-up.ts';
import { medians, short, table } from './statistics.ts';

/** How many times the ceiling's CPU, or that of an empty start, is allowed. */
const CATCH_UP_MAX = 2;
const BULK_CPU_MAX = 1.6;
const START_UP_MAX = 1.2;
/** How many times as long half of the live messages may take beside a bulk, and how many times the heap of a tenth of it that of its end. */
const LIVE_MAX = 1.5;
const HEAP_MAX = 1.2;
/** From so many messages on a catch-up is a bulk: compilers are warm after a few seconds only. */
const BULK_MIN = 100_000;

async function catchUpOf(messages: number, plan: Plan): Promise<Section> {
  const history = await createHistory(messages);
  const [ceilings, rounds]: [RelayFigures[], CatchUpFigures[]] = [[], []];
  for (let i = 0; i < plan.rounds; i++) {
    ceilings.push(await measureRelay(limitFullSodium, { ...plan.relay, subscribers: 1, paceMs: 0 }));
    rounds.push(await measureCatchUp(history, messages));
  }
  const base = medians(ceilings).cpuPerMessage;
  const f = medians(rounds);
  const row = (name: string, cpu: number): string[] => [name, short(cpu), short(cpu / base)];
  return {
    title: `A newcomer fetches ${messages} stored messages (${short(f.perSecond)}/s, newcomer ${short(f.receiverMemory)} MiB)`,
    table: table(
      ['process', 'CPU us/message', `ratio to ${limitFullSodium.name}, 1 subscriber`],
      [
        row(limitFullSodium.name, base),
        row('newcomer', f.receiverCpu),
        row('relay that serves', f.serverCpu),
      ],
    ),
    verdicts: [
      {
        what: `catch-up of ${messages}, newcomer`,
        ratio: f.receiverCpu / base,
        max: messages < BULK_MIN ? CATCH_UP_MAX : BULK_CPU_MAX,
      },
    ],
    figures: { [limitFullSodium.name]: medians(ceilings), catchUp: f },
  };
}

async function bulkOf(messages: number, plan: Plan): Promise<Section> {
  const history = await createHistory(messages);
  const [rounds, memories]: [BulkFigures[], BulkMemory[]] = [[], []];
  for (let i = 0; i < plan.rounds; i++) {
    rounds.push(await measureBulk(history, messages));
    memories.push(await measureBulkMemory(history, messages));
  }
  const f = medians(rounds);
  const heap = medians(memories);
  const row = (name: string, calm: number, bulk: number): string[] => [
    name,
    ...[calm, bulk, bulk / calm].map(short),
  ];
  return {
    title: `Live messages beside a bulk of ${messages} (${short(f.perSecond)}/s)`,
    table: table(
      ['', 'without, or at a tenth', 'beside it, or at its end', 'ratio'],
      [
        row('live message, median, ms', f.calmP50, f.bulkP50),
        row('live message, 99%, ms', f.calmP99, f.bulkP99),
        row('heap of the newcomer, MiB', heap.tenth, heap.end),
      ],
    ),
    verdicts: [
      { what: 'live message beside a bulk, median', ratio: f.bulkP50 / f.calmP50, max: LIVE_MAX },
      { what: 'heap at the end of a bulk', ratio: heap.end / heap.tenth, max: HEAP_MAX },
    ],
    figures: { bulk: f, heap },
  };
}

async function startUpWith(messages: number, plan: Plan): Promise<Section> {
  const folders = { empty: await createFolderWith(0), full: await createFolderWith(messages) };
  const [empty, full]: [StartUpFigures[], StartUpFigures[]] = [[], []];
  for (let i = 0; i < plan.rounds + 1; i++) {
    empty.push(await measureStartUp(folders.empty));
    full.push(await measureStartUp(folders.full));
  }
  const figures = { empty: medians(empty), full: medians(full) };
  const row = (name: string, f: StartUpFigures): string[] => [
    name,
    short(f.cpu),
    short(f.cpu / figures.empty.cpu),
    short(f.wall),
    short(f.cpuAfter),
    short(f.memory),
  ];
  return {
    title: `Start with ${messages} stored messages`,
    table: table(
      ['database', 'CPU ms until ready', 'ratio', 'wall ms', 'CPU ms in the 3 s after', 'MiB'],
      [row('empty', figures.empty), row(`${messages} messages`, figures.full)],
    ),
    verdicts: [
      {
        what: `start with ${messages} messages`,
        ratio: figures.full.cpu / figures.empty.cpu,
        max: START_UP_MAX,
      },
    ],
    figures,
  };
}

/** What runs without `--only`. */
export const USUAL = ['relay', 'catch-up', 'bulk', 'start-up', 'idle', 'flat'] as const;
export const SECTIONS = [...USUAL, 'curves'] as const;
export type SectionName = (typeof SECTIONS)[number];

/** Runs sections one after the other; each is handed out when it is done. */
export async function* runSections(names: readonly SectionName[], plan: Plan): AsyncGenerator<Section> {
  if (names.includes('relay')) for (const n of plan.subscribers) yield await relayTo(n, plan);
  if (names.includes('catch-up')) for (const n of plan.catchUp) yield await catchUpOf(n, plan);
  if (names.includes('bulk')) yield await bulkOf(plan.bulk, plan);
  if (names.includes('start-up')) yield await startUpWith(plan.startUp, plan);
  if (names.includes('idle')) yield await idleLinks(plan);
  if (names.includes('flat')) yield await longRun(plan);
  if (names.includes('curves')) yield* curves(plan);
}
