/**
 * What the map costs, apart from the other sections of the bench.
 *
 *   npm run bench:map                          one map of 1,000 relays with 900 channels each, and more
 *   npm run bench:map -- --sim 24 --tags 900   bytes a second in a simulated mesh of so many relays
 */
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { toBase64url } from '../../src/core/bytes.ts';
import { MINUTE } from '../../src/core/limits.ts';
import { RelayMap } from '../../src/core/membership/map.ts';
import { RecordStore } from '../../src/core/membership/record-store.ts';
import { changedTags, decodeRecord, encodeRecord, toSet } from '../../src/core/membership/records.ts';
import { TagSet } from '../../src/core/membership/tag-set.ts';
import { Random } from '../../src/core/random.ts';
import { sha256 } from '../../src/crypto/index.ts';
import { type MapFigures, playMap } from '../../src/sim/scenarios/map.ts';
import { simulate } from '../../src/sim/simulate.ts';
import { createCore } from '../../src/sim/testing/seeds.ts';
import { table } from './statistics.ts';

const encoder = new TextEncoder();
const hash = (text: string): Uint8Array => sha256(encoder.encode(text));

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** MB of heap and of typed arrays. */
function memory(): number {
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 1e6;
}

/** Microseconds for each of `times` calls. */
function timed(times: number, call: (i: number) => void): number {
  const began = performance.now();
  for (let i = 0; i < times; i++) call(i);
  return ((performance.now() - began) * 1000) / times;
}

/** Each channel is held by three relays, the homes of its leaf. */
function fill(relays: number, tags: number) {
  const ids = Array.from({ length: relays }, (_, n) => toBase64url(hash(`relay ${n}`)));
  const random = new Random(hash('map bench'));
  const links = ids.map(() => new Set<number>());
  for (const [n, mine] of links.entries())
    for (let k = 0; k < 3; k++) {
      const other = random.below(relays);
      if (other !== n && mine.size < 12 && (links[other]?.size ?? 12) < 12)
        links[other]?.add(n) && mine.add(other);
    }
  const before = memory();
  const map = new RelayMap(ids[0] as string, [1, 2]);
  const store = new RecordStore();
  const signature = new Uint8Array(64);
  let setMs = 0;
  let interestBytes = 0;
  for (const [n, peer] of ids.entries()) {
    const listed = toSet([...(links[n] ?? [])].map((other) => ids[other] as string));
    const urls = [`wss://relay-${n}.example/`];
    const own = Array.from(
      { length: tags },
      (_, k) => `channel ${(n * tags + k) % Math.ceil((relays * tags) / 3)}`,
    );
    const all = TagSet.of(own.map((name) => toBase64url(hash(name).subarray(0, 8))));
    const set = tags > 4096 ? all.toFilter() : all;
    for (const content of [
      { kind: 1, peer, sequence: 1, urls, links: listed, costs: listed.map(() => 10), expiresMs: 2 ** 50 },
      { kind: 2, peer, sequence: 1, tags: set },
    ] as const) {
      const bytes = encodeRecord(content);
      if (content.kind === 2) interestBytes += bytes.length;
      const began = performance.now();
      const decoded = decodeRecord(bytes);
      if (decoded?.kind === 1) map.setPeer(decoded);
      if (decoded?.kind === 2) map.setTags(peer, decoded.tags);
      if (decoded) store.put({ content: decoded, bytes, signature });
      if (content.kind === 2) setMs += performance.now() - began;
    }
  }
  return { ids, map, store, megabytes: memory() - before, setUs: (setMs * 1000) / relays, interestBytes };
}

function measure(relays: number, tags: number): string[] {
  const { ids, map, store, megabytes, setUs, interestBytes } = fill(relays, tags);
  const tag = toBase64url(hash('channel 5').subarray(0, 8));
  const some = ids.slice(0, 500);
  map.treeOf(ids[1] as string);
  const tree = timed(some.length, (i) => map.children(some[i] as string, tag));
  const known = timed(20_000, (i) => map.children(some[i % 500] as string, tag));
  const graph = timed(50, (i) => {
    const record = map.recordOf(ids[i] as string);
    if (record) map.setPeer(record);
    map.counts(ids[1] as string);
  });
  const [added, removed] = [0, 1].map((n) =>
    TagSet.of(Array.from({ length: 10 }, (_, k) => toBase64url(hash(`new ${n} ${k}`).subarray(0, 8)))),
  ) as [TagSet, TagSet];
  const delta = { kind: 3, peer: '', sequence: 2, base: 1, added, removed } as const;
  const isExact = map.tagsOf(ids[0] as string).isExact;
  const change = isExact
    ? timed(300, (i) =>
        map.setTags(some[i % 500] as string, changedTags(map.tagsOf(some[i % 500] as string), delta)),
      )
    : Number.NaN;
  const spare = timed(5, () => map.spare(ids));
  const us = (n: number): string => (Number.isNaN(n) ? '' : n < 10 ? n.toFixed(1) : n.toFixed(0));
  const kept = (store.bytes / 1e6).toFixed(1);
  const perTag = (interestBytes / relays / tags).toFixed(2);
  return [
    `${relays}`,
    `${tags}`,
    megabytes.toFixed(1),
    kept,
    perTag,
    us(setUs),
    us(change),
    us(graph),
    us(tree),
    us(known),
    us(spare),
  ];
}

const HEADERS = [
  'relays',
  'tags each',
  'MB in all',
  'of that records',
  'bytes a tag',
  'µs a full record',
  'µs a delta',
  'µs the graph anew',
  'µs a tree anew',
  'µs children known',
  'µs who gives way',
];

function playSim(relays: number, channels: number): void {
  let figures: MapFigures[] = [];
  const began = performance.now();
  const scenario = {
    name: 'map bench',
    about: 'the scenario map in another size',
    peers: relays,
    run: (world: Parameters<typeof playMap>[0]) => {
      figures = playMap(world, relays, { channels, restMs: 20 * MINUTE, churnMs: 4 * MINUTE });
    },
  };
  simulate({ scenario, seed: 1, createCore });
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  process.stdout.write(`${relays} relays, ${channels} channels each, ${seconds} s of this machine\n`);
  const rows = figures.map(({ phase, bytesPerSecond, recordsPerSecond }) => [
    phase,
    bytesPerSecond.toFixed(0),
    recordsPerSecond.toFixed(2),
  ]);
  process.stdout.write(`${table(['phase', 'B/s of a relay', 'frames with records/s'], rows)}\n`);
}

const { values } = parseArgs({
  options: { sim: { type: 'string' }, tags: { type: 'string', default: '900' } },
});
if (values.sim !== undefined) playSim(Number(values.sim), Number(values.tags));
else {
  const sizes = [
    [1000, 900],
    [1000, 10],
    [4000, 900],
    [1000, 4500],
  ] as const;
  process.stdout.write(
    `${table(
      HEADERS,
      sizes.map(([relays, tags]) => measure(relays, tags)),
    )}\n`,
  );
}
