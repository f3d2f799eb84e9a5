/**
 * How far an own message has got, and what is missing for the next state. Never a better word than what is known: what an
 * earlier run saw is gone but for the state and the names of who confirmed it.
 */
import type { DeliveryFacts } from '../../core/explain/explain.ts';
import type { AddressSnapshot, PeerSnapshot } from '../../core/peer-types.ts';
import type { KnownMessage } from '../../store/index.ts';
import { isoTime } from '../views.ts';
import type { DeliveryWhyView, MissingView, NextLinkView } from './why-view.ts';

/** Leaves that are named (guess: a line). */
const LEAVES_NAMED = 4;

function compareDials(a: AddressSnapshot, b: AddressSnapshot): number {
  if (a.state !== b.state) return a.state === 'dialling' ? -1 : 1;
  return a.nextMs - b.nextMs;
}

function nextLink({ addresses }: PeerSnapshot): NextLinkView {
  const open = addresses.filter(({ state }) => state === 'dialling' || state === 'waiting');
  const [next] = open.sort(compareDials);
  return {
    addresses: open.length,
    url: next?.url ?? null,
    at: next === undefined || next.state === 'dialling' ? null : isoTime(next.nextMs),
    lastError: next === undefined || next.lastError === '' ? null : next.lastError,
  };
}

export interface DeliveryWhyParts {
  readonly known: KnownMessage;
  readonly delivery: NonNullable<KnownMessage['delivery']>;
  readonly facts: DeliveryFacts;
  readonly snapshot: PeerSnapshot;
  readonly isExpired: boolean;
}

function missing({ known, delivery, facts, snapshot, isExpired }: DeliveryWhyParts): MissingView {
  if (delivery.state === 'stored') return { kind: 'nothing' };
  if (isExpired) return { kind: 'expired', at: isoTime(known.expiresMs) };
  const { keeper, underWay, unconfirmed } = facts;
  // Whoever only visits keeps nothing.
  const neighbours = snapshot.links.filter(({ kind }) => kind !== 'visit');
  if (neighbours.length === 0) return { kind: 'no-link', next: nextLink(snapshot) };
  if (keeper === undefined) {
    const leaves = neighbours.map(({ peer }) => peer);
    const named = leaves.slice(0, LEAVES_NAMED);
    const moreLeaves = leaves.length - named.length;
    return { kind: 'no-relay', leaves: named, moreLeaves, next: nextLink(snapshot) };
  }
  if (underWay === undefined) return { kind: 'turn', keeper, unconfirmed };
  const { pushedMs, againMs } = underWay;
  return { kind: 'confirmation', keeper, pushed: isoTime(pushedMs), again: isoTime(againMs) };
}

export function deliveryWhy(parts: DeliveryWhyParts): DeliveryWhyView {
  const { delivery, facts } = parts;
  const heard = new Map(facts.stored.map((deed) => [deed.peer, deed]));
  return {
    state: delivery.state,
    storedBy: delivery.storedBy.map((peer) => {
      const deed = heard.get(peer);
      return { peer, at: deed ? isoTime(deed.atMs) : null, standing: deed?.standing ?? null };
    }),
    attempts: facts.pushes,
    firstAttempt: facts.pushes === 0 ? null : isoTime(facts.firstPushMs),
    takenBy: facts.takers.map(({ peer, atMs }) => ({ peer, at: isoTime(atMs) })),
    moreTakers: facts.moreTakers,
    missing: missing(parts),
  };
}
