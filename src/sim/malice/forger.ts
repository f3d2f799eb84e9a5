/**
 * The forger: says what others did not say. It makes messages in other names, alters those that it has seen, brings them
 * to where they do not belong, and alters messages and records that it should pass on or was asked for.
 *
 * What answers it: an id is the hash of the signed bytes, a signature covers the id and the network, and the write rule
 * is checked by everybody; so whatever it sends is refused at the first honest link, and it is banned there after 16.
 */
import { type Bytes, toBase64url } from '../../core/bytes.ts';
import { decodeRecord } from '../../core/membership/records.ts';
import { createMessageContext, type Message } from '../../core/message/message.ts';
import type { Frame } from '../../core/wire/frame.ts';
import { peerRecord, pushOfOtherBody, signRecord, withFields, withSignature, write } from './craft.ts';
import type { Hand } from './hand.ts';
import type { MaliceLink } from './link.ts';
import type { Malice } from './malice.ts';

/** messages of others that it remembers */
const SEEN_MAX = 32;
const FUTURE_MS = 11 * 60_000;

export interface ForgerOptions {
  /** share of seconds in which it forges on a link */
  readonly share: number;
  /** share of the frames that it should pass on which it alters */
  readonly transitShare: number;
  /** the forgeries that it sends by itself, all of them without it */
  readonly only?: readonly ForgeryName[];
  /** forgeries on one link after which it is content: a patient forger stays below the threshold of a ban */
  readonly most: number;
}

type Forgery = (victim: Message, hand: Hand) => Frame | Bytes;

function push(message: Message): Frame {
  return { type: 'push', root: '', keep: false, messages: [message] };
}

function flip(bytes: Bytes, hand: Hand): Bytes {
  const copy = bytes.slice();
  const at = hand.random.below(copy.length);
  copy[at] = (copy[at] as number) ^ (1 << hand.random.below(8));
  return copy;
}

/** A message of its own that is right in itself, but not here or now. */
function own(hand: Hand, channel: string, more: { timeMs?: number; expiresMs?: number } = {}): Frame {
  const { wallMs } = hand.now;
  return push(
    write(hand.messages, hand.author(0), { channel, body: 'out of place', timeMs: wallMs, ...more }),
  );
}

const FORGERIES = {
  'another body': (victim) => pushOfOtherBody(victim, `${victim.body}, and send money`),
  'another body, hashed anew': (victim, hand) =>
    push(withFields(hand.messages, victim, { body: `${victim.body}, and send money` })),
  'a junk signature': (victim, hand) =>
    push(withSignature(hand.messages, victim, flip(victim.signature, hand))),
  'in the name of another': ({ author, channel }, hand) => {
    const draft = { channel, body: 'it was not me', timeMs: hand.now.wallMs, author };
    return push(write(hand.messages, hand.author(0), draft));
  },
  'of another channel': (victim, hand) =>
    push(withFields(hand.messages, victim, { channel: `not ${victim.channel}`.slice(0, 60) })),
  'of another network': ({ channel }, hand) => {
    const elsewhere = createMessageContext('elsewhere', hand.messages.sha256);
    const draft = { channel, body: 'from elsewhere', timeMs: hand.now.wallMs };
    const { signature } = write(elsewhere, hand.author(0), draft);
    return push(withSignature(hand.messages, write(hand.messages, hand.author(0), draft), signature));
  },
  'into the feed of another': ({ author }, hand) => own(hand, `@${toBase64url(author)}`),
  'into a sealed channel': ({ author }, hand) => own(hand, `~${toBase64url(author)}`),
  'into a private channel of mesh/1': (_, hand) => own(hand, 'dm:someone'),
  'from the future': ({ channel }, hand) => own(hand, channel, { timeMs: hand.now.wallMs + FUTURE_MS }),
  'long expired': ({ channel }, hand) =>
    own(hand, channel, { expiresMs: Math.floor(hand.now.wallMs) - 60_000 }),
  'an answer to no question': (victim) => ({ type: 'fetched', messages: [victim], notHeld: [] }),
  'an answer to no comparison': () => ({ type: 'reconciled', number: 2 ** 31, message: Uint8Array.of(0x61) }),
  'a record in the name of another': (_, hand) => {
    const peer = hand.pick(hand.all()).peer;
    const content = peerRecord(peer, Math.floor(hand.now.wallMs), { links: [] });
    return { type: 'records', records: [signRecord(hand.messages, hand.options.peerKey, content)] };
  },
} as const satisfies Readonly<Record<string, Forgery>>;

export type ForgeryName = keyof typeof FORGERIES;
const FORGERY_NAMES = Object.keys(FORGERIES) as ForgeryName[];

class Forger implements Malice {
  readonly #options: ForgerOptions;
  readonly #seen: Message[] = [];
  readonly #forged = new Map<MaliceLink, number>();

  constructor(options: ForgerOptions) {
    this.#options = options;
  }

  hears(_link: MaliceLink, frame: Frame): Frame {
    if (frame.type === 'push' || frame.type === 'fetched') {
      this.#seen.push(...frame.messages);
      this.#seen.splice(0, Math.max(0, this.#seen.length - SEEN_MAX));
    }
    return frame;
  }

  #mayForge(link: MaliceLink): boolean {
    const forged = this.#forged.get(link) ?? 0;
    if (forged >= this.#options.most) return false;
    this.#forged.set(link, forged + 1);
    return true;
  }

  says(link: MaliceLink, frame: Frame, hand: Hand): readonly Frame[] {
    if (frame.type !== 'push' && frame.type !== 'fetched' && frame.type !== 'records') return [frame];
    if (hand.random.unit() >= this.#options.transitShare || !this.#mayForge(link)) return [frame];
    hand.did(`altered a frame of type ${frame.type} on the way`);
    if (frame.type === 'records')
      return [{ type: 'records', records: frame.records.map((one) => alterRecord(one, hand)) }];
    const alter = (message: Message) =>
      withFields(hand.messages, message, { body: `${message.body}, and send money` });
    // An answer with another id was not asked for: a wrong signature under the right one is the better disguise.
    const spoil = (message: Message) => withSignature(hand.messages, message, flip(message.signature, hand));
    return [{ ...frame, messages: frame.messages.map(frame.type === 'push' ? alter : spoil) }];
  }

  tick(hand: Hand): void {
    for (const link of hand.all()) {
      const victim = this.#seen.at(-1 - hand.random.below(Math.max(1, this.#seen.length)));
      if (!victim || hand.random.unit() >= this.#options.share || !this.#mayForge(link)) continue;
      const name = hand.pick(this.#options.only ?? FORGERY_NAMES);
      hand.did(`sent ${name}`);
      hand.send(link, FORGERIES[name](victim, hand));
    }
  }
}

/** Others reach it elsewhere, says the altered record; the signature is the old one. */
function alterRecord(
  record: { bytes: Bytes; signature: Bytes },
  hand: Hand,
): { bytes: Bytes; signature: Bytes } {
  const content = decodeRecord(record.bytes);
  if (content?.kind !== 1) return record;
  const { signature } = record;
  const changed = { ...content, urls: ['ws://127.9.9.9:9/'] };
  return { bytes: signRecord(hand.messages, hand.options.peerKey, changed).bytes, signature };
}

/** Without options the seed decides whether it is in a hurry or patient. */
export function forger(hand: Hand, options?: ForgerOptions): Malice {
  const isPatient = hand.random.unit() < 0.5;
  const usual = isPatient
    ? { share: 0.1, transitShare: 0.05, most: 12 }
    : { share: 1, transitShare: 0.5, most: 1000 };
  return new Forger(options ?? usual);
}
