/** Checks of the links of a running daemon: how many of which kind, and if there are none, why and what to do. */
import type { LinkView } from '../gate.ts';
import { type Finding, fail, ok, skipped, warn } from './finding.ts';
import type { DaemonAddress, DaemonStatus, Subject } from './subject.ts';
import { countText, durationText, listText } from './words.ts';

/** How long first links may take: lists are asked and dials begin with growing waits (guess). */
const SETTLE_MS = 60_000;
/** Addresses that are named (guess: more is no use; "mesh peers" lists all). */
const ADDRESSES_SHOWN = 3;
/** As the core names what MESH_PEERS says. */
const OWN_SOURCE = 'MESH_PEERS';

const KINDS: readonly (readonly [kind: LinkView['kind'], one: string, many: string])[] = [
  ['overlay', 'relay to relay', 'relay to relay'],
  ['home-live', 'to our home relay', 'to our home relay'],
  ['home-standby', 'to a second home relay', 'to further home relays'],
  ['leaf', 'to a leaf that hangs on us', 'to leaves that hang on us'],
  ['visit', 'a visit', 'visits'],
  ['mesh1', 'with a mesh/1 peer', 'with mesh/1 peers'],
];

function linksText(links: DaemonStatus['links']): string {
  const kinds = KINDS.flatMap(([kind, one, many]) => {
    const n = links.filter((link) => link.kind === kind).length;
    return n === 0 ? [] : [`${n} ${n === 1 ? one : many}`];
  });
  return `${countText(links.length, 'link')}: ${kinds.join(', ')}`;
}

/** Addresses that are not linked and do not lead to somebody with whom there is a link. */
function unlinked(status: DaemonStatus, addresses: readonly DaemonAddress[]): DaemonAddress[] {
  const linked = new Set(status.links.map(({ peer }) => peer));
  return addresses.filter(
    ({ state, peer }) => state !== 'linked' && state !== 'self' && !(peer !== '' && linked.has(peer)),
  );
}

function addressText({ url, state, next, lastError }: DaemonAddress, nowMs: number): string {
  const failure = lastError ? `, last try: ${lastError}` : ''; // older daemons name none
  if (state === 'dialling') return `${url} (being dialled${failure})`;
  const waitMs = next === null ? 0 : Date.parse(next) - nowMs;
  const when = waitMs >= 1000 ? `next try in ${durationText(waitMs)}` : 'tried again soon';
  return `${url} (${when}${failure})`;
}

function noLinks(
  subject: Subject,
  status: DaemonStatus,
  failing: readonly DaemonAddress[],
  listed: number,
): Finding {
  const nowMs = subject.system.wallMs();
  const runsMs = nowMs - Date.parse(status.started);
  const since = `The daemon has no link now; it has run for ${durationText(runsMs)}`;
  if (failing.length === 0 && listed === 0 && status.sources.length === 0)
    return warn(
      'links',
      `${since}, and no list and no address is configured: it waits to be dialled.`,
      'To link with others, set MESH_PEERS to the address of a peer, or MESH_BOOTSTRAP_URL to a list, and restart the daemon.',
    );
  if (failing.length === 0 && listed === 0)
    return warn(
      'links',
      `${since}, and its lists give no address.`,
      'Set MESH_PEERS to the address of a peer, such as ws://host:5000, and restart the daemon.',
    );
  const names = listText(
    failing.map((address) => addressText(address, nowMs)),
    ADDRESSES_SHOWN,
  );
  const tries = names === '' ? '' : `, and dials in vain: ${names}`;
  if (runsMs < SETTLE_MS)
    return warn('links', `${since}${tries}.`, 'Wait a minute and run "mesh doctor" again.');
  return fail(
    'links',
    `${since}${tries}.`,
    'Check that the peers there run and belong to the same MESH_NETWORK, and that no firewall is in between; "mesh peers" lists all addresses, and the log says why a dial failed if MESH_LOG_LEVEL=debug is set.',
  );
}

/** Links and addresses. @param listed addresses that the bootstrap lists give now */
export function checkLinks(subject: Subject, listed: number): Finding[] {
  const { answer, system } = subject;
  if (answer === undefined || !answer.ok) return [skipped('links', 'Only a running daemon has links.')];
  const { status, addresses } = answer;
  const failing = unlinked(status, addresses);
  if (status.links.length === 0) return [noLinks(subject, status, failing, listed)];
  const own = failing.filter(({ source }) => source === OWN_SOURCE);
  const text = linksText(status.links);
  if (own.length > 0) {
    const names = listText(
      own.map((address) => addressText(address, system.wallMs())),
      ADDRESSES_SHOWN,
    );
    const what = `There ${status.links.length === 1 ? 'is' : 'are'} ${text}; not linked of MESH_PEERS: ${names}.`;
    return [
      warn(
        'links',
        what,
        'Check that the peer there runs and belongs to the same MESH_NETWORK, or take its address off MESH_PEERS.',
      ),
    ];
  }
  const rest =
    failing.length === 0
      ? ''
      : `; ${countText(failing.length, 'further address is', 'further addresses are')} not linked`;
  return [ok('links', `There ${status.links.length === 1 ? 'is' : 'are'} ${text}${rest}.`)];
}
