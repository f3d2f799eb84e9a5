/**
 * `npm run bench:cpu [-- --only relays,leaves,links,channels] [--rounds 5] [--json]`: processor time that a message costs
 * the core, and that a second costs it in which nobody speaks, against the numbers of relays, leaves, links and channels.
 *
 * Each size of mesh is played once in the simulator. What eight of its relays and eight of its leaves were given is written
 * down and given again to fresh cores (`replay.ts`): first how the mesh forms, then 40 seconds without messages, then 40
 * seconds in which each leaf writes eight of 300 characters. A message costs what the third span takes more than the second,
 * divided by the messages that were checked there.
 *
 * Why not real daemons: two hundred of them do not run on two cores, and what a daemon adds does not grow with the mesh: a
 * signature (42 us), a place in a transaction, a write to each socket. `npm run bench` has that of one daemon as a whole.
 * Why not time around each call in the simulator: the caches and the heap of a hundred cores at once are nobody's, and
 * reading a clock takes as long as a short call.
 *
 * Processor time still swings by a fifth on a busy machine. So compilers warm up first, rounds go over all sizes in turn,
 * and of each core the median of its rounds counts. All sizes of a curve share one process: two processes compile the same
 * code differently, and one and the same mesh took half as much again in another. Ratios are to the smallest size.
 */
import { parseArgs } from 'node:util';
import type { Point } from './curve-mesh.ts';
import { type Figures, Play } from './curve-play.ts';
import { short, table } from './statistics.ts';

const CURVES: Readonly<Record<string, readonly Point[]>> = {
  relays: [10, 20, 40, 80].map((relays) => ({ relays, leaves: 2 * relays, channels: 2, members: 8 })),
  leaves: [32, 64, 128, 256].map((leaves) => ({ relays: 16, leaves, channels: 2, members: 8 })),
  links: [2, 8, 32, 128].map((members) => ({ relays: 16, leaves: 128, channels: 2, members })),
  channels: [1, 4, 16, 64, 256].map((channels) => ({ relays: 16, leaves: 32, channels, members: 8 })),
};

function measure(points: readonly Point[], rounds: number): Figures[] {
  const plays = points.map((point) => new Play(point));
  for (const play of plays) play.warmUp();
  for (let n = 0; n < rounds; n++) for (const play of plays) play.round();
  return plays.map((play) => play.figures());
}

/** The second of a pair is the head of a figure, the third says whether its ratio to the smallest size follows. */
const COLUMNS: readonly (readonly [keyof Figures, string, boolean?])[] = [
  ['relays', 'relays'],
  ['leaves', 'leaves'],
  ['members', 'members of a channel'],
  ['channels', 'channels of a leaf'],
  ['links', 'links of a relay'],
  ['touched', 'relays touched'],
  ['perRelay', 'µs a message at one of them', true],
  ['allRelays', 'at all of them', true],
  ['perLeaf', 'at a leaf', true],
  ['idleRelay', 'µs an idle second of a relay', true],
  ['idleLeaf', 'of a leaf', true],
];

function tableOf(figures: readonly Figures[]): string {
  const base = figures[0] as Figures;
  const heads = COLUMNS.flatMap(([, head, hasRatio]) => (hasRatio ? [head, 'ratio'] : [head]));
  const rows = figures.map((one) =>
    COLUMNS.flatMap(([key, , hasRatio]) => {
      const text = short(one[key]);
      return hasRatio ? [text, short(one[key] / base[key])] : [text.replace(/\.0+$/, '')];
    }),
  );
  return table(heads, rows);
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(CURVES).join() },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});
for (const name of values.only.split(',')) {
  const points = CURVES[name];
  if (points === undefined) throw new Error(`--only ${name}: there are ${Object.keys(CURVES).join(', ')}`);
  const figures = measure(points, Number(values.rounds));
  console.log(values.json ? JSON.stringify({ name, figures }) : `## By ${name}\n\n${tableOf(figures)}\n`);
}
