/**
 * Ephemerals on their way: checked like any message, passed on along the tree of their root and to the live leaves that want
 * the channel, shown to local clients, and never stored, announced, fetched, compared or carried to mesh/1.
 *
 * Invariants:
 * 1. Only what is verified, within the write rule and within the rate of its author is passed on or shown, once.
 * 2. What is late, over a rate or not the newest of its run is forgotten without a word: it was of no use any more, and
 *    nobody is punished for what others wrote.
 * 3. A run is looked up before a signature is checked, and noted only after it has held: junk silences nobody.
 */
import { toBase64url } from '../bytes.ts';
import { channelKind, mayWrite } from '../channel/channel.ts';
import type { Context } from '../context.ts';
import type { EphemeralCommand, RequestId } from '../contract.ts';
import type { Routes } from '../gossip/routes.ts';
import type { Interest } from '../interest/interest.ts';
import { LIMITS } from '../limits.ts';
import type { Budgets } from '../link/budget.ts';
import type { Link } from '../link/link.ts';
import type { Links } from '../link/links.ts';
import type { Membership } from '../membership/membership.ts';
import { runKey } from '../message/ephemeral.ts';
import { isExpired, type Message } from '../message/message.ts';
import { signatureCheck, VerifiedMessage } from '../message/verified.ts';
import type { Footprint } from '../peer-types.ts';
import { type BucketRate, TokenBuckets } from '../token-buckets.ts';
import type { EphemeralItem } from '../wire/frame.ts';
import { NewestOfRuns } from './newest.ts';
import { EphemeralQueues } from './queues.ts';
import { EphemeralSource } from './source.ts';

const AUTHOR_RATE: BucketRate = { perSecond: LIMITS.ephemeralPerSecond, burst: LIMITS.ephemeralBurst };

/** What a relay may send over one link, and a leaf. */
function linkRate(isRelay: boolean): BucketRate {
  const perSecond = isRelay ? LIMITS.ephemeralRelayPerSecond : LIMITS.ephemeralLeafPerSecond;
  return { perSecond, burst: 2 * perSecond };
}

export interface EphemeralParts {
  readonly links: Links;
  readonly budgets: Budgets;
  readonly membership: Membership;
  readonly interest: Interest;
  readonly routes: Routes;
}

export class Ephemerals {
  readonly #ctx: Context;
  readonly #parts: EphemeralParts;
  readonly #newest = new NewestOfRuns(LIMITS.ephemeralRunsMax, LIMITS.ephemeralRunMs);
  readonly #authors = new TokenBuckets<string>(LIMITS.ephemeralAuthorsMax);
  readonly #perLink = new TokenBuckets<Link>(LIMITS.linksMax);
  readonly #queues: EphemeralQueues;
  readonly #source: EphemeralSource;

  constructor(ctx: Context, parts: EphemeralParts) {
    this.#ctx = ctx;
    this.#parts = parts;
    this.#queues = new EphemeralQueues(ctx, parts.links, () => linkRate(parts.membership.isRelay));
    this.#source = new EphemeralSource(ctx, (message) => this.#published(message));
  }

  restore(identities: readonly string[]): void {
    this.#source.restore(identities);
  }

  publish(request: RequestId, command: EphemeralCommand): void {
    this.#source.take(request, command);
  }

  #published(verified: VerifiedMessage): void {
    // Signatures may be answered in another order than they were asked for.
    if (!this.#isNewest(verified.message)) return;
    this.#note(verified.message);
    this.#ctx.emit({ kind: 'ephemeral', message: verified, isOwn: true });
    const { isRelay, live } = this.#parts.membership;
    if (isRelay) this.#forward(verified, this.#ctx.config.peerId, undefined);
    else if (live) this.#queues.add(live, '', verified);
  }

  receive(link: Link, items: readonly EphemeralItem[]): void {
    const now = this.#ctx.now.monotonicMs;
    const taken = this.#perLink.take(link, linkRate(link.remoteRelay), now, items.length);
    // Honest neighbours keep to this rate: what is above it costs them what messages do.
    this.#parts.budgets.chargeTokens(link, items.length - taken);
    const wanted = items.slice(0, taken).filter(({ message }) => this.#isWanted(link, message));
    if (wanted.length === 0) return;
    const checks = wanted.map(({ message }) => signatureCheck(this.#ctx.messages, message));
    this.#ctx.verify(checks, (proofs) => {
      wanted.forEach(({ root, message }, i) => {
        const proof = proofs[i];
        const verified = proof && VerifiedMessage.fromVerification(this.#ctx.messages, message, proof);
        if (verified) this.#passed(link, root, verified);
        else this.#parts.links.offend(link, 'malformed', 'wrong signature', 'invalid_signature');
      });
    });
  }

  /** Time, write rule, run and rate, before anything is paid for a signature. */
  #isWanted(link: Link, message: Message): boolean {
    const { wallMs, monotonicMs } = this.#ctx.now;
    if (message.time.timeMs > wallMs + LIMITS.ephemeralMs || isExpired(message.expiresMs, wallMs))
      return false;
    if (!mayWrite(message.channel, message.author)) {
      const kind = channelKind(message.channel);
      if (kind !== 'inbox' && kind !== 'sealed')
        this.#parts.links.offend(link, 'malformed', 'the author may not write in this channel');
      return false;
    }
    if (!this.#isNewest(message)) return false;
    return this.#authors.left(toBase64url(message.author), AUTHOR_RATE, monotonicMs) > 0;
  }

  #passed(link: Link, root: string, verified: VerifiedMessage): void {
    const { message } = verified;
    const { monotonicMs } = this.#ctx.now;
    // Another copy may have been faster while this one was looked at.
    if (!this.#isNewest(message)) return;
    if (this.#authors.take(toBase64url(message.author), AUTHOR_RATE, monotonicMs) === 0) return;
    this.#note(message);
    const { membership, interest } = this.#parts;
    if (interest.kept.isJoined(message.channel))
      this.#ctx.emit({ kind: 'ephemeral', message: verified, isOwn: false });
    if (!membership.isRelay) return;
    const peer = root === '' ? this.#ctx.config.peerId : membership.map.rootOf(root);
    if (peer !== undefined) this.#forward(verified, peer, link);
  }

  /** Whether neither it nor anything newer of its run was here. */
  #isNewest(message: Message): boolean {
    return this.#newest.isNew(runKey(message), message.time, message.id);
  }

  #note(message: Message): void {
    this.#newest.set(runKey(message), message.time, message.id, this.#ctx.now.monotonicMs);
  }

  /** @param from the link that it came by, `undefined` for those of local identities */
  #forward(verified: VerifiedMessage, root: string, from: Link | undefined): void {
    const route = this.#parts.routes.of(this.#ctx.tagOf(verified.message.channel), root, from);
    for (const { links, root: short } of [route.children, route.live])
      for (const link of links) this.#queues.add(link, short, verified);
  }

  /** Sends what has been gathered for links. */
  flush(): void {
    this.#queues.flush();
  }

  /** Signs more of what local clients handed over. */
  pump(): void {
    this.#source.pump();
  }

  down(link: Link): void {
    this.#queues.down(link);
    this.#perLink.forget(link);
  }

  /** Once a second. */
  tick(): void {
    const { monotonicMs } = this.#ctx.now;
    this.#newest.tick(monotonicMs);
    this.#authors.tick(AUTHOR_RATE, monotonicMs);
    this.#source.tick();
  }

  footprint(): Footprint {
    return {
      ephemeralRuns: { size: this.#newest.size, max: LIMITS.ephemeralRunsMax },
      ephemeralAuthors: { size: this.#authors.size, max: LIMITS.ephemeralAuthorsMax },
      ephemeralsOfOneLink: { size: this.#queues.longest, max: LIMITS.ephemeralQueueMax },
      ephemeralsWaiting: { size: this.#source.waiting, max: LIMITS.ephemeralWaitingMax },
    };
  }
}
