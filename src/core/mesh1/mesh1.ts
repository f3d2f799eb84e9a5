/**
 * Links with mesh/1 peers. They prove nothing of themselves, so what they bring is believed only for the signature that it
 * carries, and none of them can be banned for what another wrote.
 *
 * A mesh/1 peer is treated like a leaf of this one. What it subscribes to is interest of ours; what it says enters the
 * mesh here. It gets the messages of the open channels that it subscribed to and, if it is a relay, of those that we
 * subscribed to at it: mesh/1 does not pass interest on, so others behind it would not get them otherwise. Private
 * channels of mesh/1 (`dm:`) are in clear and are never carried (protocol design, section 10).
 */

import { channelKind } from '../channel/channel.ts';
import type { Context } from '../context.ts';
import type { LinkId } from '../contract.ts';
import { LIMITS } from '../limits.ts';
import type { Budgets } from '../link/budget.ts';
import type { Link, Mesh1Listener, Refusal } from '../link/link.ts';
import type { Links } from '../link/links.ts';
import type { Message } from '../message/message.ts';
import type { VerifiedMessage } from '../message/verified.ts';
import type { Footprint, LinkSnapshot } from '../peer-types.ts';
import { encodeErrorText, type Mesh1Hello, printable } from '../wire/handshake.ts';
import {
  encodeMesh1Message,
  encodeSubscription,
  type Mesh1Frame,
  type Mesh1Message,
  mesh1Fields,
  parseMesh1,
} from '../wire/mesh1.ts';
import { claimOf } from './claim.ts';
import { Pull } from './pull.ts';
import { Serve } from './serve.ts';
import { RecentIds, type Session, takesChannel } from './session.ts';

export interface Mesh1Host {
  readonly isMesh2: (url: string, label: string) => boolean;
  /** who named an address that we dialled: the operator, a list that he chose, or a peer */
  readonly standingOf: (url: string) => 'fixed' | 'listed' | 'hint';
  /** the address is in use */
  readonly answered: (url: string) => void;
  /** open channels that were joined here */
  readonly joined: () => readonly string[];
  readonly interestChanged: () => void;
  /** messages that came in, their signatures not checked; `rated`: nobody here asked for them */
  readonly enter: (link: Link, messages: readonly Message[], rated: boolean) => void;
  /** a link has really taken messages of local identities */
  readonly taken: (messages: readonly Message[], link: Link) => void;
}

/** A text costs one message, and one more for so many characters (guess). */
const CHARACTERS_PER_TOKEN = 16_384;

export class Mesh1 implements Mesh1Listener {
  readonly #ctx: Context;
  readonly #links: Links;
  readonly #budgets: Budgets;
  readonly #host: Mesh1Host;
  readonly #pull: Pull;
  readonly #serve: Serve;
  readonly #sessions = new Map<LinkId, Session>();
  /** what we should be subscribed to may have changed */
  #isStale = false;

  constructor(ctx: Context, links: Links, budgets: Budgets, host: Mesh1Host) {
    this.#ctx = ctx;
    this.#links = links;
    this.#budgets = budgets;
    this.#host = host;
    this.#serve = new Serve(ctx, links, (link, tokens) => budgets.chargeTokens(link, tokens));
    this.#pull = new Pull(ctx, links, {
      enter: (session, messages, rated) => this.#host.enter(session.link, messages, rated),
      charge: (session, tokens) => budgets.chargeTokens(session.link, tokens),
      walked: (session, channel) => {
        if (session.isRelay) this.#serve.offer(session, channel);
      },
    });
  }

  refusal(link: Link, { label }: Mesh1Hello): Refusal | undefined {
    if (!this.#ctx.config.mesh1)
      return {
        code: 'unsupported_version',
        detail: 'no capabilities.mesh: links with mesh/1 peers are off here',
      };
    if (label === this.#ctx.config.peerId) return { code: 'self_link', detail: 'this is the same daemon' };
    if (this.#host.isMesh2(link.url, label))
      return { code: 'unauthorized', detail: 'this peer was known as one of mesh/2 less than 30 days ago' };
    if (link.role === 'dialler') {
      const standing = this.#host.standingOf(link.url);
      if (standing === 'hint')
        return { code: 'unauthorized', detail: 'mesh/1 peers are taken from lists and from MESH_PEERS only' };
      if (standing === 'fixed') return undefined;
    }
    const same = [...this.#sessions.values()].filter((other) => other.link.role === link.role).length;
    const most = link.role === 'dialler' ? LIMITS.mesh1OutboundMax : LIMITS.mesh1InboundMax;
    return same < most
      ? undefined
      : { code: 'too_many_links', detail: `${most} mesh/1 peers are linked already` };
  }

  up(link: Link, { label, relay, store }: Mesh1Hello): void {
    const session: Session = {
      link,
      label,
      isRelay: relay,
      hasStore: store,
      wants: new Map(),
      told: new Set(),
      known: new RecentIds(LIMITS.mesh1KnownMax),
      unverified: 0,
      malformed: 0,
      isToldPrivate: false,
      hasComplained: false,
    };
    this.#sessions.set(link.id, session);
    this.#host.answered(link.url);
    this.#subscribe(session, this.#wanted());
  }

  down(link: Link): void {
    const session = this.#sessions.get(link.id);
    if (!session) return;
    this.#sessions.delete(link.id);
    this.#budgets.down(link);
    this.#pull.down(session);
    this.#serve.down(session);
    if (session.wants.size > 0) this.#wantsChanged();
  }

  #wantsChanged(): void {
    this.#isStale = true;
    this.#host.interestChanged();
  }

  /** Channels were joined or left. */
  review(): void {
    this.#isStale = true;
  }

  /** Tags of what mesh/1 peers subscribed to here. */
  *tags(): Iterable<string> {
    for (const { wants } of this.#sessions.values()) yield* wants.values();
  }

  /** By name: how many links with a mesh/1 peer want it, and one more if it was joined. Joined ones come first. */
  #wanted(): Map<string, number> {
    const counts = new Map<string, number>();
    const add = (channel: string): void => void counts.set(channel, (counts.get(channel) ?? 0) + 1);
    for (const channel of this.#host.joined()) if (channelKind(channel) === 'open') add(channel);
    for (const { wants } of this.#sessions.values()) for (const channel of wants.keys()) add(channel);
    return counts;
  }

  /** Subscribes at a peer to what somebody besides it wants. */
  #subscribe(session: Session, wanted: ReadonlyMap<string, number>): void {
    const { told, wants, link } = session;
    const target = new Set<string>();
    for (const [channel, count] of wanted) {
      if (target.size >= LIMITS.mesh1ChannelsMax) break;
      if (count > (wants.has(channel) ? 1 : 0)) target.add(channel);
    }
    for (const channel of told) {
      if (target.has(channel)) continue;
      told.delete(channel);
      this.#serve.forget(session, channel);
      this.#links.sendText(link, encodeSubscription('unsubscribe', channel));
    }
    for (const channel of target) {
      if (told.has(channel)) continue;
      told.add(channel);
      this.#links.sendText(link, encodeSubscription('subscribe', channel));
      this.#pull.want(session, channel);
    }
  }

  /** Once a second. */
  tick(): void {
    this.#pull.tick(this.#sessions.values());
    this.#serve.tick();
    if (!this.#isStale) return;
    this.#isStale = false;
    const wanted = this.#wanted();
    for (const session of [...this.#sessions.values()]) this.#subscribe(session, wanted);
  }

  /** What waited for another turn of the loop. */
  flush(): void {
    this.#serve.flush();
  }

  text(link: Link, text: string): void {
    const session = this.#sessions.get(link.id);
    if (!session) return;
    this.#budgets.chargeTokens(link, 1 + Math.floor(text.length / CHARACTERS_PER_TOKEN));
    const frame = parseMesh1(text);
    if (frame) this.#frame(session, frame, text.length);
    else this.#malformed(session, `a text of ${text.length} characters that is no frame of mesh/1`);
  }

  /** @param characters of its text */
  #frame(session: Session, frame: Mesh1Frame, characters: number): void {
    switch (frame.type) {
      case 'handshake':
        return this.#malformed(session, 'a second handshake');
      case 'subscribe':
        return this.#subscribed(session, frame.channel);
      case 'unsubscribe':
        if (session.wants.delete(frame.channel)) this.#wantsChanged();
        return;
      case 'message':
        return this.#said(session, frame.message);
      case 'sync_request':
        if (channelKind(frame.channel) !== 'open') return this.#refuseChannel(session, frame.channel);
        if (!this.#serve.request(session, frame)) this.#malformed(session, 'too many requests at once');
        return;
      case 'sync_response':
        if (!this.#pull.answered(session, frame, characters))
          this.#malformed(session, 'an answer that nobody asked for');
        return;
      case 'error':
        return this.#complained(session, frame);
      case 'ignored':
        return;
      default:
        return frame satisfies never;
    }
  }

  /** Further ones are no news, and must not be able to fill a log. */
  #complained(session: Session, { code, detail }: Extract<Mesh1Frame, { type: 'error' }>): void {
    const level = session.hasComplained ? 'debug' : 'info';
    session.hasComplained = true;
    const { link, label } = session;
    const data = { link: link.id, label, code: printable(code), detail: printable(detail) };
    this.#ctx.report(level, 'the other side reports an error', data);
  }

  #subscribed(session: Session, channel: string): void {
    if (channelKind(channel) !== 'open') return this.#refuseChannel(session, channel);
    if (session.wants.has(channel)) return;
    if (session.wants.size >= LIMITS.mesh1ChannelsMax)
      return this.#malformed(session, `more than ${LIMITS.mesh1ChannelsMax} channels`);
    this.#serve.forget(session, channel);
    session.wants.set(channel, this.#ctx.tagOf(channel));
    this.#wantsChanged();
  }

  #said(session: Session, frame: Mesh1Message): void {
    const claim = claimOf(this.#ctx.messages, frame);
    switch (claim.kind) {
      case 'message':
        return this.#host.enter(session.link, [claim.message], true);
      case 'unverifiable':
        session.unverified++;
        return;
      case 'private':
        return this.#refuseChannel(session, frame.channel);
      case 'wrong':
        return this.#links.offend(session.link, 'malformed', claim.detail);
      default:
        return claim satisfies never;
    }
  }

  /** The other side is told, and once the person on this one. */
  #refuseChannel(session: Session, channel: string): void {
    const isPrivate = channel.startsWith('dm:');
    const detail = isPrivate
      ? 'this peer cannot do private messages: dm: channels are readable by everybody on their way'
      : 'this peer carries open channels only';
    this.#links.sendText(session.link, encodeErrorText('unauthorized', detail));
    if (!isPrivate || session.isToldPrivate) return;
    session.isToldPrivate = true;
    const data = { link: session.link.id, label: session.label };
    this.#ctx.report('info', 'a mesh/1 peer wants private messages, which are not carried', data);
  }

  #malformed(session: Session, detail: string): void {
    session.malformed++;
    this.offence(session.link);
    if (this.#ctx.config.banThreshold > 0 && session.malformed > LIMITS.mesh1MalformedMax)
      this.#links.close(
        session.link,
        'invalid_message',
        `more than ${LIMITS.mesh1MalformedMax} texts that are none`,
      );
    else this.#links.sendText(session.link, encodeErrorText('invalid_message', detail));
  }

  /** What is wrong costs the link its rate. */
  offence(link: Link): void {
    this.#budgets.chargeTokens(link, LIMITS.mesh1ForgeryCost);
  }

  /**
   * A verified message passes: it goes to those who take its channel and do not have it. Only now is it known that who
   * brought it has the genuine one: a junk signature must not keep that from him.
   */
  pass(verified: VerifiedMessage, from: Link | 'own' | 'store'): void {
    if (this.#sessions.size === 0) return;
    const { message } = verified;
    if (channelKind(message.channel) !== 'open') return;
    const takers = [...this.#sessions.values()].filter(
      (session) =>
        (session.link === from || takesChannel(session, message.channel)) &&
        session.known.add(message.idText) &&
        session.link !== from,
    );
    const fields = takers.length > 0 ? mesh1Fields(message) : undefined;
    if (fields === undefined) return;
    const text = encodeMesh1Message(fields);
    const onFlushed = from === 'own' ? (link: Link) => this.#host.taken([message], link) : undefined;
    for (const { link } of takers) this.#links.sendText(link, text, onFlushed);
  }

  snapshot(): LinkSnapshot[] {
    return [...this.#sessions.values()].map(({ link, label, unverified }) => ({
      protocol: 'mesh/1',
      peer: label,
      direction: link.role === 'dialler' ? 'out' : 'in',
      url: link.url,
      kind: 'mesh1',
      protection: link.isTls ? 'tls' : 'none',
      sinceWallMs: link.upWallMs,
      agent: '',
      unverified,
      ...{ agreement: 'unknown', agreementWallMs: 0, fetching: 0, catchUp: undefined },
    }));
  }

  footprint(): Footprint {
    const sessions = [...this.#sessions.values()];
    const most = (size: (session: Session) => number): number => Math.max(0, ...sessions.map(size));
    return {
      ...this.#serve.footprint(),
      mesh1Links: { size: sessions.length, max: LIMITS.linksMax },
      mesh1Channels: { size: most(({ wants }) => wants.size), max: LIMITS.mesh1ChannelsMax },
      mesh1KnownIds: { size: most(({ known }) => known.size), max: LIMITS.mesh1KnownMax },
    };
  }
}
