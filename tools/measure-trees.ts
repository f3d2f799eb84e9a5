/**
 * What the choice of parents is worth in a shortest-path tree: relays touched for each interested one, and latency beside a
 * flood's, in random graphs of relays (6 to 12 links of 10 to 50 ms) with half as many leaves, each at the nearest of
 * three. A model of the graphs alone, without messages; decisions 0031 and 0041 have its figures.
 *
 * Run: node tools/measure-trees.ts [relays] [graphs]
 */
import { Random } from '../src/core/random.ts';

const [RELAYS = 1000, GRAPHS = 3] = process.argv.slice(2).map(Number);
const LEAVES = RELAYS / 2;
const LINKS = { min: 6, max: 12 };
const HOMES = 3;
/** Members of a channel, and how many such channels a graph has. */
const CHANNELS = [
  [2, 60],
  [8, 60],
  [50, 24],
  [500, 12],
] as const;

interface Edge {
  readonly to: number;
  readonly ms: number;
}
type Graph = readonly (readonly Edge[])[];

/** What a neighbour that is one step nearer to the root is worth as a parent: the lowest wins. `way`: in steps of 4 ms. */
type Rule = (
  parent: Edge,
  facts: { readonly way: number; readonly degree: number; readonly isInterested: boolean },
) => number;

const RULES: Readonly<Record<string, Rule>> = {
  'the nearest way (ours)': (_, { way }) => way,
  'the smallest id': ({ to }) => to,
  'most links': (_, { degree }) => -degree,
  'nearest in steps of 16 ms, most links': (_, { way, degree }) => Math.floor(way / 4) * 100 - degree,
  'interested ones, nearest way': (_, { way, isInterested }) => way + (isInterested ? 0 : 1000),
};

function createGraph(random: Random): Graph {
  const graph = Array.from({ length: RELAYS }, () => new Map<number, number>());
  for (const [n, links] of graph.entries())
    for (let tries = 0; links.size < LINKS.min && tries < 200; tries++) {
      const other = random.below(RELAYS);
      const theirs = graph[other] as Map<number, number>;
      if (other === n || links.has(other) || theirs.size >= LINKS.max) continue;
      const ms = 10 + random.unit() * 40;
      links.set(other, ms);
      theirs.set(n, ms);
    }
  return graph.map((links) => [...links].map(([to, ms]) => ({ to, ms })));
}

/** ms from one relay to each, over the nearest ways. */
function distancesFrom(graph: Graph, root: number): Float64Array {
  const ms = new Float64Array(RELAYS).fill(Number.POSITIVE_INFINITY);
  ms[root] = 0;
  let changed = new Set([root]);
  while (changed.size > 0) {
    const next = new Set<number>();
    for (const n of changed)
      for (const edge of graph[n] as readonly Edge[]) {
        const way = (ms[n] as number) + edge.ms;
        if (way >= (ms[edge.to] as number)) continue;
        ms[edge.to] = way;
        next.add(edge.to);
      }
    changed = next;
  }
  return ms;
}

interface Tree {
  readonly parents: readonly number[];
  /** ms from the root along the tree */
  readonly ms: Float64Array;
}

function treeOf(graph: Graph, root: number, rule: Rule, interested: ReadonlySet<number>): Tree {
  const parents = Array<number>(RELAYS).fill(-1);
  const depths = new Int32Array(RELAYS).fill(-1);
  const ms = new Float64Array(RELAYS);
  const ways = new Float64Array(RELAYS);
  depths[root] = 0;
  const order = [root];
  for (const n of order) {
    const depth = depths[n] as number;
    let best = Number.POSITIVE_INFINITY;
    for (const edge of graph[n] as readonly Edge[]) {
      const other = edge.to;
      if (depths[other] === -1) {
        depths[other] = depth + 1;
        order.push(other);
      } else if (depths[other] === depth - 1) {
        const way = (ways[other] as number) + Math.round(edge.ms / 4);
        const degree = (graph[other] as readonly Edge[]).length;
        const worth = rule(edge, { way, degree, isInterested: interested.has(other) });
        if (worth >= best) continue;
        best = worth;
        parents[n] = other;
        ways[n] = way;
        ms[n] = (ms[other] as number) + edge.ms;
      }
    }
  }
  return { parents, ms };
}

class Figures {
  readonly touched = new Map<number, number[]>();
  readonly ours: number[] = [];
  readonly flood: number[] = [];
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
const percentile = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(0.99 * values.length)] as number;

/** A peer's ways into the mesh, the nearest first: itself if it is a relay. */
type Ways = readonly Edge[];

function touchedBy({ parents }: Tree, root: number, interested: ReadonlySet<number>): number {
  const touched = new Set([root]);
  for (const relay of interested)
    for (let n = relay; n !== -1 && !touched.has(n); n = parents[n] as number) touched.add(n);
  return touched.size;
}

function playChannel(
  graph: Graph,
  members: readonly Ways[],
  distances: (root: number) => Float64Array,
  all: Map<string, Figures>,
): void {
  const [author, ...readers] = members as [Ways, ...Ways[]];
  const entry = author[0] as Edge;
  const interested = new Set([entry.to, ...members.flat().map(({ to }) => to)]);
  const floods = readers.map((ways) =>
    Math.min(
      ...author.flatMap((from) => ways.map((to) => from.ms + (distances(from.to)[to.to] as number) + to.ms)),
    ),
  );
  for (const [name, rule] of Object.entries(RULES)) {
    const tree = treeOf(graph, entry.to, rule, interested);
    const figures = all.get(name) ?? new Figures();
    all.set(name, figures);
    const touched = figures.touched.get(members.length) ?? [];
    figures.touched.set(members.length, touched);
    touched.push(touchedBy(tree, entry.to, interested) / interested.size);
    figures.flood.push(...floods);
    for (const [live] of readers)
      if (live) figures.ours.push(entry.ms + (tree.ms[live.to] as number) + live.ms);
  }
}

const figures = new Map<string, Figures>();
for (let seed = 1; seed <= GRAPHS; seed++) {
  const random = new Random(Uint8Array.from({ length: 16 }, (_, i) => seed * (i + 1)));
  const graph = createGraph(random);
  const known = new Map<number, Float64Array>();
  const distances = (root: number): Float64Array => {
    const found = known.get(root) ?? distancesFrom(graph, root);
    known.set(root, found);
    return found;
  };
  const relays: Ways[] = graph.map((_, to) => [{ to, ms: 0 }]);
  const leaves: Ways[] = Array.from({ length: LEAVES }, () =>
    Array.from({ length: HOMES }, () => ({ to: random.below(RELAYS), ms: 10 + random.unit() * 40 })).sort(
      (a, b) => a.ms - b.ms,
    ),
  );
  for (const [size, count] of CHANNELS)
    for (let i = 0; i < count; i++)
      playChannel(graph, random.shuffle([...relays, ...leaves]).slice(0, size), distances, figures);
}
console.log(`| parent | ${CHANNELS.map(([size]) => size).join(' | ')} | latency (99%) beside a flood's |`);
console.log(`|---|${CHANNELS.map(() => '---').join('|')}|---|`);
for (const [name, { touched, ours, flood }] of figures) {
  const ratios = CHANNELS.map(([size]) => mean(touched.get(size) ?? []).toFixed(2));
  console.log(`| ${name} | ${ratios.join(' | ')} | ${(percentile(ours) / percentile(flood)).toFixed(2)} |`);
}
