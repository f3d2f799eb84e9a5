/** The real core without one of its defences: in a mesh with a malicious peer each must be caught by a checker. */
import { toBase64url } from '../../core/bytes.ts';
import { channelTag } from '../../core/channel/channel.ts';
import type { Effect, Event, LinkId, Now } from '../../core/contract.ts';
import { createMessageContext, type Message, type MessageContext } from '../../core/message/message.ts';
import {
  StoreReceipt,
  signatureCheck,
  VerifiedMessage,
  verifySignature,
} from '../../core/message/verified.ts';
import type { Footprint, PeerConfig } from '../../core/peer-types.ts';
import type { Frame } from '../../core/wire/frame.ts';
import { decodeFrame, encodeFrame } from '../../core/wire/frames.ts';
import { createNodeVerify } from '../../crypto/verifiers.ts';
import type { CoreFactory, SimCore } from '../host.ts';
import { createCore } from './seeds.ts';

export type Carelessness =
  /** passes messages on before it has checked them */
  | 'passes messages on unchecked'
  /** passes records on before it has checked them */
  | 'passes records on unchecked'
  /** stores what it is given */
  | 'stores unchecked'
  /** takes an id for bad once a copy of it had a wrong signature */
  | 'holds junk against the id'
  /** blames whoever brings an id of which a copy had a wrong signature */
  | 'holds junk against the next'
  /** remembers all channels that it was ever told of */
  | 'remembers every channel';

/** Tokens that the real core does not come to. */
const OWN_TOKENS = 2 ** 40;
const TAGS_MAX = 4096;

class CarelessPeer implements SimCore {
  readonly #core: SimCore;
  readonly #config: PeerConfig;
  readonly #fault: Carelessness;
  readonly #messages: MessageContext;
  readonly #verify = createNodeVerify();
  readonly #links = new Map<LinkId, string>();
  readonly #junk = new Set<string>();
  readonly #tags = new Set<string>();
  #token = OWN_TOKENS;

  constructor(config: PeerConfig, fault: Carelessness) {
    this.#config = config;
    this.#core = createCore(config);
    this.#fault = fault;
    this.#messages = createMessageContext(config.network, config.sha256);
  }

  handle(event: Event, now: Now): Effect[] {
    if ('token' in event && event.token > OWN_TOKENS) return [];
    const frame = this.#frameOf(event);
    const added = frame && event.kind === 'frame-received' ? this.#act(event.link, frame) : [];
    if (added === 'nothing') return [];
    const effects = this.#core.handle(event, now);
    for (const effect of effects) this.#note(effect);
    return [...added, ...effects];
  }

  footprint(): Footprint {
    if (this.#fault !== 'remembers every channel') return this.#core.footprint?.() ?? {};
    return { ...this.#core.footprint?.(), tags: { size: this.#tags.size, max: TAGS_MAX } };
  }

  #note(effect: Effect): void {
    if (effect.kind !== 'report') return;
    const { link, peer } = effect.data;
    if (typeof link !== 'number' || typeof peer !== 'string') return;
    if (effect.phrase === 'link up') this.#links.set(link, peer);
    else if (effect.phrase === 'link down') this.#links.delete(link);
  }

  #frameOf(event: Event): Frame | undefined {
    if (event.kind !== 'frame-received' || !this.#links.has(event.link)) return undefined;
    return decodeFrame(this.#messages, event.bytes);
  }

  /** @returns what it does besides, or `nothing` if the core does not even hear of the frame */
  #act(from: LinkId, frame: Frame): Effect[] | 'nothing' {
    if (frame.type === 'holds') for (const { tag } of frame.set) this.#tags.add(tag);
    if (frame.type === 'records' && this.#fault === 'passes records on unchecked')
      return this.#pass(from, frame);
    // What comes through a tunnel cannot be read here: it would get past the fault.
    if (frame.type === 'tunnelled' && this.#fault === 'holds junk against the id') return 'nothing';
    if (frame.type !== 'push' && frame.type !== 'fetched') return [];
    switch (this.#fault) {
      case 'passes messages on unchecked':
        return frame.type === 'push' ? this.#pass(from, frame) : [];
      case 'stores unchecked':
        return frame.messages.map((message) => this.#store(message));
      case 'holds junk against the id':
        return frame.messages.some((message) => this.#wasJunk(message)) ? 'nothing' : [];
      case 'holds junk against the next':
        return frame.messages.some((message) => this.#wasJunk(message)) ? [this.#blame(from)] : [];
      case 'passes records on unchecked':
      case 'remembers every channel':
        return [];
      default:
        return this.#fault satisfies never;
    }
  }

  #pass(from: LinkId, frame: Frame): Effect[] {
    const links = [...this.#links.keys()].filter((link) => link !== from);
    if (links.length === 0) return [];
    return [{ kind: 'send', links, frame: encodeFrame(frame), droppable: false, notify: 0 }];
  }

  #store(message: Message): Effect {
    const kept = VerifiedMessage.fromStore(message, StoreReceipt.issue(message.id)) as VerifiedMessage;
    const tag = toBase64url(channelTag(this.#config.sha256, this.#config.network, message.channel));
    return { kind: 'persist', token: ++this.#token, ops: [{ kind: 'message', message: kept, tag }] };
  }

  /** @returns whether a copy of this genuine message had a wrong signature before */
  #wasJunk(message: Message): boolean {
    const isGenuine = verifySignature(this.#verify, signatureCheck(this.#messages, message)) !== undefined;
    if (!isGenuine) this.#junk.add(message.idText);
    return isGenuine && this.#junk.has(message.idText);
  }

  #blame(link: LinkId): Effect {
    const data = {
      link,
      peer: this.#links.get(link) ?? '',
      offence: 'malformed',
      detail: 'it brings bad ids',
    };
    return { kind: 'report', level: 'warn', phrase: 'offence', code: 'invalid_message', data };
  }
}

export function carelessCore(fault: Carelessness): CoreFactory {
  return (config) => new CarelessPeer(config, fault);
}
