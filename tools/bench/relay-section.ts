/** The relay beside the ceilings, each pair with one verifier. */
import { limit, limitFull, limitFullSodium } from './limit.ts';
import { mesh, meshNode, meshSealed, meshSingle } from './mesh.ts';
import { measureRelay, type RelayFigures } from './relay.ts';
import type { Plan, Section, Verdict } from './section.ts';
import { medians, short, table } from './statistics.ts';

/** How many times the CPU of the ceiling with the same verifier is allowed; and of the ceiling that most would write. */
const CPU_MAX = 1.25;
const CPU_OF_LIMIT_MAX = 0.75;
/** The same for a publisher that puts each message into a frame of its own. */
const SINGLE_CPU_MAX = 1.7;
/** How many times the ceiling's median latency, and its event-loop delay (99%). */
const LATENCY_MAX = 2;
const DELAY_MAX = 1.5;
/** Where that publisher is measured, too. */
const SINGLE_SUBSCRIBERS = 10;

type Named = RelayFigures & { readonly name: string };

function verdictsOf(figures: ReadonlyMap<string, Named>, audience: string): Verdict[] {
  const of = (name: string): Named => figures.get(name) as Named;
  const cpu = (system: Named, base: Named, max: number): Verdict => ({
    what: `${system.name} to ${base.name}: relay to ${audience}, CPU`,
    ratio: system.cpuPerMessage / base.cpuPerMessage,
    max,
  });
  const pairs = [
    [of(mesh.name), of(limitFullSodium.name)],
    [of(meshNode.name), of(limitFull.name)],
  ] as const;
  const single = figures.get(meshSingle.name);
  // Sealing has no target: each subscriber's link has keys of its own, so its cost grows with their number.
  return [
    ...pairs.map(([system, base]) => cpu(system, base, CPU_MAX)),
    cpu(of(mesh.name), of(limit.name), CPU_OF_LIMIT_MAX),
    ...(single === undefined ? [] : [cpu(single, of(limitFullSodium.name), SINGLE_CPU_MAX)]),
    ...pairs.flatMap(([system, base]) => {
      const what = `${system.name} to ${base.name}: relay to ${audience}`;
      return [
        { what: `${what}, median latency`, ratio: system.p50 / base.p50, max: LATENCY_MAX },
        { what: `${what}, event-loop delay`, ratio: system.delayP99 / base.delayP99, max: DELAY_MAX },
      ];
    }),
  ];
}

export async function relayTo(subscribers: number, plan: Plan): Promise<Section> {
  const systems = [limitFullSodium, mesh, meshSealed, limit, limitFull, meshNode];
  if (subscribers === SINGLE_SUBSCRIBERS) systems.push(meshSingle);
  const rounds = new Map<string, RelayFigures[]>(systems.map(({ name }) => [name, []]));
  for (let i = 0; i < plan.rounds; i++)
    for (const system of systems)
      rounds.get(system.name)?.push(await measureRelay(system, { ...plan.relay, subscribers }));
  const figures = new Map([...rounds].map(([name, all]) => [name, { name, ...medians(all) }]));
  const base = figures.get(limitFullSodium.name)?.cpuPerMessage ?? Number.NaN;
  const rows = [...figures.values()].map((f) => [
    f.name,
    ...[f.cpuPerMessage, f.cpuPerMessage / base, f.perSecond].map(short),
    ...[f.p50, f.p99, f.delayP99, f.delayMax, f.memory].map(short),
  ]);
  const audience = `${subscribers} subscriber${subscribers === 1 ? '' : 's'}`;
  return {
    title: `One publisher, one relay, ${audience}`,
    table: table(
      [
        ...['system', 'CPU us/message', 'ratio', 'messages/s'],
        ...['p50 ms', 'p99 ms', 'loop delay 99% ms', 'most', 'MiB'],
      ],
      rows,
    ),
    verdicts: verdictsOf(figures, audience),
    figures: Object.fromEntries(figures),
  };
}
