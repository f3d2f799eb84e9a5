/** The graph in numbers against the plainest way to say the same. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Graph, NOBODY } from './graph.ts';

const graphs = fc.integer({ min: 1, max: 30 }).chain((size) => {
  const node = fc.nat({ max: size - 1 });
  const claims = fc.array(fc.uniqueArray(node, { maxLength: 4 }), { minLength: size, maxLength: size });
  return fc.record({ claims, isMutual: fc.boolean() });
});

/** Claims, most of them answered. */
function claimsOf({ claims, isMutual }: { claims: number[][]; isMutual: boolean }): number[][] {
  if (!isMutual) return claims;
  const all = claims.map((listed) => new Set(listed));
  for (const [n, listed] of claims.entries()) for (const other of listed) all[other]?.add(n);
  return all.map((listed) => [...listed]);
}

function graphOf(claims: number[][]): Graph {
  const lists = claims.map((listed, n) =>
    listed.filter((other) => other !== n && claims[other]?.includes(n)),
  );
  const graph = new Graph();
  for (const n of claims.keys()) graph.insert(n, n);
  for (const [n, list] of lists.entries()) for (const to of list) graph.join(n, to, costOf(n, to));
  return graph;
}

/** What the link of two relays costs. */
const costOf = (a: number, b: number): number => (7 * a + 7 * b + a * b) % 5;

/** Steps from `root` to each over edges that both list, without passing `without`. */
function stepsFrom(claims: number[][], root: number, without = -1): number[] {
  const steps = claims.map(() => Number.POSITIVE_INFINITY);
  steps[root] = 0;
  const isEdge = (a: number, b: number) =>
    a !== b && claims[a]?.includes(b) === true && claims[b]?.includes(a) === true;
  for (let round = 0; round < claims.length; round++)
    for (const [n, at] of steps.entries())
      for (const other of claims.keys())
        if (n !== without && other !== without && isEdge(n, other))
          steps[other] = Math.min(steps[other] as number, at + 1);
  return steps;
}

describe('the tree', () => {
  it('has as parent the one step nearer over which the way costs least, of equal ones the smallest', () => {
    fc.assert(
      fc.property(graphs, (drawn) => {
        const claims = claimsOf(drawn);
        const graph = graphOf(claims);
        for (const root of claims.keys()) {
          const steps = stepsFrom(claims, root);
          const { order, parents } = graph.treeOf(root);
          const isEdge = (a: number, b: number) =>
            a !== b && claims[a]?.includes(b) && claims[b]?.includes(a);
          /** What the cheapest of the shortest ways to a relay costs. */
          const cheapest = (n: number): number => {
            if (n === root || !Number.isFinite(steps[n])) return 0;
            const before = [...claims.keys()].filter(
              (other) => isEdge(n, other) && steps[other] === (steps[n] as number) - 1,
            );
            return Math.min(...before.map((other) => cheapest(other) + costOf(n, other)));
          };
          const reached = [...claims.keys()].filter((n) => Number.isFinite(steps[n]));
          expect([...order].sort((a, b) => a - b)).toEqual(reached);
          expect([...order].map((n) => steps[n])).toEqual(
            [...order].map((n) => steps[n]).sort((a, b) => (a ?? 0) - (b ?? 0)),
          );
          for (const n of claims.keys()) {
            const nearer = [...claims.keys()]
              .filter((other) => steps[other] === (steps[n] as number) - 1)
              .filter((other) => claims[n]?.includes(other) && claims[other]?.includes(n));
            const wayOver = (other: number): number => cheapest(other) + costOf(n, other);
            const best = nearer.sort((a, b) => wayOver(a) - wayOver(b) || a - b)[0];
            expect(parents[n]).toBe(n === root || !Number.isFinite(steps[n]) ? NOBODY : best);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('a cut', () => {
  it('is told of exactly those who are out of reach without it, the one nearest to the root', () => {
    fc.assert(
      fc.property(graphs, (drawn) => {
        const claims = claimsOf(drawn);
        const all = stepsFrom(claims, 0);
        const cuts = graphOf(claims).cutsFrom(0);
        for (const n of claims.keys()) {
          const needed = [...claims.keys()].filter(
            (other) =>
              other !== 0 &&
              other !== n &&
              Number.isFinite(all[n]) &&
              !Number.isFinite(stepsFrom(claims, 0, other)[n] as number),
          );
          needed.sort((a, b) => (all[a] as number) - (all[b] as number));
          expect(cuts[n]).toBe(needed[0] ?? NOBODY);
        }
      }),
      { numRuns: 60 },
    );
  });
});

/** Relays without edges, which come one after another. @param ranks of each in the end */
function graphOfRanks(ranks: readonly number[]): Graph {
  const graph = new Graph();
  for (const [n, rank] of ranks.entries())
    graph.insert(n, ranks.slice(0, n).filter((other) => other < rank).length);
  return graph;
}

describe('a change', () => {
  const pair = fc.tuple(fc.nat({ max: 19 }), fc.nat({ max: 19 })).filter(([a, b]) => a !== b);
  const changes = fc.array(fc.record({ pair, cost: fc.option(fc.nat({ max: 255 }), { nil: undefined }) }), {
    maxLength: 150,
  });

  it('leaves what would be there if it had been so from the beginning, in the order of ranks', () => {
    fc.assert(
      fc.property(changes, fc.shuffledSubarray([...Array(20).keys()], { minLength: 20 }), (all, ranks) => {
        const graph = graphOfRanks(ranks);
        for (const [n, rank] of [3, 9, 0].entries()) graph.insert(20 + n, rank);
        for (const n of [21, 20, 22]) graph.remove(n);
        const costs = new Map<string, number>();
        const nameOf = (a: number, b: number) => `${Math.min(a, b)} ${Math.max(a, b)}`;
        for (const { pair, cost } of all) {
          const name = nameOf(...pair);
          if (cost !== undefined) graph.join(...pair, cost);
          else if (costs.has(name)) graph.part(...pair);
          if (cost === undefined) costs.delete(name);
          else costs.set(name, cost);
        }
        const fresh = graphOfRanks(ranks);
        for (const [name, cost] of costs)
          fresh.join(...(name.split(' ').map(Number) as [number, number]), cost);
        for (const n of ranks.keys()) {
          const others = [...ranks.keys()].filter((other) => costs.has(nameOf(n, other)));
          const inOrder = others.sort((a, b) => (ranks[a] as number) - (ranks[b] as number));
          expect([...graph.neighbours(n)]).toEqual(inOrder);
          expect(graph.treeOf(n).order).toEqual(fresh.treeOf(n).order);
          expect(graph.treeOf(n).parents.subarray(0, 20)).toEqual(fresh.treeOf(n).parents);
          expect(graph.cutsFrom(n).subarray(0, 20)).toEqual(fresh.cutsFrom(n));
        }
      }),
    );
  });
});
