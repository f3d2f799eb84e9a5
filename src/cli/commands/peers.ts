import type { AddressJson, LinkJson } from '../../api/client/index.ts';
import { defineCommand } from '../command.ts';
import { withClient } from '../connect.ts';
import { print } from '../print.ts';
import { count, jsonLine, localTime, shortId, visibleLine } from '../text.ts';

const KIND: Record<LinkJson['kind'], string> = {
  overlay: 'relay to relay',
  'home-live': 'our home relay',
  'home-standby': 'our second home relay',
  leaf: 'a leaf that hangs on us',
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

/** A link in words, for `mesh peers` and `mesh status`. */
export function linkLine(link: LinkJson): string {
  const direction = link.direction === 'out' ? `we dialled ${visibleLine(link.url)}` : 'it dialled us';
  const since = `since ${localTime(link.since)}`;
  const kind = KIND[link.kind] ?? visibleLine(link.kind);
  const words = `${kind}, ${direction}, ${protectionWords(link)}, ${since}`;
  const name = link.kind === 'mesh1' ? visibleLine(link.peer) : shortId(link.peer);
  return `  ${name}  ${words}${tail(link)}`;
}

function addressLine(address: AddressJson): string {
  const peer = address.peer === '' ? '' : `, peer ${shortId(address.peer)}`;
  const next = address.next === null ? '' : `, next try ${localTime(address.next)}`;
  const failure = address.lastError ? `, last try: ${visibleLine(address.lastError)}` : ''; // older daemons name none
  return `  ${visibleLine(address.url)}  ${visibleLine(address.state)}${next}${peer}, from ${visibleLine(address.source)}${failure}`;
}

/** `mesh peers`: who we are linked with and which addresses are known. */
export const peersCommand = defineCommand({
  usage: 'peers',
  summary: 'Show links, and addresses with what became of them',
  examples: [['$0 peers --json', '{"links":[...],"addresses":[...]}']],
  build: (parser) => parser,
  run: async (_args, context) =>
    withClient(context, async (client) => {
      const peers = await client.peers();
      const { io } = context;
      if (context.global.json) {
        await print(io, jsonLine(peers));
        return undefined;
      }
      await print(io, `${count(peers.links.length, 'link')}${peers.links.length === 0 ? '.' : ':'}`);
      for (const link of peers.links) await print(io, linkLine(link));
      const known = count(peers.addresses.length, 'address', 'addresses');
      await print(io, `${known} known${peers.addresses.length === 0 ? '.' : ':'}`);
      for (const address of peers.addresses) await print(io, addressLine(address));
      return undefined;
    }),
});
