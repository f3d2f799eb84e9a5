/**
 * The nagger: control frames without end. It pings, asks for what does not exist and again for what it has, offers what
 * it does not have, shows sums that mean nothing, and changes its mind about its role and its channels all the time.
 *
 * What answers it: every frame that was not asked for costs a token of its link's budget; lists, queues and maps are
 * bounded for each link; asking for more than may wait is an offence.
 */
import type { Bytes } from '../../core/bytes.ts';
import { LIMITS, MINUTE } from '../../core/limits.ts';
import { INFINITY } from '../../core/sync/negentropy/bounds.ts';
import { Reply } from '../../core/sync/negentropy/reply.ts';
import type { Frame } from '../../core/wire/frame.ts';
import type { Hand } from './hand.ts';
import type { MaliceLink } from './link.ts';
import type { Malice } from './malice.ts';

const HOUR_MINUTES = 60;
/** ids that it has heard of and asks for again and again */
const KNOWN_MAX = 64;

export interface NaggerOptions {
  readonly framesPerSecond: number;
  /** items in its long frames */
  readonly items: number;
  /** what it says, everything without it */
  readonly only?: readonly NagName[];
}

type Nag = (hand: Hand, nagger: { readonly items: number; readonly known: readonly Bytes[] }) => Frame;

function list<T>(length: number, item: (index: number) => T): T[] {
  return Array.from({ length }, (_, i) => item(i));
}

const settledMinute = (hand: Hand) => Math.floor(hand.now.wallMs / MINUTE) - 2;

const NAGS = {
  pings: (hand) => ({ type: 'ping', n: hand.random.below(2 ** 32) }),
  'pongs to no ping': (hand) => ({ type: 'pong', n: hand.random.below(2 ** 32) }),
  'another role': (hand) => ({
    type: 'role',
    relay: hand.random.unit() < 0.5,
    live: hand.random.unit() < 0.5,
  }),
  errors: () => ({ type: 'error', code: 'store_full', detail: 'x'.repeat(500) }),
  'channels that nobody has': (hand, { items }) => {
    const set = list(items, () => ({ tag: hand.newTag(), floorHour: 0 }));
    return { type: 'holds', reset: hand.random.unit() < 0.05, set, unset: [] };
  },
  'mailboxes for channels that nobody has': (hand, { items }) => {
    return { type: 'mailbox', tags: list(items, () => hand.newTag()) };
  },
  'ids that do not exist, announced': (hand, { items }) => {
    return { type: 'announce', ids: list(items, () => hand.bytes(32)) };
  },
  'ids that do not exist, asked for': (hand, { items }) => {
    return { type: 'fetch', ids: list(items, () => hand.bytes(32)) };
  },
  'what it has, asked for again': (_, { known, items }) => {
    return {
      type: 'fetch',
      ids: known.length === 0 ? [] : list(items, (i) => known[i % known.length] as Bytes),
    };
  },
  'records that do not exist': (hand, { items }) => {
    const heads = list(Math.min(items, 64), () => ({
      kind: 1 as const,
      peer: hand.author(1).id,
      sequence: 2 ** 50,
    }));
    return { type: hand.pick(['have', 'want'] as const), heads };
  },
  'all records again': (hand) => {
    const heads = hand.all().map(({ peer }) => ({ kind: 1 as const, peer, sequence: 1 }));
    return { type: 'want', heads };
  },
  'addresses where nobody is': (hand) => {
    const url = () => `ws://127.77.${hand.random.below(256)}.${hand.random.below(256)}:7/`;
    return {
      type: 'addresses',
      relays: list(8, () => ({ peer: hand.pick(hand.all()).peer, urls: [url()] })),
    };
  },
  'sums of nothing': (hand) => {
    const sums = hand.options.channels.map((channel) => {
      return { tag: hand.tag(channel), floorHour: 0, fingerprint: hand.bytes(16) };
    });
    return { type: 'sums', untilMinute: settledMinute(hand), sums };
  },
  'heartbeats of nothing': (hand) => {
    return { type: 'heartbeat', untilMinute: settledMinute(hand), channels: 1, fingerprint: hand.bytes(16) };
  },
  'comparisons of nothing': (hand) => {
    const untilMinute = settledMinute(hand);
    const tag = hand.tag(hand.pick(hand.options.channels));
    const floorHour = Math.floor(untilMinute / HOUR_MINUTES);
    const reply = new Reply(LIMITS.reconcileBytesMax);
    reply.add({ upper: INFINITY, mode: 'fingerprint', fingerprint: hand.bytes(16) });
    const number = hand.random.below(2 ** 31);
    return { type: 'reconcile', number, untilMinute, tag, floorHour, message: reply.finish() };
  },
  'offers of nothing': (hand, { items }) => {
    const tag = hand.tag(hand.pick(hand.options.channels));
    return { type: 'offer', tag, ids: list(items, () => hand.bytes(32)) };
  },
} as const satisfies Readonly<Record<string, Nag>>;

type NagName = keyof typeof NAGS;
export const NAG_NAMES = Object.keys(NAGS) as NagName[];

class Nagger implements Malice {
  readonly #options: NaggerOptions;
  readonly #known: Bytes[] = [];

  constructor(options: NaggerOptions) {
    this.#options = options;
  }

  hears(_link: MaliceLink, frame: Frame): Frame {
    if (frame.type === 'push' || frame.type === 'fetched') {
      for (const { id } of frame.messages) this.#known.push(id.slice());
      this.#known.splice(0, Math.max(0, this.#known.length - KNOWN_MAX));
    }
    return frame;
  }

  tick(hand: Hand): void {
    const { framesPerSecond, items, only = NAG_NAMES } = this.#options;
    for (const link of hand.all())
      for (let i = 0; i < framesPerSecond; i++) {
        const name = hand.pick(only);
        const nag: Nag = NAGS[name];
        hand.did(`sent ${name}`);
        hand.send(link, nag(hand, { items, known: this.#known }));
      }
  }
}

/** Without options the seed decides whether it comes in many small frames or in a few large ones. */
export function nagger(hand: Hand, options?: NaggerOptions): Malice {
  const many = { framesPerSecond: 4, items: 4 };
  const large = { framesPerSecond: 1, items: 100 };
  return new Nagger(options ?? hand.pick([many, large]));
}
