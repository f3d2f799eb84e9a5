/**
 * Who may have a socket here. Counts accepted sockets and says how many more the listener may accept, so that an
 * attacker who opens ten thousand of them costs a system call each and no memory.
 *
 * 1. All sockets together stay below `linksMax`, with places kept for own dials.
 * 2. Accepted sockets that have not proven who they are stay below `handshakesMax`, and per public address below
 *    `perAddressMax`. Loopback and private addresses are not counted one by one: behind a reverse proxy everybody
 *    has the proxy's address.
 */
import { isIP } from 'node:net';
import type { Scope } from '../core/contract.ts';
import { addressGroup, scopeOfIp } from './ip-scope.ts';

export interface AdmissionLimits {
  /** sockets of all kinds */
  readonly linksMax: number;
  /** accepted sockets without a finished handshake */
  readonly handshakesMax: number;
  /** the same for one address group (IPv4 address, IPv6 /64) */
  readonly perAddressMax: number;
  /** places that accepted sockets never take */
  readonly outboundReserved: number;
  /** scopes whose addresses are counted one by one */
  readonly countedScopes: readonly Scope[];
}

/** A place taken by an accepted socket. */
export interface Ticket {
  /**
   * Counts the socket under the address that its request came from. False if that one has too many unfinished
   * handshakes: then nothing changed.
   */
  countAs(remoteIp: string): boolean;
  /** the handshake is done: the place among unfinished ones is free again */
  up(): void;
  /** the socket is gone; later calls do nothing */
  leave(): void;
}

export interface Admission {
  /** Takes a place, or undefined if the address has too many unfinished handshakes. */
  enter(remoteIp: string): Ticket | undefined;
  /** how many sockets the listener may have open now, given the number of own ones */
  acceptedMax(outbound: number): number;
  /** accepted sockets: all, and those that finished their handshake */
  counts(): { readonly accepted: number; readonly up: number };
}

export function createAdmission(limits: AdmissionLimits): Admission {
  const unfinished = new Map<string, number>();
  let accepted = 0;
  let upCount = 0;

  const countOf = (group: string): number => unfinished.get(group) ?? 0;
  const release = (group: string): void => {
    const left = countOf(group) - 1;
    if (left > 0) unfinished.set(group, left);
    else unfinished.delete(group);
  };

  /** what an address is counted under; '' for those that are not counted one by one */
  const groupOf = (remoteIp: string): string => {
    const isCounted = isIP(remoteIp) !== 0 && limits.countedScopes.includes(scopeOfIp(remoteIp));
    return isCounted ? addressGroup(remoteIp) : '';
  };
  const take = (group: string): boolean => {
    if (group !== '' && countOf(group) >= limits.perAddressMax) return false;
    unfinished.set(group, countOf(group) + 1);
    return true;
  };

  function enter(remoteIp: string): Ticket | undefined {
    let group = groupOf(remoteIp);
    if (!take(group)) return undefined;
    accepted += 1;
    let state: 'unfinished' | 'up' | 'gone' = 'unfinished';
    return {
      countAs: (ip) => {
        const next = groupOf(ip);
        if (state !== 'unfinished' || next === group) return true;
        if (!take(next)) return false;
        release(group);
        group = next;
        return true;
      },
      up: () => {
        if (state !== 'unfinished') return;
        state = 'up';
        upCount += 1;
        release(group);
      },
      leave: () => {
        if (state === 'gone') return;
        if (state === 'up') upCount -= 1;
        else release(group);
        state = 'gone';
        accepted -= 1;
      },
    };
  }

  return {
    enter,
    acceptedMax: (outbound) =>
      Math.max(
        0,
        Math.min(
          limits.linksMax - Math.max(outbound, limits.outboundReserved),
          upCount + limits.handshakesMax,
        ),
      ),
    counts: () => ({ accepted, up: upCount }),
  };
}
