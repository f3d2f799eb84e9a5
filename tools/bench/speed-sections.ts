/** Links that do nothing, a long run, and what a message costs against links, history and channels. */
import { FLAT_OPTIONS, type FlatFigures, MARK, measureFlat } from './flat.ts';
import { type IdleFigures, measureIdle } from './idle.ts';
import { limitFullSodium } from './limit.ts';
import { mesh, meshWith } from './mesh.ts';
import { measureRelay, type RelayFigures, type RelayOptions } from './relay.ts';
import type { Plan, Section } from './section.ts';
import { createFolderWith } from './start-up.ts';
import { medians, short, table } from './statistics.ts';
import type { System } from './system.ts';

/** How many times the ceiling's memory a link may take, and how many times that of the mark a long run may end with. */
const LINK_MAX = 1.5;
const FLAT_MAX = 1.2;
/** How many times as dear as at the least of a curve a message may be anywhere on it (guess). */
const CURVE_MAX = 1.5;
/** Who want a message while the others do not, and who hold the channels. */
const INTERESTED = 10;
/** Copies of one round at most, so that this process, which reads them all, stays out of the way. */
const COPIES_MAX = 500_000;

export async function idleLinks({ rounds, idle }: Plan): Promise<Section> {
  const [ceilings, ours]: [IdleFigures[], IdleFigures[]] = [[], []];
  for (let i = 0; i < rounds; i++) {
    ceilings.push(await measureIdle(limitFullSodium, idle));
    ours.push(await measureIdle(mesh, idle));
  }
  const [base, f] = [medians(ceilings), medians(ours)];
  const row = (name: string, { resident, heap, cpu }: IdleFigures): string[] => [
    name,
    ...[resident, resident / base.resident, heap, heap / base.heap, cpu].map(short),
  ];
  return {
    title: `${idle} links that do nothing`,
    table: table(
      ['system', 'kB resident a link', 'ratio', 'kB heap a link', 'ratio', 'CPU us a second and link'],
      [row(limitFullSodium.name, base), row(mesh.name, f)],
    ),
    verdicts: [
      { what: `resident memory of ${idle} idle links`, ratio: f.resident / base.resident, max: LINK_MAX },
      { what: `heap of ${idle} idle links`, ratio: f.heap / base.heap, max: LINK_MAX },
    ],
    figures: { [limitFullSodium.name]: base, [mesh.name]: f },
  };
}

export async function longRun({ flat }: Plan): Promise<Section> {
  const f: FlatFigures = await measureFlat(flat);
  const row = (name: string, mark: number, end: number): string[] => [
    name,
    ...[mark, end, end / mark].map(short),
  ];
  const options = Object.entries(FLAT_OPTIONS).map(([name, value]) => `${name}=${value}`);
  return {
    title: `${flat} messages at full speed (${options.join(' ')}, one run)`,
    table: table(
      ['MiB after a collection', `after ${MARK}`, 'at the end', 'ratio'],
      [row('heap', f.heapAtMark, f.heapAtEnd), row('resident', f.residentAtMark, f.residentAtEnd)],
    ),
    verdicts: [{ what: `heap after ${flat} messages`, ratio: f.heapAtEnd / f.heapAtMark, max: FLAT_MAX }],
    figures: { flat: f },
  };
}

interface Point {
  readonly at: string;
  readonly system: System;
  readonly options: RelayOptions;
}

async function curve(against: string, points: readonly Point[], plan: Plan): Promise<Section> {
  const rounds = points.map((): RelayFigures[] => []);
  for (let i = 0; i < plan.rounds; i++)
    for (const [k, { system, options }] of points.entries())
      rounds[k]?.push(await measureRelay(system, options));
  const figures = rounds.map((all) => medians(all));
  const first = figures[0]?.cpuPerMessage ?? Number.NaN;
  const rows = figures.map(({ cpuPerMessage, perSecond, delayP99, memory }, k) => [
    points[k]?.at ?? '',
    ...[cpuPerMessage, cpuPerMessage / first, perSecond, delayP99, memory].map(short),
  ]);
  const dearest = Math.max(...figures.map(({ cpuPerMessage }) => cpuPerMessage));
  return {
    title: `A message against ${against}`,
    table: table([against, 'CPU us/message', 'ratio', 'messages/s', 'loop delay 99% ms', 'MiB'], rows),
    verdicts: [{ what: `dearest message against ${against}`, ratio: dearest / first, max: CURVE_MAX }],
    figures: Object.fromEntries(figures.map((f, k) => [points[k]?.at ?? '', f])),
  };
}

/** A relay, and `plan.curves` of what it has to do with. */
export async function* curves(plan: Plan): AsyncGenerator<Section> {
  const { links, stored, channels } = plan.curves;
  const options = { ...plan.relay, paceMs: 0 };
  const interested = links.map((n): Point => {
    const subscribers = Math.min(n, INTERESTED);
    return { at: String(n), system: mesh, options: { ...options, subscribers, idle: n - subscribers } };
  });
  yield await curve(`links, ${INTERESTED} of which want it`, interested, plan);
  const all = links.map((n): Point => {
    const messages = Math.min(options.messages, Math.floor(COPIES_MAX / n));
    return { at: String(n), system: mesh, options: { ...options, subscribers: n, messages } };
  });
  yield await curve('links, all of which want it', all, plan);
  const histories: Point[] = [];
  for (const n of stored) {
    const system = meshWith({ folder: await createFolderWith(n), env: { MESH_SCRUB_DAYS: '0' } });
    histories.push({ at: String(n), system, options: { ...options, subscribers: INTERESTED } });
  }
  yield await curve('stored messages', histories, plan);
  const spread = channels.map((n): Point => {
    const warmUp = Math.max(options.warmUp, n);
    const to = { subscribers: Math.min(n, INTERESTED), isSplit: n > 1 };
    return { at: String(n), system: meshWith({ channels: n }), options: { ...options, ...to, warmUp } };
  });
  yield await curve('channels', spread, plan);
}
