/**
 * The map as a picture: this peer in the middle, the others on rings by their distance, each behind the relay that its
 * shortest way passes. Nothing is drawn by lot, so the same map always looks the same.
 */
import type { MapJson, MapRelayJson } from '../../api/client/index.ts';
import { circle, element, escapeText, group, line, short, text } from '../../picture/svg.ts';
import { count, shortId, visibleLine } from '../text.ts';
import { type Graph, type GraphNode, graphOf } from './graph.ts';

interface Place {
  readonly x: number;
  readonly y: number;
  readonly angle: number;
  /** its distance from the middle, in rings */
  readonly ring: number;
}

const MARGIN = 90;
const RING_MIN = 80;
/** between two dots of one ring, with and without names */
const NAME_ROOM = 34;
const DOT_ROOM = 15;
/** beyond so many, only those that are asked for have their names beside them */
const NAMES_MAX = 90;
/** the least width: the title and the legend have room */
const WIDTH_MIN = 760;

/** Colours that also differ for people who see red and green alike (Okabe and Ito). */
const STYLE = `
text{font-family:ui-sans-serif,system-ui,"Segoe UI","DejaVu Sans",sans-serif;font-size:12px;fill:#1c2733}
.title{font-size:18px;font-weight:600}
.ring{fill:none;stroke:#e3e8ec}
.tree{stroke:#1f3b57;stroke-width:1.8}
.other{fill:none;stroke:#9fb0bf;stroke-width:1;stroke-opacity:.6}
.claim{fill:none;stroke:#d55e00;stroke-width:1.2;stroke-dasharray:4 3}
.path{stroke:#009e73;stroke-width:3.4}
.relay{fill:#0072b2}
.own{fill:#1c2733}
.wants{fill:#009e73}
.apart{fill:#fff;stroke:#7b8b9a;stroke-width:2;stroke-dasharray:3 2}
.name{font-size:11px;paint-order:stroke;stroke:#fff;stroke-width:3px;stroke-linejoin:round}`;

/** Sectors by the number of ends of the tree behind each relay. */
function endsOf(root: GraphNode): ReadonlyMap<GraphNode, number> {
  const ends = new Map<GraphNode, number>();
  const order = [root];
  for (const node of order) order.push(...node.children);
  for (const node of order.toReversed())
    ends.set(
      node,
      Math.max(
        1,
        node.children.reduce((sum, child) => sum + (ends.get(child) ?? 1), 0),
      ),
    );
  return ends;
}

function stepOf({ root, rings, apart }: Graph): number {
  const crowd = [...rings, ...(apart.length > 0 ? [apart.length] : [])];
  const room = root.below + apart.length < NAMES_MAX ? NAME_ROOM : DOT_ROOM;
  const free = (WIDTH_MIN / 2 - MARGIN) / Math.max(1, crowd.length - 1);
  return Math.max(
    RING_MIN,
    free,
    ...crowd.map((size, ring) => (size * room) / (2 * Math.PI * Math.max(1, ring))),
  );
}

function placesOf(graph: Graph): { places: Map<string, Place>; step: number } {
  const { root, rings, apart } = graph;
  const step = stepOf(graph);
  const places = new Map<string, Place>();
  const put = (peer: string, angle: number, ring: number): void => {
    const r = ring * step;
    places.set(peer, { x: r * Math.cos(angle), y: r * Math.sin(angle), angle, ring });
  };
  const ends = endsOf(root);
  // It begins at the top, clockwise.
  const open: { node: GraphNode; from: number; to: number }[] = [
    { node: root, from: -Math.PI / 2, to: 1.5 * Math.PI },
  ];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, from, to } = next;
    put(node.relay.peer, (from + to) / 2, node.hops);
    let at = from;
    for (const child of node.children) {
      const width = ((to - from) * (ends.get(child) ?? 1)) / (ends.get(node) ?? 1);
      open.push({ node: child, from: at, to: at + width });
      at += width;
    }
  }
  for (const [i, { peer }] of apart.entries())
    put(peer, ((i + 0.5) / apart.length) * 2 * Math.PI - Math.PI / 2, rings.length);
  return { places, step };
}

/** A curve that bends towards the middle, and a little aside, so that it lies on no link through the middle. */
function bow(from: Place, to: Place, kind: string): string {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const [x, y] = [((from.x + to.x) / 2) * 0.75 - 0.12 * dy, ((from.y + to.y) / 2) * 0.75 + 0.12 * dx];
  const d = `M${short(from.x)} ${short(from.y)}Q${short(x)} ${short(y)} ${short(to.x)} ${short(to.y)}`;
  return element('path', { class: kind, d });
}

function linksOf(graph: Graph, places: ReadonlyMap<string, Place>): string[] {
  const between = (kind: string, [from, to]: readonly [string, string]): string => {
    const [a, b] = [places.get(from), places.get(to)];
    return a === undefined || b === undefined ? '' : bow(a, b, kind);
  };
  const tree: string[] = [];
  const open = [graph.root];
  for (const { relay, children } of open) {
    for (const child of children) {
      const [a, b] = [places.get(relay.peer), places.get(child.relay.peer)] as [Place, Place];
      tree.push(line(a.x, a.y, b.x, b.y, { class: child.relay.onPath ? 'path' : 'tree' }));
      open.push(child);
    }
  }
  return [
    ...graph.others.map((pair) => between('other', pair)),
    ...graph.claims.map((pair) => between('claim', pair)),
    ...tree,
  ];
}

function aboutOf(relay: MapRelayJson, map: MapJson): string {
  const way =
    relay.peer === map.peer
      ? `this ${map.role}`
      : relay.hops === null
        ? 'no way leads there'
        : count(relay.hops, 'hop');
  const wish =
    map.channel === null
      ? count(relay.channels, 'channel')
      : relay.wants
        ? 'wants the channel'
        : relay.onPath
          ? 'passes it on'
          : '';
  return [relay.peer, way, wish, ...relay.urls]
    .filter((word) => word !== '')
    .map(visibleLine)
    .join(', ');
}

function dotOf(
  relay: MapRelayJson,
  place: Place,
  { map, isCrowded }: { map: MapJson; isCrowded: boolean },
): string {
  const isOwn = relay.peer === map.peer;
  const kind = isOwn ? 'own' : relay.hops === null ? 'apart' : relay.wants ? 'wants' : 'relay';
  const dot = circle(
    place.x,
    place.y,
    isOwn ? 9 : 6,
    { class: kind },
    element('title', {}, escapeText(aboutOf(relay, map))),
  );
  if (isCrowded && !isOwn && !relay.wants) return dot;
  const [dx, dy] = isOwn ? [0, -1] : [Math.cos(place.angle), Math.sin(place.angle)];
  const anchor = dx > 0.35 ? 'start' : dx < -0.35 ? 'end' : 'middle';
  const lift = anchor === 'middle' ? 4 + 4 * Math.sign(dy) : 4;
  const name = text(place.x + 11 * dx, place.y + 11 * dy + lift, shortId(relay.peer), {
    class: 'name',
    'text-anchor': anchor,
  });
  return dot + name;
}

function legendOf(map: MapJson, { others, claims, apart }: Graph, width: number): string {
  const dot = (kind: string): string => circle(11, 0, 6, { class: kind });
  const stroke = (kind: string): string => element('path', { class: kind, d: 'M0 0H22' });
  const isAsked = map.channel !== null;
  const signs: [boolean, string, string][] = [
    [true, dot('own'), `this ${map.role}`],
    [true, dot('relay'), 'relay'],
    [isAsked, dot('wants'), map.role === 'leaf' ? 'keeps the channel' : 'wants the channel'],
    [isAsked, stroke('path'), 'way of its messages from here'],
    [true, stroke('tree'), 'link on the shortest ways'],
    [others.length > 0, stroke('other'), 'other link'],
    [claims.length > 0, stroke('claim'), 'only one end names it'],
    [apart.length > 0, dot('apart'), map.role === 'leaf' ? 'not linked' : 'no way leads there'],
  ];
  const parts: string[] = [];
  let [x, y] = [0, 0];
  for (const [isSeen, sign, words] of signs) {
    if (!isSeen) continue;
    const length = 48 + words.length * 7;
    if (x > 0 && x + length > width) [x, y] = [0, y + 22];
    parts.push(element('g', { transform: `translate(${short(x)} ${short(y)})` }, sign + text(30, 4, words)));
    x += length;
  }
  return group({}, parts);
}

/** An SVG document of a map. */
export function drawGraph(map: MapJson): string {
  const graph = graphOf(map);
  const { places, step } = placesOf(graph);
  const ringsAll = graph.rings.length - 1 + (graph.apart.length > 0 ? 1 : 0);
  const size = Math.max(WIDTH_MIN, 2 * (ringsAll * step + MARGIN));
  const [top, bottom] = [52, 60];
  const relays: MapRelayJson[] = [];
  const open = [graph.root];
  for (const node of open) {
    relays.push(node.relay);
    open.push(...node.children);
  }
  relays.push(...graph.apart);
  const channel = map.channel === null ? '' : `, and the way of ${visibleLine(map.channel)}`;
  const title = `The mesh as ${shortId(map.peer)} knows it${channel}`;
  const about = `${count(graph.root.below + 1, 'peer')} with ${count(graph.root.below + graph.others.length, 'link')}, ${count(graph.rings.length - 1, 'hop')} to the farthest; ${graph.apart.length} that no way leads to. ${map.now}`;
  const isCrowded = relays.length > NAMES_MAX;
  const rings = Array.from({ length: ringsAll }, (_, i) => circle(0, 0, (i + 1) * step, { class: 'ring' }));
  const dots = relays.map((relay) => {
    const place = places.get(relay.peer);
    return place === undefined ? '' : dotOf(relay, place, { map, isCrowded });
  });
  const inner = [
    element('title', { id: 'title' }, escapeText(title)),
    element('desc', { id: 'desc' }, escapeText(about)),
    element('style', {}, STYLE),
    element('rect', { width: size, height: size + top + bottom, fill: '#fbfcfd' }),
    text(20, 34, title, { class: 'title' }),
    group({ transform: `translate(${short(size / 2)} ${short(top + size / 2)})` }, [
      ...rings,
      ...linksOf(graph, places),
      ...dots,
    ]),
    element('g', { transform: `translate(20 ${short(top + size + 14)})` }, legendOf(map, graph, size - 40)),
  ];
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${short(size)} ${short(size + top + bottom)}`,
    ...{ width: size, height: size + top + bottom, role: 'img', 'aria-labelledby': 'title desc' },
  };
  return `${element('svg', attributes, `\n${inner.join('\n')}\n`)}\n`;
}
