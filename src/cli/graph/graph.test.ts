/** Maps in a terminal and as a picture: every word, what is folded, and what whoever writes an address cannot do. */
import { describe, expect, it } from 'vitest';
import type { MapJson } from '../../api/client/index.ts';
import { fakeId } from '../../api/testing/fake-gate.ts';
import { DEV_MAP, LEAF_MAP, MAP, mapRelay } from '../../api/testing/fake-map.ts';
import { FAR, NEAR, OWN_PEER } from '../../api/testing/fake-why.ts';
import { displayWidth } from '../table.ts';
import { graphOf } from './graph.ts';
import { graphLines } from './lines.ts';
import { drawGraph } from './picture.ts';

const draw = (map: MapJson, width = 80): string[] => [
  ...graphLines(map, { width, mark: (_kind, name) => name }),
];

/** A tree in which each relay has `fan` more behind it, `size` in all. */
function treeOf(size: number, fan: number, changes: (i: number) => object = () => ({})): MapJson {
  const at = (i: number): string => (i === 0 ? OWN_PEER : fakeId(`relay ${i}`));
  const hops: number[] = [0];
  const relays = Array.from({ length: size }, (_, i) => {
    const parent = Math.floor((i - 1) / fan);
    if (i > 0) hops[i] = (hops[parent] ?? 0) + 1;
    return mapRelay(at(i), { hops: hops[i] ?? 0, parent: i === 0 ? null : at(parent), ...changes(i) });
  });
  return { ...MAP, links: [], relays };
}

describe('the map in a terminal', () => {
  it('of a relay has the ways to the others, their distances, and what is beside them', () => {
    expect(draw(MAP)).toEqual([
      'The map as OOOOOOOO knows it: 4 relays, 4 links, up to 2 hops away.',
      '',
      'OOOOOOOO  this relay, 3 channels, 1 leaf',
      '├─ NNNNNNNN  1 channel, 12 ms, ws://near/',
      '│  └─ FFFFFFFF  12 channels, wss://far.example/',
      '└─ SSSSSSSS  0 channels',
      '',
      'Relays by distance:',
      '  1 hop       2  ██',
      '  2 hops      1  █',
      '',
      'Links that are not on this tree: SSSSSSSS - FFFFFFFF.',
      'Links that only one end names: LLLLLLLL names FFFFFFFF.',
      'No confirmed links lead to: LLLLLLLL at ws://lost/.',
    ]);
  });

  it('with a channel has the way of its messages, and who is cut off', () => {
    expect(draw(DEV_MAP).slice(2)).toEqual([
      'From here messages of #dev go to:',
      'OOOOOOOO  this relay, passes it on, for 1 leaf',
      '└─ NNNNNNNN  passes it on, 12 ms, ws://near/',
      '   └─ FFFFFFFF  wants it, wss://far.example/',
      '1 relay more, not on the way to anybody who wants it.',
      'No confirmed links lead to: LLLLLLLL at ws://lost/, which wants it.',
    ]);
    expect(draw({ ...MAP, channel: '#dev' }).at(-1)).toBe('No relay that links lead to wants #dev.');
  });

  it('of a leaf has its home relays and the addresses that it knows', () => {
    expect(draw(LEAF_MAP).slice(0, 7)).toEqual([
      'OOOOOOOO is a leaf: it keeps no map, and knows its home relays.',
      'What is said of #dev is what they and this peer told each other.',
      '',
      'OOOOOOOO  this leaf',
      '├─ NNNNNNNN  home relay, passes messages on at once, keeps the channel, keeps a…',
      '└─ FFFFFFFF  second home relay, announces them, was told of the channel',
      '',
    ]);
    expect(draw(LEAF_MAP)[7]).toMatch(/^Other addresses: ws:\/\/lost\/ \(waiting, next try 2026-/);
    const alone = { ...LEAF_MAP, channel: null, links: [], home: [], addresses: [] };
    expect(draw(alone).at(-1)).toBe('└─ no home relay is linked');
  });

  it('that is alone is one line', () => {
    const alone = { ...MAP, links: [], relays: [mapRelay(OWN_PEER, { hops: 0 })] };
    expect(draw(alone)).toEqual([
      'The map as OOOOOOOO knows it: 1 relay, 0 links.',
      '',
      'OOOOOOOO  this relay, 0 channels',
    ]);
  });

  it.each([
    [4096, 6],
    [4096, 1],
    [400, 40],
  ])(
    'of %i relays, %i behind each, stays a screen wide and some screens long, and counts what it leaves out',
    (size, fan) => {
      const lines = draw(treeOf(size, fan));
      expect(lines.find((line) => displayWidth(line) > 80)).toBeUndefined();
      expect(lines).toContain(`${size - 60} relays farther away are not drawn; --json has all.`);
      const behind = lines.flatMap((line) => (/ {2}\+(\d+) behind it/.exec(line) ?? []).slice(1));
      expect(behind.reduce((sum, text) => sum + Number(text), 0)).toBe(size - 60);
      expect(lines.filter((line) => /─ [\w-]{8} {2}|^OOOOOOOO/.test(line))).toHaveLength(60);
    },
  );

  it('writes out what could move the cursor, cuts long addresses, and takes nothing for a line of its own', () => {
    const url = `ws://x\u001b[2J\n\u202e${'ü'.repeat(200)}/`;
    const map = { ...MAP, relays: MAP.relays.map((relay) => ({ ...relay, urls: [url] })) };
    const lines = draw(map, 60);
    for (const character of '\u001b\u202e\n') expect(lines.join('')).not.toContain(character);
    expect(lines).toContain('├─ NNNNNNNN  1 channel, 12 ms, ws://x\\x1b[2J\\x0a\\u{202e}üüü…');
    expect(lines.filter((line) => line.includes('ws:') && displayWidth(line) > 60)).toEqual([]);
  });

  it('of a channel at the end of thousands of hops has the whole way, folded', () => {
    const lines = draw({ ...treeOf(4096, 1, () => ({ onPath: true })), channel: '#dev' });
    expect(lines).toContain('4036 relays farther away are not drawn; --json has all.');
  });

  it('names twelve of a long list and counts the others', () => {
    const claims = Array.from({ length: 12 }, (_, i) => fakeId(`${i}`));
    const map = { ...MAP, relays: MAP.relays.map((relay) => ({ ...relay, claims })) };
    const text = draw(map).join(' ').replaceAll(/\s+/g, ' ');
    expect(text.match(/names/g)).toHaveLength(13); // twelve, and the words before them
    expect(text).toContain('and 48 more.');
  });
});

describe('the graph of a map', () => {
  it('has each link once, and those of the tree only there', () => {
    const { root, rings, others, claims, apart } = graphOf(MAP);
    expect([root.below, root.children.map(({ relay }) => relay.peer[0])]).toEqual([3, ['N', 'S']]);
    expect(rings).toEqual([1, 2, 1]);
    expect(others.map((pair) => pair.map((peer) => peer[0]).join(''))).toEqual(['SF']);
    expect([claims.length, apart.length]).toEqual([1, 1]);
  });

  it('of a leaf has its home relays one hop away, and apart those whose address it knows', () => {
    const { root, rings, apart } = graphOf(LEAF_MAP);
    expect(rings).toEqual([1, 2]);
    expect(root.children.map(({ relay }) => [relay.peer, relay.wants, relay.urls])).toEqual([
      [NEAR, true, ['ws://near/']],
      [FAR, false, []],
    ]);
    expect(apart.map(({ urls }) => urls)).toEqual([['ws://lost/']]);
  });

  it('takes a parent that is not there, and a map without this peer, for what they are', () => {
    const odd = { ...MAP, links: [], relays: [mapRelay(NEAR, { hops: 1, parent: FAR })] };
    expect(graphOf(odd)).toMatchObject({ root: { below: 0 }, others: [] });
    expect(draw(odd)[2]).toBe('OOOOOOOO  this relay, 0 channels');
  });
});

/** Fails on tags that are not closed in order, stray angle brackets and ampersands that begin no entity. */
function expectWellFormed(svg: string): void {
  const open: string[] = [];
  for (const [, slash, name, attributes] of svg.matchAll(/<(\/?)([a-z]+)([^<>]*)>/g)) {
    if (slash === '/') expect(open.pop()).toBe(name);
    else if (attributes?.endsWith('/') !== true) open.push(name as string);
  }
  expect(open).toEqual([]);
  expect(svg.replace(/<\/?[a-z]+[^<>]*>/g, '')).not.toMatch(/[<>]|&(?!amp;|lt;|gt;|quot;)/);
  expect(svg).not.toMatch(/<script|href|NaN|undefined|Infinity/);
}

describe('the picture of a map', () => {
  it('has every relay, the way of the channel, and links of each kind', () => {
    const svg = drawGraph(DEV_MAP);
    expectWellFormed(svg);
    const count = (kind: string): number => svg.split(`class="${kind}"`).length - 1;
    // Each kind is in the legend once more.
    const kinds = ['own', 'relay', 'wants', 'apart', 'path', 'tree', 'other', 'claim'].map((kind) => [
      kind,
      count(kind) - 1,
    ]);
    expect(Object.fromEntries(kinds)).toEqual({
      own: 1,
      relay: 2,
      wants: 1,
      apart: 1,
      path: 2,
      tree: 1,
      other: 1,
      claim: 1,
    });
    expect(svg).toContain('4 peers with 4 links, 2 hops to the farthest; 1 that no way leads to.');
    expect(drawGraph(DEV_MAP)).toBe(svg);
  });

  it('of a leaf has its home relays, and of nobody the peer itself', () => {
    expectWellFormed(drawGraph(LEAF_MAP));
    const alone = drawGraph({ ...MAP, links: [], relays: [] });
    expectWellFormed(alone);
    expect(alone).toContain('class="own"');
  });

  it('puts each of hundreds of relays at a place of its own', () => {
    const svg = drawGraph(treeOf(600, 6));
    expectWellFormed(svg);
    const dots = [...svg.matchAll(/<circle cx="([-\d.]+)" cy="([-\d.]+)" r="[69]" class="(?:own|relay)">/g)];
    expect(new Set(dots.map(([, x, y]) => `${x} ${y}`)).size).toBe(600);
  });

  it('escapes what an address may contain', () => {
    const urls = ['ws://x/"><script>\u0000&\u001b'];
    const svg = drawGraph({
      ...MAP,
      channel: '<#dev>',
      relays: MAP.relays.map((relay) => ({ ...relay, urls })),
    });
    expectWellFormed(svg);
    expect(svg).toContain('ws://x/&quot;&gt;&lt;script&gt;\\x00&amp;\\x1b');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: XML has none of them
    expect(svg).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });
});
