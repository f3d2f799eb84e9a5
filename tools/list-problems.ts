/**
 * What is wrong with the bootstrap list that ships, for the person who adds a peer to it. Daemons read lists leniently:
 * they drop a wrong entry and go on. Here each mistake is named, with its entry, the reason, and what to do.
 */
import { idFromText, textOf } from '../src/core/bytes.ts';
import { LIMITS } from '../src/core/limits.ts';
import { parseBootstrap, readBootstrapEntry } from '../src/net/bootstrap-document.ts';

/** What to do about a field, by the words that name it. */
const ADVICE: readonly { readonly about: RegExp; readonly advice: string }[] = [
  {
    about: /is a \w+ address/,
    advice: 'Everybody reads this list: write an address or a name that the whole internet reaches.',
  },
  {
    about: /port \d+/,
    advice: 'Let the peer listen on 443, 80, or a port from 1024 on that no other service owns.',
  },
  { about: /"ws_url"/, advice: 'Write the address that others dial, such as "wss://relay.example.org/".' },
  { about: /"peer_id"/, advice: 'Copy "peer_id" from the /bootstrap.json that your own peer serves.' },
  { about: /"capabilities/, advice: 'Write { "relay": true, "store": true }, or leave it out.' },
  { about: /./, advice: 'Copy the entry from the /bootstrap.json that your own peer serves.' },
];

function adviceFor(what: string): string {
  return ADVICE.find(({ about }) => about.test(what))?.advice ?? '';
}

/** How people find an entry: its place, counted from 1, and its address if it has one. */
function nameOf(entry: unknown, at: number): string {
  const url = entry !== null && typeof entry === 'object' && 'ws_url' in entry ? entry.ws_url : undefined;
  return `entry ${at + 1}${typeof url === 'string' ? ` (${JSON.stringify(url.slice(0, LIMITS.urlBytesMax))})` : ''}`;
}

/** Only for a document whose frame was found right. */
function entriesOf(bytes: Uint8Array): unknown[] {
  const text = textOf(bytes)?.replace(/^\ufeff/, '') ?? '';
  return JSON.parse(text).peers;
}

/** Says of an earlier entry with the same value where it is, and remembers this one. */
function earlier(seen: Map<string, number>, value: string, at: number): number | undefined {
  const before = seen.get(value);
  if (before === undefined) seen.set(value, at);
  return before;
}

/**
 * @param file the name of the list, for the lines
 * @returns one line for each mistake; none if the list is right
 */
export function listProblems(file: string, bytes: Uint8Array): string[] {
  const parsed = parseBootstrap(bytes, 'public');
  if (!parsed.ok) {
    return [`${file}: ${parsed.detail}. It has to be a JSON object with "version": 1 and an array "peers".`];
  }
  const problems: string[] = [];
  const urls = new Map<string, number>();
  const ids = new Map<string, number>();
  for (const [at, entry] of entriesOf(bytes).entries()) {
    const report = (what: string, advice: string): void => {
      problems.push(`${file}: ${nameOf(entry, at)}: ${what}. ${advice}`);
    };
    if (at >= LIMITS.bootstrapPeersMax) {
      report(`the list is full: ${LIMITS.bootstrapPeersMax} entries are read`, 'Remove peers that are gone.');
      break;
    }
    const read = readBootstrapEntry(entry, 'public');
    if (!read.ok) {
      report(read.what, adviceFor(read.what));
      continue;
    }
    const { url, peer } = read.address;
    if (idFromText(peer) === undefined)
      report('"peer_id" is not a key of 43 characters', adviceFor('"peer_id"'));
    const [sameUrl, sameId] = [earlier(urls, url, at), peer === '' ? undefined : earlier(ids, peer, at)];
    if (sameUrl !== undefined) report(`entry ${sameUrl + 1} has the same "ws_url"`, 'Keep one of the two.');
    else if (sameId !== undefined)
      report(`entry ${sameId + 1} has the same "peer_id"`, 'Keep one of the two.');
  }
  return problems;
}
