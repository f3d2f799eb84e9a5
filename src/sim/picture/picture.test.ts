import { describe, expect, it } from 'vitest';
import { Peer } from '../../core/peer.ts';
import { element, short } from '../../picture/svg.ts';
import { line } from '../scenarios/line.ts';
import { malice } from '../scenarios/malice.ts';
import { mesh30 } from '../scenarios/mesh.ts';
import { Simulation } from '../simulate.ts';
import { delayAt, describeMs, drawCurve } from './curve.ts';
import { layOut, type Peer as MapPeer } from './layout.ts';

function draw(scenario: typeof line, seed: number, peers?: number): string {
  const size = peers === undefined ? {} : { peers };
  const simulation = new Simulation({ scenario, seed, createCore: (config) => new Peer(config), ...size });
  simulation.play();
  return simulation.draw('passed');
}

/** Fails on tags that are not closed in order, stray angle brackets and ampersands that begin no entity. */
function assertWellFormed(svg: string): void {
  const open: string[] = [];
  for (const [, slash, name, attributes] of svg.matchAll(/<(\/?)([a-z]+)([^<>]*)>/g)) {
    if (slash === '/') expect(open.pop()).toBe(name);
    else if (!attributes?.endsWith('/')) open.push(name as string);
  }
  expect(open).toEqual([]);
  expect(svg.replace(/<\/?[a-z]+[^<>]*>/g, '')).not.toMatch(/[<>]|&(?!amp;|lt;|gt;|quot;)/);
}

describe('the picture of a simulation', () => {
  it('is one SVG with a title, a description and nothing from elsewhere', () => {
    const svg = draw(line, 1);
    assertWellFormed(svg);
    expect(svg).toMatch(
      /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" [^>]*role="img" aria-labelledby="title desc">/,
    );
    expect(svg).toContain('<title id="title">line, seed 1: passed</title>');
    expect(svg).toContain('2 relays and 2 leaves');
    expect(svg).not.toMatch(/<script|href|url\(|@import|NaN|undefined|Infinity/);
    for (const name of ['A', 'B', 'D', 'E']) expect(svg).toContain(`>${name}</text>`);
    // The way A - B - D - E or back, the ring of its author, and the sign in the legend.
    expect(svg.match(/class="tree"/g)).toHaveLength(5);
    expect(svg).toMatch(/<title>The way of [\w-]{8} in dev, from [AE]<\/title>/);
    expect(svg).toContain('>Latency per flooding p50, p90, p99</text>');
  });

  it('is the same to the byte for the same seed', () => {
    const first = draw(mesh30, 3, 8);
    assertWellFormed(first);
    expect(first).toContain('crashed');
    expect(draw(mesh30, 3, 8)).toBe(first);
  });

  it('crosses malicious peers out and says what kind each is', () => {
    const svg = draw(malice, 3, 10);
    assertWellFormed(svg);
    expect(svg).toContain('class="malicious"');
    expect(svg).toMatch(/>m01: (?:relay|leaf), .*malicious: nagger/);
  });

  it('can be drawn of a world in which nothing has happened yet', () => {
    const simulation = new Simulation({ scenario: line, seed: 1, createCore: (config) => new Peer(config) });
    const svg = simulation.draw('not played');
    assertWellFormed(svg);
    expect(svg).toContain('Nothing was delivered');
    expect(svg).not.toContain('class="tree"');
  });
});

function meshOf(relays: number, leaves: number): MapPeer[] {
  const named = (letter: string, count: number) => Array.from({ length: count }, (_, i) => `${letter}${i}`);
  const others = { side: undefined };
  return [
    ...named('r', relays).map((name) => ({ ...others, name, isRelay: true, home: undefined })),
    ...named('p', leaves).map((name, i) => ({ ...others, name, isRelay: false, home: `r${i % relays}` })),
  ];
}

describe('the layout', () => {
  it.each([
    [1, 2],
    [2, 2],
    [3, 0],
    [3, 27],
    [12, 88],
    [100, 0],
  ])('gives %i relays and %i leaves places of their own', (relays, leaves) => {
    const peers = meshOf(relays, leaves);
    const { places } = layOut(peers, [], 300);
    expect(places.size).toBe(peers.length);
    const all = [...places.values()];
    for (const [i, a] of all.entries())
      for (const b of all.slice(i + 1)) expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeGreaterThan(14);
    for (const { x, y } of all) expect(Math.hypot(x, y)).toBeLessThanOrEqual(300.001);
  });

  it('puts relays that are linked beside each other', () => {
    const chain = ['r0', 'r3', 'r1', 'r4', 'r2', 'r5'];
    const links = chain.slice(1).map((name, i) => [chain[i] as string, name] as const);
    const { places } = layOut(meshOf(6, 0), links, 300);
    const order = [...places].sort(([, a], [, b]) => a.angle - b.angle).map(([name]) => name);
    const round = [...order, ...order].join();
    expect([chain.join(), chain.toReversed().join()].some((one) => round.includes(one))).toBe(true);
  });

  it('keeps whoever has no relay', () => {
    const lost = { name: 'lost', isRelay: false, home: undefined, side: undefined };
    expect(layOut([...meshOf(2, 3), lost], [], 300).places.get('lost')).toBeDefined();
  });
});

describe('the delivery curve', () => {
  it('marks where half, 99% and all of what was due is delivered', () => {
    const delaysMs = Array.from({ length: 200 }, (_, i) => 10 * (i + 1));
    expect([0.5, 0.99, 1].map((share) => delayAt(delaysMs, share))).toEqual([1000, 1980, 2000]);
    const curve = drawCurve({ delaysMs, pairs: 200 }, 400, 300);
    for (const words of ['p50 1 s', 'p99 2 s', '100% 2 s']) expect(curve).toContain(words);
  });

  it('says how much there is where not all came', () => {
    expect(drawCurve({ delaysMs: [50, 60], pairs: 4 }, 400, 300)).toContain('50%, the last 60 ms');
  });

  it.each([
    [40, '40 ms'],
    [1500, '1.5 s'],
    [90_000, '1.5 min'],
    [5_400_000, '1.5 h'],
  ])('writes %i ms as %s', (ms, words) => expect(describeMs(ms)).toBe(words));
});

describe('SVG', () => {
  it('escapes what a name may contain, and prints numbers short', () => {
    expect(element('a', { b: '<"&>' })).toBe('<a b="&lt;&quot;&amp;&gt;"/>');
    expect([1 / 3, -0.001, 2].map(short)).toEqual(['0.33', '0', '2']);
  });
});
