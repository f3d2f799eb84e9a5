/** The meshes that curves are measured in: real cores in the simulator, in virtual time, from one seed. */
import type { CoreFactory } from '../../src/sim/host.ts';
import { World, type WorldOptions } from '../../src/sim/world.ts';

/** A size of mesh. */
export interface Point {
  readonly relays: number;
  readonly leaves: number;
  /** channels of each leaf, one of which it shares with others */
  readonly channels: number;
  /** leaves that share a channel */
  readonly members: number;
}

export interface Mesh {
  readonly world: World;
  /** names of the members of the channels `group 0`, `group 1` and so on */
  readonly groups: readonly (readonly string[])[];
}

const START_MS = 5000;
const FORM_MS = 150_000;
const BODY = 'x'.repeat(300);

/** All relays start within 5 s, the leaves within the next 5; it has stood for a while when this returns. */
export function buildMesh(
  { relays, leaves, channels, members }: Point,
  createCore: CoreFactory,
  options: Partial<WorldOptions> = {},
): Mesh {
  const world = new World({ scenario: 'curves', seed: 1, createCore, ...options });
  const random = world.random('curves');
  const names = Array.from({ length: relays }, (_, i) => `r${i + 1}`);
  const bootstrap = names.slice(0, 8);
  for (const name of names)
    world.add(name, { bootstrap: bootstrap.filter((other) => other !== name), asksDialBack: true });
  const groups: string[][] = [];
  for (let i = 0; i < leaves; i++) {
    const [name, group] = [`p${i + 1}`, Math.floor(i / members)];
    groups[group] = [...(groups[group] ?? []), name];
    const own = Array.from({ length: channels - 1 }, (_, j) => `own ${i} ${j}`);
    world.add(name, { bootstrap, isReachable: false, joined: [`group ${group}`, ...own] });
  }
  for (const { name } of world.hosts())
    world.network.schedule.after(random.below(START_MS) + (name.startsWith('p') ? START_MS : 0), () =>
      world.start(name),
    );
  world.run(FORM_MS);
  return { world, groups };
}

/** Members of random channels publish so many messages within the next `durationMs`, at random moments. */
export function talk({ world, groups }: Mesh, messages: number, durationMs: number): void {
  const random = world.random('talk');
  for (let i = 0; i < messages; i++)
    world.network.schedule.after(random.below(durationMs), () => {
      const group = random.below(groups.length);
      const members = groups[group] ?? [];
      world.publish(members[random.below(members.length)] as string, `group ${group}`, `${i} ${BODY}`);
    });
}

/** Links that a relay has, on average. */
export function linksOfRelay(world: World): number {
  const hosts = world.network.dialler
    .wires()
    .flatMap(({ dialler, responder }) => [dialler.host, responder.host]);
  const relays = world.hosts().filter(({ core }) => core?.isRelay === true).length;
  return hosts.filter(({ core }) => core?.isRelay === true).length / relays;
}
