/** The way of a channel's messages in words: one line a relay, each further in than the one that passes messages to it. */
import type { PathJson, WhyJson } from '../../api/client/index.ts';
import { count, shortId, visibleLine } from '../text.ts';

type RelayPath = Extract<PathJson, { kind: 'relay' }>;
type LeafPath = Extract<PathJson, { kind: 'leaf' }>;

/** Hops beyond which lines are not indented any further. */
const INDENT_MAX = 12;

const CUT: Readonly<Record<RelayPath['cut'][number]['why'], string>> = {
  'no-record': 'it has told what it wants, and not whom it is linked with',
  alone: 'it says that it is linked with no relay',
  'not-mutual':
    'it names links that the other ends do not confirm: a link was cut, or is just being made. If it stays so, look at both ends with "mesh peers"',
  apart: 'the relays that it is linked with are cut off from here as well',
};

const ROOT: Readonly<Record<RelayPath['root']['basis'], string>> = {
  own: 'where it enters the mesh',
  came: 'where it entered the mesh',
  assumed: 'from here, because it is not remembered where it entered',
};

function indent(depth: number): string {
  return '  '.repeat(1 + Math.min(depth, INDENT_MAX));
}

function relayLine(relay: RelayPath['relays'][number]): string {
  const url = relay.url === null ? '' : ` at ${visibleLine(relay.url)}`;
  const words = [
    relay.own ? 'this relay' : relay.linked ? 'linked with this relay' : undefined,
    relay.interested ? 'wants the channel' : 'passes it on',
  ].filter((word) => word !== undefined);
  return `${indent(relay.depth)}${shortId(relay.peer)}${url}: ${words.join(', ')}`;
}

function leavesLine({ leaves, moreLeaves }: RelayPath): string | undefined {
  if (leaves.length === 0) return undefined;
  const named = leaves.map(
    ({ peer, live }) => `${shortId(peer)} (${live ? 'gets it at once' : 'hears its id'})`,
  );
  const more = moreLeaves > 0 ? `, and ${moreLeaves} more` : '';
  return `Leaves of this relay that want it: ${named.join(', ')}${more}.`;
}

function* relayLines(path: RelayPath, channel: string): Generator<string> {
  const { root, relays, moreRelays, interested, cut, moreCut } = path;
  const others = relays.some(({ interested: wants, own }) => wants && !own);
  if (root.known) {
    yield `The path of ${channel} on the map, from ${shortId(root.peer)}, ${ROOT[root.basis]}:`;
    yield* relays.map(relayLine);
    if (moreRelays > 0) yield `  ... and ${count(moreRelays, 'more relay')}.`;
    if (!others && cut.length === 0)
      yield `No other relay on the map wants ${channel}, for itself or for a leaf of its own.`;
  } else {
    yield `The relay ${shortId(root.peer)}, ${ROOT[root.basis]}, is not on the map ${root.basis === 'own' ? 'yet' : 'any more'}: no path can be told.`;
    if (interested > 0)
      yield `${count(interested, 'relay')} that we know of ${interested === 1 ? 'wants' : 'want'} ${channel}.`;
  }
  for (const { peer, url, why } of root.known ? cut : []) {
    const where = url === null ? '' : ` at ${visibleLine(url)}`;
    yield `Cut off: ${shortId(peer)}${where} wants ${channel}, and no path on the map leads there: ${CUT[why]}.`;
  }
  if (moreCut > 0 && root.known) yield `  ... and ${count(moreCut, 'more relay')} that no path leads to.`;
  const leaves = leavesLine(path);
  if (leaves !== undefined) yield leaves;
}

function homeLine(
  { peer, live, told, holds, keepsMailbox }: LeafPath['home'][number],
  channel: string,
): string {
  const role = live ? 'home relay, passes messages on at once' : 'second home relay, announces them';
  const interest = holds
    ? `keeps ${channel}`
    : told
      ? `was told that this peer wants ${channel}, and has not answered yet`
      : `was not told of ${channel}, because it is not joined here`;
  const mailbox = keepsMailbox ? ', keeps joined channels for this peer while it is away' : '';
  return `    ${shortId(peer)}: ${role}; ${interest}${mailbox}`;
}

function* leafLines({ home }: LeafPath, own: string, channel: string): Generator<string> {
  yield `The path of ${channel}, as far as this peer knows it:`;
  yield `  ${shortId(own)}: this peer, a leaf`;
  if (home.length === 0) return yield '    no home relay is linked';
  for (const relay of home) yield homeLine(relay, channel);
  yield 'A leaf keeps no map. What lies behind its home relays, "mesh why" tells at a relay.';
}

/** The lines of the path; none where nothing is known of the channel. */
export function* pathLines({ path, message, peer }: WhyJson): Generator<string> {
  if (path === null || message === null) return;
  const channel = visibleLine(message.channel);
  if (path.kind === 'leaf') yield* leafLines(path, peer, channel);
  else yield* relayLines(path, channel);
}
