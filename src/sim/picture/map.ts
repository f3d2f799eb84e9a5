/** The map of a simulated mesh: who is a relay, who hangs on whom, what happened to them. */

import { circle, element, escapeText, group, line, short, text } from '../../picture/svg.ts';
import type { UsedTree } from '../dissemination/index.ts';
import { type Layout, layOut, type Peer, type Place } from './layout.ts';

export interface MapPeer extends Peer {
  readonly isUp: boolean;
  readonly crashes: number;
  /** what kind of malicious peer it is, '' for an honest one */
  readonly malice: string;
}

export interface MapLink {
  readonly a: string;
  readonly b: string;
  /** between relays, from a leaf to its live relay, or from a leaf to a standby one */
  readonly kind: 'overlay' | 'live' | 'standby';
}

export interface MapData {
  readonly peers: readonly MapPeer[];
  readonly links: readonly MapLink[];
  /** the way of one message, drawn over the links */
  readonly tree?: UsedTree | undefined;
}

/** Colours that also differ for people who see red and green alike (Okabe and Ito). */
const SIDES = ['#0072b2', '#d55e00', '#009e73', '#cc79a7'] as const;
const WHOLE = '#0072b2';
const CRASHED = '#a01818';
const MALICIOUS = '#000000';
const INK = '#1c2733';
const DOWN = '#d3d8dd';

function colourOf({ side }: Peer): string {
  return side === undefined ? WHOLE : (SIDES[side % SIDES.length] as string);
}

/** A curve that bends towards the middle, so that links of neighbours on the ring do not lie on each other. */
function bow(from: Place, to: Place, bend: number): string {
  const [x, y] = [((from.x + to.x) / 2) * (1 - bend), ((from.y + to.y) / 2) * (1 - bend)];
  return `M${short(from.x)} ${short(from.y)}Q${short(x)} ${short(y)} ${short(to.x)} ${short(to.y)}`;
}

function drawLink(link: MapLink, { places }: Layout): string {
  const [from, to] = [places.get(link.a), places.get(link.b)];
  if (from === undefined || to === undefined) return '';
  if (link.kind === 'live') return line(from.x, from.y, to.x, to.y, { class: 'live' });
  return element('path', { class: link.kind, d: bow(from, to, link.kind === 'overlay' ? 0.25 : 0.4) });
}

/** Where each first copy of one message went, along the links that lie below; its author has a ring. */
function drawTree(
  { author, edges, id, channel }: UsedTree,
  { places }: Layout,
  peers: MapData['peers'],
): string {
  const isRelay = new Map(peers.map((peer) => [peer.name, peer.isRelay]));
  const words = `The way of ${id.slice(0, 8)} in ${channel}, from ${author}`;
  const paths = edges.map(([a, b]) => {
    const [from, to] = [places.get(a), places.get(b)];
    if (from === undefined || to === undefined) return '';
    const bend = isRelay.get(a) === true && isRelay.get(b) === true ? 0.25 : 0;
    return element('path', { class: 'tree', d: bow(from, to, bend) });
  });
  const place = places.get(author);
  const mark = place === undefined ? '' : circle(place.x, place.y, 15, { class: 'tree' });
  return group({}, [element('title', {}, escapeText(words)), ...paths, mark]);
}

function aboutPeer(peer: MapPeer): string {
  const what = [peer.isRelay ? 'relay' : 'leaf', ...(peer.isUp ? [] : ['down'])];
  if (peer.malice !== '') what.push(`malicious: ${peer.malice}`);
  if (peer.crashes > 0) what.push(`crashed ${peer.crashes} times`);
  if (peer.side !== undefined) what.push(`side ${peer.side + 1} of the partition`);
  return `${peer.name}: ${what.join(', ')}`;
}

function drawPeer(peer: MapPeer, place: Place, naming: Naming): string {
  const r = peer.isRelay ? 9 : 5;
  const title = element('title', {}, escapeText(aboutPeer(peer)));
  const colour = colourOf(peer);
  const fill = peer.isUp ? (peer.isRelay ? colour : '#ffffff') : DOWN;
  const dot = circle(
    place.x,
    place.y,
    r,
    { fill, stroke: colour, 'stroke-width': peer.isRelay ? 2 : 2.5 },
    title,
  );
  const ring = peer.crashes > 0 ? circle(place.x, place.y, r + 4, { class: 'crashed', fill: 'none' }) : '';
  const cross = peer.malice === '' ? '' : crossOf(place, r + 3);
  return `${ring}${dot}${cross}${nameOf(peer, place, { away: r + (peer.crashes > 0 ? 8 : 5), ...naming })}`;
}

/** A malicious peer is crossed out. */
function crossOf({ x, y }: Place, arm: number): string {
  const stroke = (dy: number) => line(x - arm, y - dy, x + arm, y + dy, { class: 'malicious' });
  return stroke(arm) + stroke(-arm);
}

/** How names stand: `isCrowded` where leaves are many, `isAlone` where relays have no leaves around them. */
interface Naming {
  readonly isCrowded: boolean;
  readonly isAlone: boolean;
}

/** A name beside a dot, level, on the side that `x` and `y` (of length 1) point to. */
function besideOf(
  words: string,
  at: Place,
  to: { x: number; y: number; away: number; kind: string },
): string {
  const anchor = to.x > 0.35 ? 'start' : to.x < -0.35 ? 'end' : 'middle';
  const lift = anchor === 'middle' ? 4 + 4 * Math.sign(to.y) : 4;
  return text(at.x + to.x * to.away, at.y + to.y * to.away + lift, words, {
    class: to.kind,
    'text-anchor': anchor,
  });
}

/** Names of relays stand inwards, those of leaves outwards: along the ray where there are many, never upside down. */
function nameOf(peer: MapPeer, place: Place, options: Naming & { away: number }): string {
  const { away, isCrowded, isAlone } = options;
  const words = peer.crashes > 1 ? `${peer.name} ×${peer.crashes}` : peer.name;
  const [x, y] = [Math.cos(place.angle), Math.sin(place.angle)];
  if (peer.isRelay) {
    const isAtMiddle = place.x === 0 && place.y === 0;
    const to = isAtMiddle ? { x: 0, y: -1 } : isAlone ? { x, y } : { x: -x, y: -y };
    return besideOf(words, place, { ...to, away, kind: 'relay-name' });
  }
  if (!isCrowded) return besideOf(words, place, { x, y, away, kind: 'leaf-name' });
  const isLeft = x < -1e-9;
  const degrees = (place.angle * 180) / Math.PI + (isLeft ? 180 : 0);
  const [left, top] = [place.x + x * away, place.y + y * away];
  return text(left, top, words, {
    class: 'leaf-name',
    'text-anchor': isLeft ? 'end' : 'start',
    'dominant-baseline': 'central',
    transform: `rotate(${short(degrees)} ${short(left)} ${short(top)})`,
  });
}

export const MAP_STYLE = `
.malicious{stroke:${MALICIOUS};stroke-width:2.4;stroke-linecap:round}
.overlay{fill:none;stroke:#1f3b57;stroke-width:1.8;stroke-opacity:.8}
.live{stroke:#7b8b9a;stroke-width:1.4}
.standby{fill:none;stroke:#9fb0bf;stroke-width:.8;stroke-opacity:.45}
.tree{fill:none;stroke:#e69f00;stroke-width:4;stroke-opacity:.85;stroke-linecap:round}
.crashed{stroke:${CRASHED};stroke-width:1.6;stroke-dasharray:3 2}
.relay-name{font-weight:600;font-size:12px;fill:${INK};paint-order:stroke;stroke:#fff;stroke-width:3px;stroke-linejoin:round}
.leaf-name{font-size:11px;fill:${INK}}`;

/** What the signs mean; the height that it takes is {@link LEGEND_HEIGHT}. */
export const LEGEND_HEIGHT = 68;

function drawLegend(data: MapData, width: number): string {
  const sides = [...new Set(data.peers.flatMap(({ side }) => (side === undefined ? [] : [side])))].sort();
  const has = (kind: MapLink['kind']) => data.links.some((link) => link.kind === kind);
  const signs: [boolean, string, string][] = [
    [true, circle(11, 0, 7, { fill: WHOLE, stroke: WHOLE }), 'relay'],
    [true, circle(11, 0, 5, { fill: '#fff', stroke: WHOLE, 'stroke-width': 2.5 }), 'leaf'],
    [has('overlay'), line(0, 0, 22, 0, { class: 'overlay' }), 'between relays'],
    [has('live'), line(0, 0, 22, 0, { class: 'live' }), 'leaf to its live relay'],
    [
      has('standby'),
      element('path', { class: 'standby', d: 'M0 0H22', style: 'stroke-opacity:1' }),
      'standby',
    ],
    [data.tree !== undefined, line(0, 0, 22, 0, { class: 'tree' }), 'way of one message'],
    [
      data.peers.some(({ crashes }) => crashes > 0),
      circle(11, 0, 8, { class: 'crashed', fill: 'none' }),
      'crashed, ×how often',
    ],
    [
      data.peers.some(({ malice }) => malice !== ''),
      circle(11, 0, 5, { fill: '#fff', stroke: WHOLE, 'stroke-width': 2.5 }) +
        crossOf({ x: 11, y: 0, angle: 0 }, 8),
      'malicious',
    ],
    [
      data.peers.some(({ isUp }) => !isUp),
      circle(11, 0, 5, { fill: DOWN, stroke: WHOLE, 'stroke-width': 2.5 }),
      'down at the end',
    ],
    ...sides.map((side): [boolean, string, string] => [
      true,
      element('rect', { x: 4, y: -6, width: 14, height: 12, fill: SIDES[side % SIDES.length] as string }),
      `side ${side + 1} of the partition`,
    ]),
  ];
  const parts: string[] = [];
  let [x, y] = [10, 0];
  for (const [isSeen, sign, words] of signs) {
    if (!isSeen) continue;
    const length = 30 + words.length * 7 + 18;
    if (x + length > width) [x, y] = [10, y + 22];
    parts.push(element('g', { transform: `translate(${short(x)} ${short(y)})` }, sign + text(30, 4, words)));
    x += length;
  }
  return group({ class: 'legend' }, parts);
}

/** @param size edge of the square that the map takes; the legend comes below it */
export function drawMap(data: MapData, size: number): string {
  const overlay = data.links.filter(({ kind }) => kind === 'overlay').map(({ a, b }) => [a, b] as const);
  const layout = layOut(data.peers, overlay, size / 2 - 62);
  const order = { standby: 0, live: 1, overlay: 2 } as const;
  const links = data.links.toSorted((a, b) => order[a.kind] - order[b.kind]);
  const leaves = data.peers.filter(({ isRelay }) => !isRelay).length;
  const naming = { isCrowded: leaves > 16, isAlone: leaves === 0 };
  const peers = data.peers.map((peer) => {
    const place = layout.places.get(peer.name);
    return place === undefined ? '' : drawPeer(peer, place, naming);
  });
  const middle = short(size / 2);
  return [
    group({ transform: `translate(${middle} ${middle})` }, [
      ...links.map((one) => drawLink(one, layout)),
      data.tree === undefined ? '' : drawTree(data.tree, layout, data.peers),
      ...peers,
    ]),
    element('g', { transform: `translate(0 ${short(size + 12)})` }, drawLegend(data, size)),
  ].join('\n');
}
