/** The same map gives every relay the same trees: each interested relay is reached exactly once. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compare, concat, toBase64url } from '../bytes.ts';
import { shortId } from '../link/links.ts';
import { sha256 } from '../message/message.fixture.ts';
import { Random } from '../random.ts';
import { RelayMap } from './map.ts';
import { type PeerRecord, toSet } from './records.ts';
import { TagSet } from './tag-set.ts';

const key = (n: number): Uint8Array => sha256(Uint8Array.of(n));
const peer = (n: number): string => toBase64url(key(n));
const TAG = toBase64url(new Uint8Array(8));

interface Graph {
  readonly size: number;
  /** both ends list each other */
  readonly edges: readonly (readonly [number, number])[];
  /** only the first lists the second */
  readonly claims: readonly (readonly [number, number])[];
  readonly holders: readonly number[];
  readonly root: number;
}

const graphs: fc.Arbitrary<Graph> = fc.integer({ min: 1, max: 14 }).chain((size) => {
  const node = fc.nat({ max: size - 1 });
  const pairs = (maxLength: number) => fc.array(fc.tuple(node, node), { maxLength });
  return fc.record({
    size: fc.constant(size),
    edges: pairs(size * 2),
    claims: pairs(4),
    holders: fc.uniqueArray(node),
    root: node,
  });
});

function listed(graph: Graph): Map<number, Set<number>> {
  const lists = new Map(Array.from({ length: graph.size }, (_, n) => [n, new Set<number>()]));
  for (const [a, b] of graph.edges) {
    lists.get(a)?.add(b);
    lists.get(b)?.add(a);
  }
  for (const [a, b] of graph.claims) lists.get(a)?.add(b);
  return lists;
}

function recordOf(peer: string, links: readonly string[], costs = links.map(() => 0)): PeerRecord {
  return { kind: 1, peer, sequence: 1, urls: [], links, costs, expiresMs: 2 ** 50 };
}

/** What relay `own` knows if it has every record. The order of records must not matter. */
function mapOf(graph: Graph, own: number, order: readonly number[]): RelayMap {
  const map = new RelayMap(peer(own), [1, 2]);
  const lists = listed(graph);
  for (const n of order) {
    const links = toSet([...(lists.get(n) ?? [])].map(peer));
    if (graph.holders.includes(n)) map.setTags(peer(n), TagSet.of([TAG]));
    map.setPeer(recordOf(peer(n), links));
  }
  return map;
}

/** Breadth first from the root over mutual edges; the parent is the neighbour one step nearer with the smallest id. */
function parents(graph: Graph): Map<number, number> {
  const lists = listed(graph);
  const isEdge = (a: number, b: number) =>
    a !== b && lists.get(a)?.has(b) === true && lists.get(b)?.has(a) === true;
  const all = Array.from({ length: graph.size }, (_, n) => n);
  const distance = new Map([[graph.root, 0]]);
  for (const n of distance.keys())
    for (const m of all)
      if (isEdge(n, m) && !distance.has(m)) distance.set(m, (distance.get(n) as number) + 1);
  const found = new Map<number, number>();
  for (const [n, steps] of distance) {
    if (n === graph.root) continue;
    const nearer = all.filter((m) => isEdge(n, m) && distance.get(m) === steps - 1);
    found.set(n, nearer.sort((a, b) => compare(key(a), key(b)))[0] as number);
  }
  return found;
}

describe('the trees', () => {
  it('are the same for all: together the children of every relay are the breadth-first tree, cut to the interested', () => {
    fc.assert(
      fc.property(graphs, fc.infiniteStream(fc.nat()), (graph, numbers) => {
        const parent = parents(graph);
        const expected = new Map<number, Set<string>>();
        for (const holder of graph.holders)
          for (let n = holder; parent.has(n); n = parent.get(n) as number) {
            const up = parent.get(n) as number;
            expected.set(up, (expected.get(up) ?? new Set()).add(peer(n)));
          }
        const all = Array.from({ length: graph.size }, (_, n) => n);
        for (const own of all) {
          const order = all
            .map((n) => [numbers.next().value as number, n] as const)
            .sort((a, b) => a[0] - b[0]);
          const map = mapOf(
            graph,
            own,
            order.map(([, n]) => n),
          );
          // a relay that is not connected to the root by mutual edges knows of no tree
          const children = own === graph.root || parent.has(own) ? expected.get(own) : undefined;
          expect(map.children(peer(graph.root), TAG)).toEqual(children ?? new Set());
        }
      }),
      { numRuns: 300 },
    );
  });

  it('reach every interested relay exactly once, hop by hop', () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        const all = Array.from({ length: graph.size }, (_, n) => n);
        const maps = new Map(all.map((n) => [peer(n), mapOf(graph, n, all)]));
        const visits: string[] = [];
        const visit = (at: string): void => {
          visits.push(at);
          for (const child of maps.get(at)?.children(peer(graph.root), TAG) ?? []) visit(child);
        };
        visit(peer(graph.root));
        expect(new Set(visits).size).toBe(visits.length);
        const parent = parents(graph);
        const reachable = graph.holders.filter((n) => n === graph.root || parent.has(n)).map(peer);
        expect(visits).toEqual(expect.arrayContaining(reachable));
      }),
    );
  });
});

function chain(length: number): Graph {
  const edges = Array.from({ length: length - 1 }, (_, n) => [n, n + 1] as const);
  return { size: length, edges, claims: [], holders: [length - 1], root: 0 };
}

describe('the map', () => {
  it('counts an edge only if both ends list it', () => {
    const graph: Graph = { size: 3, edges: [[0, 1]], claims: [[1, 2]], holders: [2], root: 0 };
    const map = mapOf(graph, 1, [0, 1, 2]);
    expect(map.children(peer(0), TAG)).toEqual(new Set());
    expect(map.connected().sort()).toEqual([peer(0), peer(1)].sort());
    map.setPeer(recordOf(peer(2), [peer(1)]));
    expect(map.children(peer(0), TAG)).toEqual(new Set([peer(2)]));
  });

  it('goes over the cheaper of two ways that are as long, by the word of the end that says more', () => {
    const ring: Graph = {
      ...{ size: 4, claims: [], holders: [3], root: 0 },
      edges: [
        [0, 1],
        [0, 2],
        [1, 3],
        [2, 3],
      ],
    };
    const map = mapOf(ring, 0, [0, 1, 2, 3]);
    const byId = [...map.children(peer(0), TAG)][0] as string;
    const [first, other] = byId === peer(1) ? [1, 2] : [2, 1];
    map.setPeer(
      recordOf(
        peer(3),
        toSet([peer(1), peer(2)]),
        toSet([peer(1), peer(2)]).map((one) => (one === byId ? 9 : 8)),
      ),
    );
    expect(map.children(peer(0), TAG)).toEqual(new Set([peer(other)]));
    const ends = toSet([peer(0), peer(3)]);
    map.setPeer(
      recordOf(
        peer(other),
        ends,
        ends.map((one) => (one === peer(3) ? 10 : 0)),
      ),
    );
    expect(map.children(peer(0), TAG)).toEqual(new Set([peer(first)]));
  });

  it('uses no relay that is not connected to oneself, however many invented ones list each other', () => {
    const graph = {
      ...chain(3),
      edges: [[0, 1], ...[...Array(10)].map((_, n) => [n + 3, n + 4] as const)] as [number, number][],
      size: 14,
      holders: [1, 5],
    };
    const map = mapOf(graph, 0, [...Array(14).keys()]);
    expect(map.connected().sort()).toEqual([peer(0), peer(1)].sort());
    expect(map.rootOf(shortId(peer(5)))).toBeUndefined();
    expect(map.children(peer(5), TAG)).toEqual(new Set());
    expect(map.size).toBe(14);
  });

  it('finds a root by its short id only while it counts', () => {
    const map = mapOf(chain(3), 0, [0, 1, 2]);
    expect(map.rootOf(shortId(peer(2)))).toBe(peer(2));
    map.remove(peer(1));
    expect(map.rootOf(shortId(peer(2)))).toBeUndefined();
    map.remove(peer(2));
    expect(map.rootOf(shortId(peer(2)))).toBeUndefined();
    expect(map.rootOf('AAAAAAAAAAA')).toBeUndefined();
  });

  it('drops trees when a record changes and forgets interest that was taken back', () => {
    const map = mapOf(chain(3), 0, [0, 1, 2]);
    expect(map.children(peer(0), TAG)).toEqual(new Set([peer(1)]));
    map.setTags(peer(2), TagSet.of([]));
    expect(map.children(peer(0), TAG)).toEqual(new Set());
    expect(map.holds(peer(2), TAG)).toBe(false);
    map.setTags(peer(2), TagSet.of([TAG]));
    expect(map.children(peer(0), TAG)).toEqual(new Set([peer(1)]));
    map.setPeer(recordOf(peer(1), [peer(0)]));
    expect(map.children(peer(0), TAG)).toEqual(new Set());
  });

  it('takes a relay that lists itself for no neighbour of itself', () => {
    const graph: Graph = {
      size: 2,
      edges: [
        [0, 0],
        [0, 1],
        [1, 1],
      ],
      claims: [],
      holders: [0, 1],
      root: 0,
    };
    expect(mapOf(graph, 0, [0, 1]).children(peer(0), TAG)).toEqual(new Set([peer(1)]));
    expect(mapOf(graph, 1, [0, 1]).children(peer(0), TAG)).toEqual(new Set());
  });

  it('computes the tree of a thousand relays in a moment', () => {
    const size = 1000;
    const named = (n: number) => toBase64url(sha256(concat(Uint8Array.of(n >> 8, n & 255))));
    const random = new Random(key(1));
    const edges = Array.from({ length: size * 3 }, (_, i) => [i % size, random.below(size)] as const);
    const map = new RelayMap(named(0), [1, 2]);
    for (const [n, others] of listed({ size, edges, claims: [], holders: [], root: 0 })) {
      const links = toSet([...others].map(named));
      map.setPeer(recordOf(named(n), links));
      map.setTags(named(n), TagSet.of([TAG]));
    }
    expect(map.connected()).toHaveLength(size);
    const neighbours = map.recordOf(named(0))?.links.filter((other) => other !== named(0)) ?? [];
    expect(map.children(named(0), TAG)).toEqual(new Set(neighbours));
  });
});
