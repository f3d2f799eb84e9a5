/** The way of a channel's messages from the core's words to those of doors. */

import type { Path } from '../../core/explain/path.ts';
import type { Origin } from '../../core/gossip/origins.ts';
import type { PathView } from './why-view.ts';

const orNull = (text: string): string | null => (text === '' ? null : text);

/** @param came where it came from; undefined where that is not remembered */
export function pathView(path: Path, isOwn: boolean, came: Origin | undefined): PathView {
  if (path.kind === 'leaf')
    return {
      kind: 'leaf',
      home: path.home.map(({ peer, isLive, isTold, isHeld, keepsMailbox }) => ({
        ...{ peer, keepsMailbox },
        live: isLive,
        told: isTold,
        holds: isHeld,
      })),
    };
  const known = came !== undefined && came.root !== '' ? 'came' : 'assumed';
  return {
    kind: 'relay',
    root: { peer: path.root, basis: isOwn ? 'own' : known, known: path.isRootKnown },
    relays: path.relays.map((relay) => ({
      peer: relay.peer,
      parent: orNull(relay.parent),
      depth: relay.depth,
      interested: relay.isInterested,
      own: relay.isOwn,
      linked: relay.isLinked,
      url: orNull(relay.url),
    })),
    moreRelays: path.moreRelays,
    interested: path.interested,
    cut: path.cut.map(({ peer, url, why }) => ({ peer, url: orNull(url), why })),
    moreCut: path.moreCut,
    leaves: path.leaves.map(({ peer, isLive }) => ({ peer, live: isLive })),
    moreLeaves: path.moreLeaves,
  };
}
