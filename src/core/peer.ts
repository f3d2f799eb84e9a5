/**
 * A peer: joins the parts of the core into one state machine. `handle` takes one event and the clock, and returns what
 * is to be done; see `contract.ts` for the rules that interpreters keep.
 *
 * From the ground up: links (sockets, handshake, pings), membership (roles, records, map, addresses), interest (what is
 * wanted and held), retention (how much of it), fetcher and gossip (dissemination), ephemerals (what is never stored),
 * sync (catch-up), publisher and outbox (own messages). Each knows only those before it.
 */
import { toBase64url } from './bytes.ts';
import { Context } from './context.ts';
import type { Effect, Event, LinkId, Now, RestoredState, Timer } from './contract.ts';
import { Clocks } from './delivery/clocks.ts';
import { Outbox } from './delivery/outbox.ts';
import { Publisher } from './delivery/publish.ts';
import { Ephemerals } from './ephemeral/ephemerals.ts';
import { type ExplainParts, type Explanation, explain, type Question, recentIds } from './explain/explain.ts';
import { type Overview, overview } from './explain/overview.ts';
import { Gossip } from './gossip/gossip.ts';
import { Serving } from './gossip/serving.ts';
import { Interest } from './interest/interest.ts';
import { LIMITS } from './limits.ts';
import { Budgets } from './link/budget.ts';
import type { Link } from './link/link.ts';
import { type LinkListener, Links } from './link/links.ts';
import { Membership } from './membership/membership.ts';
import { Mesh1 } from './mesh1/mesh1.ts';
import type { Footprint, PeerConfig, PeerSnapshot } from './peer-types.ts';
import { Retention } from './retention/retention.ts';
import { snapshot } from './snapshot.ts';
import { Fetcher } from './sync/fetcher.ts';
import { Sync } from './sync/sync.ts';
import { Visits } from './sync/visits.ts';
import { decodeFrame, type Frame } from './wire/frames.ts';

export class Peer {
  readonly #ctx: Context;
  readonly #links: Links;
  readonly #budgets: Budgets;
  readonly #membership: Membership;
  readonly #interest: Interest;
  readonly #mesh1: Mesh1;
  readonly #retention: Retention;
  readonly #fetcher: Fetcher;
  readonly #gossip: Gossip;
  readonly #serving: Serving;
  readonly #ephemerals: Ephemerals;
  readonly #sync: Sync;
  readonly #visits: Visits;
  readonly #clocks: Clocks;
  readonly #publisher: Publisher;
  readonly #outbox: Outbox;

  constructor(config: PeerConfig) {
    const ctx = new Context(config);
    this.#ctx = ctx;
    const listener = this.#linkListener();
    this.#links = new Links(ctx, listener);
    this.#budgets = new Budgets(ctx);
    this.#membership = new Membership(ctx, this.#links, {
      ownTags: () => this.#interest.ownTags(),
      linkChanged: (link) => {
        this.#interest.review(link);
        this.#outbox.review();
      },
      mapChanged: (link) => this.#interest.mapChanged(link),
    });
    this.#interest = new Interest(ctx, this.#links, this.#membership, {
      shared: (link, tags) => {
        this.#sync.shared(link, tags);
        if (link.isVisit) this.#gossip.visited();
      },
      policyChanged: () => {
        this.#retention.changed();
        this.#mesh1.review();
      },
      mesh1Tags: () => this.#mesh1.tags(),
    });
    this.#retention = new Retention(ctx, this.#interest);
    this.#fetcher = new Fetcher(ctx, this.#links);
    const parts = { links: this.#links, membership: this.#membership, interest: this.#interest };
    this.#gossip = new Gossip(ctx, { ...parts, fetcher: this.#fetcher, retention: this.#retention });
    this.#serving = new Serving(ctx, this.#links, this.#gossip.seen);
    const { routes } = this.#gossip;
    this.#ephemerals = new Ephemerals(ctx, { ...parts, routes, budgets: this.#budgets });
    this.#sync = new Sync(ctx, this.#links, this.#interest, this.#fetcher);
    this.#sync.takes = (tag, timeMs) => this.#retention.takes(tag, timeMs);
    this.#sync.settle = (untilMinute, then) => this.#retention.expiry.settle(untilMinute, then);
    this.#sync.isAhead = (untilMinute) => this.#retention.expiry.isAhead(untilMinute);
    this.#sync.keepPassed = (idText) => this.#gossip.keepPassed(idText);
    this.#sync.onClockAgreed = () => this.#retention.clockConfirmed();
    const [serving, sync, { gaps }, { frame }] = [this.#serving, this.#sync, this.#gossip, listener];
    this.#visits = new Visits(ctx, { ...parts, serving, sync, gaps, frame });
    this.#clocks = new Clocks(ctx);
    this.#outbox = new Outbox(ctx, { ...parts, gossip: this.#gossip });
    this.#sync.onWithholder = (link) => this.#outbox.distrust(link, 'it lacks what others have');
    this.#mesh1 = new Mesh1(ctx, this.#links, this.#budgets, {
      isMesh2: (url, label) => this.#membership.isMesh2(url, label),
      standingOf: (url) => this.#membership.addresses.standingOf(url),
      answered: (url) => this.#membership.addresses.answered(url),
      joined: () => this.#interest.kept.joined,
      interestChanged: () => this.#interest.changed(),
      enter: (link, messages, rated) => this.#gossip.enter(link, messages, rated),
      taken: (messages, link) => this.#outbox.taken(messages, link),
    });
    this.#gossip.onPassing = (message, from) => this.#mesh1.pass(message, from);
    this.#gossip.onStored = (message) => {
      this.#clocks.see(message.channel, message.time);
      this.#visits.changed(ctx.tagOf(message.channel));
    };
    this.#serving.onServed = (messages, link) => this.#outbox.taken(messages, link);
    this.#gossip.outbound.onTaken = (messages, link) => this.#outbox.taken(messages, link);
    this.#publisher = new Publisher(ctx, this.#clocks, {
      isFull: () => this.#retention.isFull,
      carry: (tag, timeMs) => this.#interest.kept.carry(tag, true, timeMs),
      noted: (op) => this.#interest.kept.noted(op),
      published: (message, tag) => {
        this.#retention.published(message.message);
        this.#outbox.published(message, tag);
        this.#visits.changed(tag);
      },
    });
  }

  #linkListener(): LinkListener {
    return {
      isRelay: () => this.#membership.isRelay,
      isVisit: (url) => this.#visits.isDialling(url),
      mesh1: () => this.#mesh1,
      kindOf: (link) => this.#membership.kindOf(link),
      reached: (link) => this.#membership.reached(link),
      up: (link) => this.#up(link),
      frame: (link, bytes) => this.#frame(link, bytes),
      down: (link) => this.#down(link),
      ended: (link, code, reason) => {
        const livedMs = link.upMs > 0 ? this.#ctx.now.monotonicMs - link.upMs : 0;
        this.#visits.ended(link.url);
        this.#membership.ended(link.url, link.peer, livedMs, code, reason);
      },
    };
  }

  /** One event in, effects out, in the order in which they are to be executed. */
  handle(event: Event, now: Now): Effect[] {
    this.#ctx.now = now;
    this.#dispatch(event);
    return this.#ctx.takeEffects();
  }

  #dispatch(event: Event): void {
    switch (event.kind) {
      case 'started':
        return this.#start(event.state);
      case 'link-opened':
        return this.#links.opened(event);
      case 'link-closed':
        return this.#links.closed(event.link, event.reason);
      case 'text-received':
        return this.#links.text(event.link, event.text);
      case 'frame-received': {
        const link = this.#links.frame(event.link, event.bytes);
        return link && this.#frame(link, event.bytes);
      }
      case 'link-flushed':
        return this.#links.flushed(event.link, event.notify);
      case 'dial-failed':
        this.#ctx.report('debug', 'dial failed', { url: event.url, reason: event.reason });
        this.#visits.ended(event.url);
        return this.#membership.ended(event.url, '', 0, '', event.reason);
      case 'timer':
        return this.#timer(event.timer);
      case 'verified':
      case 'signed':
      case 'agreed':
      case 'read':
      case 'persisted':
      case 'persist-failed':
        return this.#ctx.resume(event);
      case 'addresses':
        return this.#membership.learn(event);
      case 'listening':
        return this.#membership.listening(event.port);
      case 'join':
        return this.#interest.kept.join(event.request, event.channel);
      case 'leave':
        return this.#interest.kept.leave(event.request, event.channel);
      case 'retain':
        return this.#interest.kept.retain(event.request, event.channel, event.policy);
      case 'publish':
        return this.#publisher.publish(event.request, event.command);
      case 'ephemeral':
        return this.#ephemerals.publish(event.request, event.command);
      case 'damaged':
        return this.#gossip.damaged();
      default:
        return event satisfies never;
    }
  }

  #start(state: RestoredState): void {
    this.#publisher.restore(state.identities);
    this.#ephemerals.restore(state.identities);
    this.#gossip.restore(state.identities);
    this.#interest.restore(state);
    this.#membership.restore(state);
    this.#retention.restore(state.clockMs);
    this.#ctx.timer({ kind: 'second' }, 1000);
  }

  #up(link: Link): void {
    this.#membership.up(link);
    if (link.phase !== 'up') return; // it was one too many
    this.#interest.up(link);
    this.#sync.up(link);
    if (link.isVisit) this.#visits.up(link);
    else this.#outbox.review();
  }

  #down(link: Link): void {
    this.#budgets.down(link);
    this.#visits.down(link);
    this.#membership.down(link);
    this.#interest.down(link);
    this.#sync.down(link);
    this.#fetcher.down(link);
    this.#gossip.down(link);
    this.#serving.down(link);
    this.#ephemerals.down(link);
    this.#outbox.review();
  }

  #frame(link: Link, bytes: Uint8Array): void {
    const frame = decodeFrame(this.#ctx.messages, bytes);
    if (!frame) return this.#links.offend(link, 'malformed', `a frame of ${bytes.length} bytes that is none`);
    this.#budgets.charge(link, frame);
    if (!this.#links.control(link, frame)) this.#route(link, frame);
  }

  #route(link: Link, frame: Frame): void {
    if (link.isVisit && !this.#visits.heard(link, frame)) return;
    switch (frame.type) {
      case 'role':
      case 'have':
      case 'want':
      case 'records':
      case 'addresses':
      case 'dial-back':
        return this.#membership.receive(link, frame);
      case 'holds':
      case 'mailbox':
      case 'mailbox-kept':
        return this.#interest.receive(link, frame);
      case 'push':
      case 'fetched':
      case 'announce':
        return this.#gossip.receive(link, frame);
      case 'fetch':
        return this.#serving.request(link, frame.ids);
      case 'stored':
        return this.#outbox.confirmed(link, frame.ids, toBase64url);
      case 'heartbeat':
      case 'sums':
      case 'reconcile':
      case 'reconciled':
      case 'offer':
        return this.#sync.receive(link, frame);
      case 'ephemeral':
        return this.#ephemerals.receive(link, frame.items);
      case 'tunnel-open':
      case 'tunnelled':
      case 'tunnel-end':
        return this.#visits.receive(link, frame);
      case 'auth':
      case 'ping':
      case 'pong':
      case 'error':
        return;
      default:
        return frame satisfies never;
    }
  }

  #timer(timer: Timer): void {
    this.#ctx.disarm(timer.kind);
    switch (timer.kind) {
      case 'second':
        return this.#second();
      case 'flush':
        this.#interest.flush();
        this.#fetcher.flush();
        this.#gossip.flush();
        this.#mesh1.flush();
        return this.#outbox.flush();
      case 'announce':
        return this.#gossip.sendAnnouncements();
      case 'announced':
        return this.#gossip.askAnnounced();
      case 'echo':
        return this.#gossip.checkEchoes();
      case 'records':
        return this.#membership.publish();
      case 'heads':
        return this.#membership.announce();
      case 'heartbeat':
        return this.#sync.heartbeat(timer.link);
      case 'ephemeral':
        return this.#ephemerals.flush();
      case 'ephemeral-own':
        return this.#ephemerals.pump();
      default:
        return timer satisfies never;
    }
  }

  #second(): void {
    this.#ctx.timer({ kind: 'second' }, 1000);
    this.#links.tick();
    this.#membership.tick();
    this.#fetcher.tick();
    this.#gossip.tick();
    this.#ephemerals.tick();
    this.#mesh1.tick();
    this.#sync.tick();
    this.#visits.tick();
    this.#outbox.tick();
    this.#interest.flush();
    this.#retention.tick();
    this.#interest.tick(this.#retention.isClockTrusted);
  }

  /** What the parts remember and the most that they may: for checks that memory stays bounded. */
  footprint(): Footprint {
    return {
      questions: { size: this.#ctx.waiting, max: LIMITS.commitQueueMax },
      ...this.#links.footprint(),
      ...this.#membership.footprint(),
      ...this.#interest.footprint(),
      ...this.#fetcher.footprint(),
      ...this.#gossip.footprint(),
      ...this.#mesh1.footprint(),
      ...this.#serving.footprint(),
      ...this.#ephemerals.footprint(),
      ...this.#sync.footprint(),
      ...this.#visits.footprint(),
      ...this.#clocks.footprint(),
      ...this.#publisher.footprint(),
      ...this.#outbox.footprint(),
    };
  }

  /** What is known of one message; changes nothing. */
  explain(question: Question, now: Now): Explanation {
    this.#ctx.now = now;
    return explain(this.#ctx, this.#explainParts, question);
  }

  /** The map as this peer knows it; changes nothing. @param channel whose way is marked, '' for none */
  overview(channel: string, now: Now): Overview {
    this.#ctx.now = now;
    return overview(this.#ctx, this.#explainParts, channel);
  }

  get isRelay(): boolean {
    return this.#membership.isRelay;
  }

  /** Whether messages of a channel are kept here and can be asked for. */
  holds(channel: string): boolean {
    return this.#interest.holds(this.#ctx.tagOf(channel));
  }

  /** Ids that begin so, among messages of the last minutes that may not be in the store; at most `limit`. */
  recentIds(prefix: string, limit: number): string[] {
    return recentIds(this.#explainParts, prefix, limit);
  }

  get #explainParts(): ExplainParts {
    const [links, membership, interest] = [this.#links, this.#membership, this.#interest];
    return {
      ...{ links, membership, interest },
      ...{ retention: this.#retention, gossip: this.#gossip, outbox: this.#outbox },
    };
  }

  /** The peer at the other end of a link; '' while it has not proven itself, and for a link that is gone. */
  peerOf(link: LinkId): string {
    return this.#links.get(link)?.peer ?? '';
  }

  /** What the peer shows of itself; changes nothing. */
  snapshot(now: Now): PeerSnapshot {
    this.#ctx.now = now;
    return snapshot(this.#ctx, {
      ...this.#explainParts,
      mesh1: this.#mesh1,
      sync: this.#sync,
      fetcher: this.#fetcher,
    });
  }
}
