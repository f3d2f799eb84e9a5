import type { AddressJson, Client, LinkJson, MapJson } from '../../api/client/index.ts';
import { type CommandContext, defineCommand, type GlobalArguments } from '../command.ts';
import { withClient } from '../connect.ts';
import { UsageError } from '../exit.ts';
import { paint, print } from '../print.ts';
import { count, jsonLine, localTime, shortId, visibleLine } from '../text.ts';

const KIND: Record<LinkJson['kind'], string> = {
  overlay: 'relay to relay',
  'home-live': 'our home relay',
  'home-standby': 'our second home relay',
  leaf: 'a leaf that hangs on us',
  visit: 'a visit, to compare what both hold',
  mesh1: 'a mesh/1 peer, which proves nothing of itself',
};

const PROTECTION: Record<LinkJson['protection'], string> = {
  sealed: 'sealed',
  tls: 'over TLS',
  none: 'on this machine',
};

function protectionWords({ kind, protection }: LinkJson): string {
  if (kind === 'mesh1' && protection === 'none') return 'in clear';
  return PROTECTION[protection] ?? 'unknown protection';
}

/** What the other side calls its software; of a mesh/1 peer how much of it has to stay there. */
function tail({ kind, agent, unverified }: LinkJson): string {
  if (kind !== 'mesh1') return `, ${visibleLine(agent)}`;
  return unverified === 0
    ? ''
    : `, ${count(unverified, 'message')} there that nobody can verify (mesh/1 keeps no signatures)`;
}

/** How far catch-up has come: `catching up: 12,400 of at least 31,000 messages`. */
function progressWords({ fetched, found, comparing }: NonNullable<LinkJson['catchUp']>): string {
  const [done, all] = [fetched, found].map((n) => n.toLocaleString('en-US'));
  return `catching up: ${done} of ${comparing ? 'at least ' : ''}${all} ${found === 1 ? 'message' : 'messages'}`;
}

/** What a link has that we lack, or lacks. Older daemons say nothing of it. */
function catchUpWords({ agreement, agreementSince, fetching, catchUp }: Partial<LinkJson>): string {
  // What is asked for as it comes live is no catch-up.
  const live = fetching ? `, ${count(fetching, 'message')} being fetched` : '';
  const asked = catchUp ? `, ${progressWords(catchUp)}` : live;
  const since = agreementSince ? ` since ${localTime(agreementSince)}` : '';
  return `${agreement === 'differs' ? `, differs from us${since}` : ''}${asked}`;
}

/** A link in words, for `mesh peers` and `mesh status`. */
export function linkLine(link: LinkJson): string {
  const direction = link.direction === 'out' ? `we dialled ${visibleLine(link.url)}` : 'it dialled us';
  const since = `since ${localTime(link.since)}`;
  const kind = KIND[link.kind] ?? visibleLine(link.kind);
  const words = `${kind}, ${direction}, ${protectionWords(link)}, ${since}`;
  const isProven = link.kind !== 'mesh1' && link.peer !== '';
  const name = isProven ? shortId(link.peer) : visibleLine(link.peer || 'over other relays');
  return `  ${name}  ${words}${catchUpWords(link)}${tail(link)}`;
}

function addressLine(address: AddressJson): string {
  const peer = address.peer === '' ? '' : `, peer ${shortId(address.peer)}`;
  const next = address.next === null ? '' : `, next try ${localTime(address.next)}`;
  const failure = address.lastError ? `, last try: ${visibleLine(address.lastError)}` : ''; // older daemons name none
  return `  ${visibleLine(address.url)}  ${visibleLine(address.state)}${next}${peer}, from ${visibleLine(address.source)}${failure}`;
}

interface PeersArguments extends GlobalArguments {
  readonly graph: boolean;
  readonly channel: string | undefined;
  readonly svg: string | undefined;
}

/** Writes a picture of the map. Throws {@link UsageError} for a file that cannot be written. */
async function writeGraph(file: string, map: MapJson, { io, global }: CommandContext): Promise<void> {
  const [{ drawGraph }, { writeFileSync }, path] = await Promise.all([
    import('../graph/picture.ts'),
    import('node:fs'),
    import('node:path'),
  ]);
  const target = path.resolve(io.cwd, file);
  try {
    writeFileSync(target, drawGraph(map));
  } catch (error) {
    throw new UsageError(
      `--svg ${file} cannot be written: ${error instanceof Error ? error.message : error}`,
    );
  }
  await print(io, global.json ? jsonLine({ file: target }) : `The map is drawn in ${visibleLine(target)}.`);
}

/** `mesh peers --graph`: the mesh as the daemon knows it. */
async function showGraph(client: Client, args: PeersArguments, context: CommandContext): Promise<void> {
  const { io, global } = context;
  const map = await client.map(args.channel);
  if (args.svg !== undefined) return writeGraph(args.svg, map, context);
  if (global.json) return print(io, jsonLine(map));
  const { graphLines } = await import('../graph/lines.ts');
  const colors = { own: 'bold', wants: 'green', other: 'cyan' } as const;
  const options = {
    width: Math.max(40, io.stdout.columns ?? 80),
    mark: (kind: keyof typeof colors, name: string) => paint(io, io.stdout, colors[kind], name),
  };
  for (const line of graphLines(map, options)) await print(io, line);
}

async function showPeers(client: Client, { io, global }: CommandContext): Promise<void> {
  const peers = await client.peers();
  if (global.json) return print(io, jsonLine(peers));
  await print(io, `${count(peers.links.length, 'link')}${peers.links.length === 0 ? '.' : ':'}`);
  for (const link of peers.links) await print(io, linkLine(link));
  const known = count(peers.addresses.length, 'address', 'addresses');
  await print(io, `${known} known${peers.addresses.length === 0 ? '.' : ':'}`);
  for (const address of peers.addresses) await print(io, addressLine(address));
}

/** `mesh peers`: who we are linked with and which addresses are known, and with `--graph` the map behind them. */
export const peersCommand = defineCommand<PeersArguments>({
  usage: 'peers',
  summary: 'Show links, and addresses with what became of them; with --graph the map of the mesh',
  examples: [
    ['$0 peers --json', '{"links":[...],"addresses":[...]}'],
    ['$0 peers --graph', 'the relays that this peer knows, and the ways to them'],
    ["$0 peers --graph --channel '#dev' --svg map.svg", 'who wants #dev, as a picture'],
  ],
  build: (parser) =>
    parser.options({
      graph: { type: 'boolean', default: false, describe: 'Draw the map of the mesh as this peer knows it' },
      channel: {
        type: 'string',
        requiresArg: true,
        describe: 'With --graph: mark who wants this channel, and the way of its messages from here',
      },
      svg: {
        type: 'string',
        requiresArg: true,
        describe: 'With --graph: write the map into this file, as a picture',
      },
    }),
  run: async (args, context) => {
    if (!args.graph && (args.channel !== undefined || args.svg !== undefined))
      throw new UsageError('--channel and --svg belong to --graph.');
    await withClient(context, (client) =>
      args.graph ? showGraph(client, args, context) : showPeers(client, context),
    );
    return undefined;
  },
});
