/** How far an own message has got, in words: the first line, then the reasons. */
import type {
  DeliveryWhyJson,
  KeeperJson,
  MissingJson,
  NextLinkJson,
  WhyJson,
} from '../../api/client/index.ts';
import { count, localTime, shortId, visibleLine } from '../text.ts';
import { fromNow } from './moments.ts';

const KEEPER: Readonly<Record<KeeperJson['standing'], string>> = {
  home: 'the home relay',
  dialled: 'the relay',
  'dialled-in': 'the relay',
};

const COUNTS: Readonly<Record<KeeperJson['standing'], string>> = {
  home: 'it counts as the home relay of this peer',
  dialled: 'it counts as a relay whose address this daemon proved by dialling',
  'dialled-in':
    'it counts though it dialled this daemon, so that its address is not proven: no better relay was linked',
};

const keeperName = ({ peer, standing }: KeeperJson): string => `${KEEPER[standing]} ${shortId(peer)}`;

function headline({ state, storedBy, takenBy, moreTakers, missing }: DeliveryWhyJson): string {
  const takers = takenBy.length + moreTakers;
  const taken = takers === 0 ? 'a peer took it' : `${count(takers, 'peer')} took it`;
  const start =
    state === 'queued'
      ? 'Waiting: it is on this disk only'
      : `On its way: ${taken}, and none that counts has said that it is on disk`;
  switch (missing.kind) {
    case 'nothing': {
      const [first] = storedBy;
      if (storedBy.length === 1 && first)
        return `Stored: the relay ${shortId(first.peer)} has it on its disk.`;
      return storedBy.length === 0
        ? 'Stored: a relay has it on its disk.'
        : `Stored: ${storedBy.length} relays have it on their disks.`;
    }
    case 'expired':
      return 'Expired: its time was over before anybody said that it is on disk.';
    case 'no-link':
      return `${start}; no link is up.`;
    case 'no-relay':
      return `${start}; no relay is linked with this one.`;
    case 'confirmation':
      return `${start}; the word of ${keeperName(missing.keeper)} is missing.`;
    case 'turn':
      return `${start}; its turn at ${keeperName(missing.keeper)} has not come.`;
    default:
      return missing satisfies never;
  }
}

function nextWords({ addresses, url, at, lastError }: NextLinkJson, now: string): string {
  if (url === null)
    return 'no address is known to dial. Name one in MESH_PEERS, or a bootstrap list in MESH_BOOTSTRAP_URL';
  const when = at === null ? 'is being dialled now' : `is dialled ${fromNow(at, now)}`;
  const others =
    addresses > 1 ? `, and ${count(addresses - 1, 'more address', 'more addresses')} after it` : '';
  const failure = lastError === null ? '' : `; last try: ${visibleLine(lastError)}`;
  return `${visibleLine(url)} ${when}${others}${failure}`;
}

function* missingLines(missing: MissingJson, now: string): Generator<string> {
  switch (missing.kind) {
    case 'nothing':
      yield 'Missing:   nothing. This daemon may go offline.';
      return;
    case 'expired':
      yield `Missing:   nothing can help any more: it expired ${fromNow(missing.at, now)}.`;
      return;
    case 'no-link':
      yield 'Missing:   a link to a relay.';
      yield `Next:      ${nextWords(missing.next, now)}.`;
      return;
    case 'no-relay': {
      const { leaves, moreLeaves, next } = missing;
      const more = moreLeaves > 0 ? ` and ${moreLeaves} more` : '';
      const named = leaves.map(shortId).join(', ') + more;
      yield leaves.length === 1
        ? `Missing:   a relay that keeps it. ${named} is a leaf: its word does not count.`
        : `Missing:   a relay that keeps it. ${named} are leaves: their word does not count.`;
      yield `Next:      ${nextWords(next, now)}. A relay that dials this one helps as well.`;
      return;
    }
    case 'confirmation': {
      const { keeper, pushed, again } = missing;
      yield `Missing:   that ${keeperName(keeper)} says it is on its disk. It got it ${fromNow(pushed, now)}.`;
      yield `Next:      it is sent again ${fromNow(again, now)} if nothing is heard until then.`;
      return;
    }
    case 'turn':
      yield `Missing:   its turn: ${keeperName(missing.keeper)} has ${count(missing.unconfirmed, 'message')} of this daemon to confirm first.`;
      yield 'Next:      nothing to do; it follows by itself.';
      return;
    default:
      missing satisfies never;
  }
}

function* deedLines(delivery: DeliveryWhyJson, now: string): Generator<string> {
  const { takenBy, moreTakers, storedBy, attempts, firstAttempt } = delivery;
  const more = moreTakers > 0 ? `, and ${moreTakers} more` : '';
  if (takenBy.length > 0)
    yield `Taken by:  ${takenBy.map(({ peer, at }) => `${shortId(peer)} ${fromNow(at, now)}`).join(', ')}${more}`;
  else if (delivery.state !== 'queued') yield 'Taken by:  a peer, before this daemon was started';
  for (const { peer, at, standing } of storedBy) {
    const when = at === null ? 'before this daemon was started' : fromNow(at, now);
    yield `Stored by: ${shortId(peer)} ${when}${standing === null ? '' : `; ${COUNTS[standing]}`}`;
  }
  if (attempts > 1 && firstAttempt !== null)
    yield `Attempts:  ${attempts}, the first ${fromNow(firstAttempt, now)}`;
}

/** @param delivery of `why` */
export function* ownLines({ message, now, id }: WhyJson, delivery: DeliveryWhyJson): Generator<string> {
  yield headline(delivery);
  yield '';
  yield `Message:   ${visibleLine(id)}`;
  if (message !== null) {
    yield `Channel:   ${visibleLine(message.channel)}`;
    yield `Written:   here, ${localTime(message.time)}, ${fromNow(message.time, now)}`;
    if (message.expires !== null)
      yield `Expires:   ${localTime(message.expires)}, ${fromNow(message.expires, now)}`;
  }
  yield* deedLines(delivery, now);
  yield* missingLines(delivery.missing, now);
}
