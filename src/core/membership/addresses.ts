/**
 * The address book: URLs heard of, who told them, and when to dial which. An address is a hint until a dial proves the
 * id behind it. Addresses that the operator configured are dialled for as long as the daemon runs; hints are tried at
 * most once per host in ten minutes and one a second in all, so that lists and records cannot aim the mesh at strangers.
 */
import type { Context } from '../context.ts';
import type { Scope } from '../contract.ts';
import type { ErrorCode } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { AddressSnapshot } from '../peer-types.ts';
import { mostPrivate } from './own-urls.ts';

export interface Address {
  readonly url: string;
  /** who named it: `configured`, a bootstrap source, or a peer id */
  readonly source: string;
  /** the most private one of those who named it */
  scope: Scope;
  readonly fixed: boolean;
  /** named by a source that the operator chose, not by a peer: retried by backoff alone */
  readonly trusted: boolean;
  /** id that a dial proved, or that the source claims; '' if unknown */
  peer: string;
  proven: boolean;
  /** wall time of the last proof, 0 for none */
  provenMs: number;
  state: 'waiting' | 'dialling' | 'linked' | 'self';
  /** dialled because its owner asked for it, not because a link is wanted */
  isTest: boolean;
  failures: number;
  nextMs: number;
  /** why the last try failed, '' for none */
  lastError: string;
}

/** An address as somebody names it. */
export interface Hint {
  readonly url: string;
  /** '' where the source does not say whose it is */
  readonly peer: string;
  readonly source: string;
  readonly scope: Scope;
  readonly trust: 'fixed' | 'source' | 'proven' | 'peer';
  /** wall time of the proof, where there was one */
  readonly provenMs?: number;
}

/** What decides whether a host may be dialled now. */
type Target = Readonly<Pick<Address, 'url' | 'scope' | 'trusted' | 'proven'>>;

/** What the daemon wants to be linked with right now. */
export interface DialWish {
  /** how many more links by hint are wanted */
  readonly wanted: number;
  readonly isLinked: (peer: string) => boolean;
  /** better candidates first */
  readonly rank: (address: Address) => number;
}

const HOST = /^wss?:\/\/(\[[^\]]*\]|[^/:]*)/;
const HOSTS_MAX = 8192;
/** Addresses that one peer may have in the book: it cannot push out what others named (guess). */
const BY_ONE_MAX = LIMITS.addressesMax / 4;
/**
 * Powers of two by which the wait begins after a refusal: about half a minute, for who is full 8 s (others leave it, and
 * a newcomer may know nobody else), for a test that went well a minute.
 */
const EXPONENTS: { readonly [C in ErrorCode | '']?: number } = {
  duplicate_peer: 6,
  banned: 6,
  too_many_links: 4,
  not_needed: 7,
};
/** Ends of links that were as they should be. */
const FINE: readonly (ErrorCode | '')[] = ['not_needed', 'duplicate_link', 'visit_over'];
/** All hints together (design, section 5). */
const HINT_EVERY_MS = 1000;
/** Characters of a reason that are remembered: it may be the other side's word (guess). */
const REASON_MAX = 200;

/** Host of a URL as it stands there: IPv6 in brackets, '' if there is none. */
export function hostOf(url: string): string {
  return HOST.exec(url)?.[1] ?? '';
}

/** Whether a URL is in its one spelling: the budget per host would be none if a host had many. */
function isCanonical(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { href, hostname, username, password } = new URL(url);
  return href === url && !hostname.endsWith('.') && username === '' && password === '';
}

/** Remembers when a host was dialled, of so many hosts. */
function noteHost(hosts: Map<string, number>, host: string, now: number): void {
  if (hosts.size >= HOSTS_MAX) hosts.clear();
  hosts.set(host, now);
}

/** Whether a hint could be an address at all. */
function isAddress({ url, trust }: Hint): boolean {
  return url.length <= LIMITS.urlBytesMax && HOST.test(url) && (trust !== 'peer' || isCanonical(url));
}

/** A failure as short text that begins with its code, if there is one. */
function failureText(code: ErrorCode | '', reason: string): string {
  const isNamed = code === '' || reason === code || reason.startsWith(`${code}:`);
  const text = isNamed ? reason : reason === '' ? code : `${code}: ${reason}`;
  return text.slice(0, REASON_MAX).replace(/[\ud800-\udbff]$/, ''); // no half of a character
}

/** An address that is not in the book. */
const UNKNOWN = { trusted: false, proven: false } as const;

export class Addresses {
  readonly #ctx: Context;
  readonly #book = new Map<string, Address>();
  /** those of the book that are always dialled */
  readonly #fixed = new Set<Address>();
  /** how many addresses of the book each peer named */
  readonly #named = new Map<string, number>();
  /** when a host was last dialled by hint */
  readonly #hosts = new Map<string, number>();
  /** when a host was last dialled back at the address that it comes from */
  readonly #tested = new Map<string, number>();
  #lastHintMs = Number.NEGATIVE_INFINITY;

  get size(): number {
    return this.#book.size;
  }

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  /** Adds a hint; URLs come canonical from the edge or are compared as they are. */
  learn(hint: Hint): void {
    const known = this.#book.get(hint.url);
    const fixed = hint.trust === 'fixed';
    if (known && (known.fixed || !fixed)) {
      // What a peer says of an address that the operator chose counts nothing: the claim that it is a neighbour's, or
      // our own, would keep us from dialling it.
      const mayName = hint.trust !== 'peer' || !known.trusted;
      if (!known.proven && hint.peer !== '' && mayName) known.peer = hint.peer;
      // Who names it first from afar does not keep those from it to whom it is near.
      known.scope = mostPrivate(known.scope, this.#scopeOf(hint));
      return;
    }
    if (!isAddress(hint)) return;
    if (hint.trust === 'peer' && this.#namedBy(hint.source) >= BY_ONE_MAX && !this.#evict(hint.source))
      return;
    if (this.#book.size >= LIMITS.addressesMax && !this.#evict()) return;
    this.#put({
      url: hint.url,
      source: hint.source,
      scope: this.#scopeOf(hint),
      fixed,
      trusted: hint.trust !== 'peer',
      peer: hint.peer,
      proven: hint.trust === 'proven',
      provenMs: hint.provenMs ?? known?.provenMs ?? 0,
      state: known?.state ?? 'waiting',
      isTest: false,
      failures: 0,
      nextMs: this.#ctx.now.monotonicMs,
      lastError: known?.lastError ?? '',
    });
  }

  #namedBy(source: string): number {
    return this.#named.get(source) ?? 0;
  }

  #put(address: Address): void {
    this.#drop(address.url);
    this.#book.set(address.url, address);
    if (address.fixed) this.#fixed.add(address);
    if (!address.trusted) this.#named.set(address.source, this.#namedBy(address.source) + 1);
  }

  #drop(url: string): void {
    const address = this.#book.get(url);
    if (!address) return;
    this.#book.delete(url);
    this.#fixed.delete(address);
    if (address.trusted) return;
    const left = this.#namedBy(address.source) - 1;
    if (left > 0) this.#named.set(address.source, left);
    else this.#named.delete(address.source);
  }

  /** Makes room by dropping what peers, or one of them, named and never proved, the most failed first. */
  #evict(source?: string): boolean {
    let worst: Address | undefined;
    for (const address of this.#book.values()) {
      const isSpare = !address.trusted && !address.proven && address.state === 'waiting';
      if (!isSpare || (source !== undefined && address.source !== source)) continue;
      if (!worst || address.failures > worst.failures) worst = address;
    }
    if (worst) this.#drop(worst.url);
    return worst !== undefined;
  }

  #scopeOf(hint: Hint): Scope {
    return this.#ctx.config.allowPrivate ? 'loopback' : hint.scope;
  }

  /**
   * Dials an address once, whatever links there are: its owner wants to know whether it leads there.
   * @param isFree outside the budget of hints: it is where the owner itself comes from
   * @returns `later` while the budget has no room, `no` if it is none, in use, or was tried lately
   */
  test(hint: Hint, isFree: boolean): 'dialled' | 'later' | 'no' {
    const now = this.#ctx.now.monotonicMs;
    const known = this.#book.get(hint.url);
    if (!isAddress(hint) || (known && (known.state !== 'waiting' || known.nextMs > now))) return 'no';
    const target = known ?? { url: hint.url, scope: this.#scopeOf(hint), ...UNKNOWN };
    if (!isFree && this.#isSpent(target, now)) return 'no';
    if (isFree ? !this.#isTestDue(target, now) : !this.#isHintDue(now)) return 'later';
    if (isFree) noteHost(this.#tested, this.#hostOf(target), now);
    else this.#tried(target, now);
    this.learn(hint);
    const address = this.#book.get(hint.url);
    if (!address) return 'no';
    this.#dial(address, true);
    return 'dialled';
  }

  #isTestDue(address: Target, now: number): boolean {
    const last = this.#tested.get(this.#hostOf(address));
    return last === undefined || now - last >= LIMITS.dialBackHostMs;
  }

  /** Dials an address of a relay's record to visit it there, unless it is proven to be another's; within the budget of
   *  hints, so not those that the operator named. */
  visit(hint: Hint): 'dialled' | 'later' | 'no' {
    const known = this.#book.get(hint.url);
    if (known?.fixed || (known?.proven && known.peer !== hint.peer)) return 'no';
    return this.test(hint, false);
  }

  /** Whether an address leads to its owner by no dial of ours: it is none, leads elsewhere or to ourselves, or failed last
   *  time; one that is forgotten since was tried lately. */
  isDeadEnd(hint: Hint): boolean {
    const address = this.#book.get(hint.url);
    if (!isAddress(hint) || address?.state === 'self') return true;
    if (!address)
      return this.#isSpent(
        { url: hint.url, scope: this.#scopeOf(hint), ...UNKNOWN },
        this.#ctx.now.monotonicMs,
      );
    if (address.proven && address.peer !== hint.peer) return true;
    return address.state === 'waiting' && address.failures > 0;
  }

  isDialling(url: string): boolean {
    return this.#book.get(url)?.state === 'dialling';
  }

  /** Drops an address that only a peer named and that no dial has proven. */
  forget(url: string): void {
    const address = this.#book.get(url);
    if (address && !address.trusted && !address.proven) this.#drop(url);
  }

  /** Whether an address could be dialled now for which `holds` holds. */
  isAnyDue(holds: (address: Address) => boolean): boolean {
    const now = this.#ctx.now.monotonicMs;
    for (const a of this.#book.values())
      if (a.state === 'waiting' && a.nextMs <= now && holds(a) && !this.#isSpent(a, now)) return true;
    return false;
  }

  /** Dials what is due. @returns the hint that is dialled for the sake of `wish`, if any */
  dialDue(wish: DialWish): Address | undefined {
    const now = this.#ctx.now.monotonicMs;
    let wanted = wish.wanted;
    const due: Address[] = [];
    // Most of the time nothing is wanted, and the book is long.
    for (const a of wanted > 0 ? this.#book.values() : this.#fixed) {
      if (a.state === 'dialling' && !a.fixed && !a.isTest) wanted--;
      if ((a.state !== 'waiting' && a.state !== 'self') || a.nextMs > now) continue;
      if (a.proven && wish.isLinked(a.peer)) continue; // a claim of whose it is keeps nobody from dialling
      if (a.fixed) this.#dial(a);
      else due.push(a);
    }
    if (wanted <= 0 || !this.#isHintDue(now)) return undefined;
    const best = this.#best(due, wish.rank, now);
    if (best === undefined) return undefined;
    this.#tried(best, now);
    this.#dial(best);
    return best;
  }

  /** The best of those that may be tried now, one of them by chance where they are equal. */
  #best(due: readonly Address[], rank: DialWish['rank'], now: number): Address | undefined {
    let best: Address[] = [];
    let least = Number.POSITIVE_INFINITY;
    for (const address of due) {
      const its = rank(address);
      if (its > least || this.#isSpent(address, now)) continue;
      if (its < least) best = [];
      least = its;
      best.push(address);
    }
    return best[this.#ctx.random.below(Math.max(1, best.length))];
  }

  #hostOf(address: Target): string {
    const isLocal = this.#ctx.config.allowPrivate || address.scope === 'loopback';
    return isLocal ? address.url : hostOf(address.url);
  }

  /** What peers named unproven is tried once per host in ten minutes. */
  #isSpent(address: Target, now: number): boolean {
    if (address.trusted || address.proven) return false;
    const last = this.#hosts.get(this.#hostOf(address));
    return last !== undefined && now - last < LIMITS.dialHostMs;
  }

  #isHintDue(now: number): boolean {
    return now - this.#lastHintMs >= HINT_EVERY_MS;
  }

  /** A hint is dialled: it uses the second and the host's turn. */
  #tried(address: Target, now: number): void {
    this.#lastHintMs = now;
    noteHost(this.#hosts, this.#hostOf(address), now);
  }

  #dial(address: Address, isTest = false): void {
    address.state = 'dialling';
    address.isTest = isTest;
    this.#ctx.emit({ kind: 'dial', url: address.url, scope: address.scope });
  }

  /** The dial, or the link that came of it, has ended. @param reason in words, the other side's where it said why */
  ended(url: string, livedMs: number, code: ErrorCode | '', reason = ''): void {
    const address = this.#book.get(url);
    if (!address) return;
    address.state = code === 'self_link' ? 'self' : 'waiting';
    address.lastError = failureText(code, reason);
    const isFine = livedMs >= LIMITS.dialStableMs || FINE.includes(code);
    address.failures = isFine ? 0 : address.failures + 1;
    const exponent = Math.min(Math.max(address.failures - 1, EXPONENTS[code] ?? 0), 12);
    const wait = Math.min(LIMITS.dialBackoffMinMs * 2 ** exponent, LIMITS.dialBackoffMaxMs);
    const slow = address.trusted || address.proven ? 1 : 10;
    const delayMs = code === 'self_link' ? LIMITS.dialSelfMs : wait * slow;
    address.nextMs = this.#ctx.now.monotonicMs + this.#ctx.random.jitter(delayMs, 0.3);
  }

  /** A dial of `url` proved the id behind it. */
  proved(url: string, peer: string): void {
    const address = this.#book.get(url);
    if (!address) return;
    address.state = 'linked';
    address.lastError = '';
    address.peer = peer;
    address.proven = true;
    address.provenMs = this.#ctx.now.wallMs;
  }

  /** A mesh/1 peer answers at `url`: the address is in use, and nothing is proven. */
  answered(url: string): void {
    const address = this.#book.get(url);
    if (!address) return;
    address.state = 'linked';
    address.lastError = '';
  }

  /** Who named it: the operator, a list that he chose, or a peer. */
  standingOf(url: string): 'fixed' | 'listed' | 'hint' {
    const address = this.#book.get(url);
    if (address?.fixed) return 'fixed';
    return address?.trusted ? 'listed' : 'hint';
  }

  /** Whether a dial of `url`, or of any address of `peer`, proved a mesh/2 peer lately. */
  isProvenMesh2(url: string, peer: string): boolean {
    const sinceMs = this.#ctx.now.wallMs - LIMITS.provenMs;
    const isLate = (address: Address | undefined): boolean => (address?.provenMs ?? 0) > sinceMs;
    return isLate(this.#book.get(url)) || this.all().some((a) => a.proven && a.peer === peer && isLate(a));
  }

  all(): Address[] {
    return [...this.#book.values()];
  }

  snapshot(isLinked: (peer: string) => boolean): AddressSnapshot[] {
    const { monotonicMs, wallMs } = this.#ctx.now;
    return this.all().map((a) => {
      const state = a.state === 'waiting' && a.peer !== '' && isLinked(a.peer) ? 'linked' : a.state;
      const nextMs = state === 'waiting' ? Math.round(wallMs + Math.max(0, a.nextMs - monotonicMs)) : 0;
      const lastError = state === 'linked' ? '' : a.lastError;
      return { url: a.url, peer: a.peer, source: a.source, state, nextMs, lastError };
    });
  }
}
