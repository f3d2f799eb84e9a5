/**
 * The map for a terminal: the tree of shortest ways from this peer, nearest relays first, folded where it is large, and
 * below it what is not on the tree. Addresses are text from the mesh: they are written out and cut to the width.
 */
import type { MapJson, MapLinkJson, MapRelayJson } from '../../api/client/index.ts';
import { displayWidth } from '../table.ts';
import { count, localTime, shortId, visibleLine } from '../text.ts';
import { type Graph, type GraphNode, graphOf, type Pair, pathOf } from './graph.ts';

export interface DrawOptions {
  /** columns of the terminal, at least 40 */
  readonly width: number;
  /** marks the name of a peer: this one, one that wants the channel, any other */
  readonly mark: (kind: 'own' | 'wants' | 'other', name: string) => string;
}

/** Relays of the tree that are drawn: two screens. What lies behind the farthest of them is counted. */
const TREE_MAX = 60;
/** Items of each list below the tree. */
const LIST_MAX = 12;
/** Levels that are drawn further in; a line of relays goes on below each other. */
const INDENT_MAX = 12;
const BAR_MAX = 40;

/** The nearest {@link TREE_MAX} relays: breadth first, so that no branch hides another. */
function nearest(root: GraphNode): ReadonlySet<GraphNode> {
  const chosen = [root];
  for (const node of chosen) {
    if (chosen.length >= TREE_MAX) break;
    chosen.push(...node.children.slice(0, TREE_MAX - chosen.length));
  }
  return new Set(chosen);
}

interface Branch {
  readonly node: GraphNode;
  /** what stands before its name, and before those of its children */
  readonly head: string;
  readonly inner: string;
}

interface Drawing {
  readonly map: MapJson;
  readonly options: DrawOptions;
  readonly links: ReadonlyMap<string, MapLinkJson>;
}

function clip(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let [cut, room] = ['', width - 1];
  for (const character of text) {
    room -= displayWidth(character);
    if (room < 0) break;
    cut += character;
  }
  return `${cut}…`;
}

/** The leaves of this relay, or the round trip of our link to another one. */
function linkWords(relay: MapRelayJson, { map, links }: Drawing): string[] {
  const link = links.get(relay.peer);
  if (relay.peer !== map.peer)
    return link === undefined || link.roundTripMs === null ? [] : [`${Math.round(link.roundTripMs)} ms`];
  const leaves = map.links.filter(({ kind, wants }) => kind === 'leaf' && (map.channel === null || wants));
  if (leaves.length === 0) return [];
  return [`${map.channel === null ? '' : 'for '}${count(leaves.length, 'leaf', 'leaves')}`];
}

/** @param hidden relays behind it that are not drawn */
function wordsOf(relay: MapRelayJson, hidden: number, drawing: Drawing): string {
  const { channel } = drawing.map;
  const wish =
    channel === null ? count(relay.channels, 'channel') : relay.wants ? 'wants it' : 'passes it on';
  const url = relay.urls[0];
  return [
    ...(relay.peer === drawing.map.peer ? ['this relay'] : []),
    ...(hidden > 0 ? [`+${hidden} behind it`] : []),
    ...[wish, ...linkWords(relay, drawing)],
    ...(url === undefined ? [] : [visibleLine(url)]),
  ].join(', ');
}

function nodeLine({ node, head }: Branch, hidden: number, drawing: Drawing): string {
  const { relay } = node;
  const { options, map } = drawing;
  const kind = relay.peer === map.peer ? 'own' : relay.wants ? 'wants' : 'other';
  const name = shortId(relay.peer);
  const room = options.width - displayWidth(head) - name.length - 2;
  return `${head}${options.mark(kind, name)}  ${clip(wordsOf(relay, hidden, drawing), Math.max(8, room))}`;
}

function* treeLines(root: GraphNode, drawing: Drawing): Generator<string> {
  const shown = nearest(root);
  const open: Branch[] = [{ node: root, head: '', inner: '' }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, inner } = next;
    const children = node.children.filter((child) => shown.has(child));
    const hidden = node.below - children.reduce((sum, child) => sum + child.below + 1, 0);
    yield nodeLine(next, hidden, drawing);
    const isDeep = node.hops >= INDENT_MAX;
    const branches = children.map((child, i): Branch => {
      const isLast = i === children.length - 1;
      const head = `${inner}${isLast ? '└─ ' : '├─ '}`;
      return { node: child, head, inner: isDeep ? inner : `${inner}${isLast ? '   ' : '│  '}` };
    });
    open.push(...branches.toReversed());
  }
  const left = root.below + 1 - shown.size;
  if (left > 0)
    yield `${count(left, 'relay')} farther away ${left === 1 ? 'is' : 'are'} not drawn; --json has all.`;
}

function* ringLines({ rings }: Graph): Generator<string> {
  if (rings.length < 3) return;
  const most = Math.max(...rings);
  yield '';
  yield 'Relays by distance:';
  for (const [hops, size] of rings.entries()) {
    if (hops === 0) continue;
    const bar = '█'.repeat(Math.max(1, Math.round((BAR_MAX * size) / Math.max(most, BAR_MAX))));
    yield `  ${count(hops, 'hop').padEnd(8)}${String(size).padStart(5)}  ${bar}`;
  }
}

/** `words: a, b, c and 12 more.` over as many lines as it takes; nothing for an empty list. */
function* listLines(words: string, items: readonly string[], width: number): Generator<string> {
  if (items.length === 0) return;
  const more = items.length - LIST_MAX;
  const parts = items.slice(0, LIST_MAX).map((item, i, all) => {
    const isLast = i === all.length - 1;
    return `${item}${isLast ? (more > 0 ? ` and ${more} more.` : '.') : ','}`;
  });
  let line = `${words}:`;
  for (const part of parts) {
    const item = clip(part, width - 2);
    if (displayWidth(line) + 1 + displayWidth(item) <= width) line += ` ${item}`;
    else {
      yield line;
      line = `  ${item}`;
    }
  }
  yield line;
}

const pairText = ([from, to]: Pair): string => `${shortId(from)} - ${shortId(to)}`;

function apartText({ peer, urls, wants }: MapRelayJson, channel: string | null): string {
  const url = urls[0] === undefined ? '' : ` at ${visibleLine(urls[0])}`;
  return `${shortId(peer)}${url}${channel !== null && wants ? `, which wants it` : ''}`;
}

function* relayLines(map: MapJson, options: DrawOptions): Generator<string> {
  const graph = graphOf(map);
  const { root, rings, others, claims, apart } = graph;
  const drawing = { map, options, links: new Map(map.links.map((link) => [link.peer, link])) };
  const relays = root.below + 1;
  const { width } = options;
  const far = rings.length - 1;
  const reach = far < 1 ? '' : `, up to ${count(far, 'hop')} away`;
  yield `The map as ${shortId(map.peer)} knows it: ${count(relays, 'relay')}, ${count(root.below + others.length, 'link')}${reach}.`;
  const channel = map.channel === null ? null : visibleLine(map.channel);
  const path = channel === null ? root : pathOf(map);
  yield '';
  if (channel !== null && path !== undefined) yield clip(`From here messages of ${channel} go to:`, width);
  if (path !== undefined) yield* treeLines(path, drawing);
  else yield clip(`No relay that links lead to wants ${channel}.`, width);
  if (path !== undefined && channel !== null && root.below > path.below)
    yield `${count(root.below - path.below, 'relay')} more, not on the way to anybody who wants it.`;
  if (channel === null) {
    yield* ringLines(graph);
    if (others.length + claims.length + apart.length > 0) yield '';
    yield* listLines('Links that are not on this tree', others.map(pairText), width);
    const said = claims.map(([from, to]) => `${shortId(from)} names ${shortId(to)}`);
    yield* listLines('Links that only one end names', said, width);
  }
  const cut = channel === null ? apart : apart.filter(({ wants }) => wants);
  yield* listLines(
    'No confirmed links lead to',
    cut.map((one) => apartText(one, channel)),
    width,
  );
}

function homeWords({ kind, roundTripMs }: MapLinkJson, home: MapJson['home'][number] | undefined): string {
  const words = [
    kind === 'home-live' ? 'home relay, passes messages on at once' : 'second home relay, announces them',
  ];
  if (home !== undefined)
    words.push(
      home.holds
        ? 'keeps the channel'
        : home.told
          ? 'was told of the channel'
          : 'was not told of the channel',
    );
  if (home?.keepsMailbox === true) words.push('keeps a mailbox');
  if (roundTripMs !== null) words.push(`${Math.round(roundTripMs)} ms`);
  return words.join(', ');
}

function* leafLines(
  { peer, links, home, addresses, channel }: MapJson,
  options: DrawOptions,
): Generator<string> {
  const { width, mark } = options;
  yield `${shortId(peer)} is a leaf: it keeps no map, and knows its home relays.`;
  if (channel !== null)
    yield clip(`What is said of ${visibleLine(channel)} is what they and this peer told each other.`, width);
  yield '';
  yield `${mark('own', shortId(peer))}  this leaf`;
  if (links.length === 0) yield '└─ no home relay is linked';
  for (const [i, link] of links.entries()) {
    const head = i === links.length - 1 ? '└─ ' : '├─ ';
    const told = home.find((one) => one.peer === link.peer);
    const words = clip(homeWords(link, told), width - 13);
    yield `${head}${mark(told?.holds === true ? 'wants' : 'other', shortId(link.peer))}  ${words}`;
  }
  const others = addresses.filter(({ state }) => state !== 'linked');
  if (others.length > 0) yield '';
  const known = others.map(({ url, state, next }) => {
    const when = next === null ? '' : `, next try ${localTime(next)}`;
    return `${visibleLine(url)} (${visibleLine(state)}${when})`;
  });
  yield* listLines('Other addresses', known, width);
}

/** The lines of a map. */
export function graphLines(map: MapJson, options: DrawOptions): Generator<string> {
  return map.role === 'leaf' ? leafLines(map, options) : relayLines(map, options);
}
