/** What a checker is, and what it needs of the world. */
import type { LinkId } from '../core/contract.ts';
import type { Message } from '../core/message/message.ts';
import type { SignatureCheck } from '../core/message/verified.ts';
import type { StoredMessage } from '../store/store.ts';
import type { Host } from './host.ts';
import type { Observer } from './observer.ts';
import type { Publication, Registry } from './registry.ts';
import type { SimFailure } from './trace.ts';

export interface Checked {
  readonly registry: Registry;
  /** a middle box repeats frames */
  readonly repeatsFrames: boolean;
  /** everybody, malicious ones too */
  hosts(): readonly Host[];
  /** those that keep the protocol: checkers are told of them only */
  honest(): readonly Host[];
  /** the host at the other end of a link of any host, also when it is over */
  otherEnd(link: LinkId): Host | undefined;
  /** whether a signature is right by the one rule, decided outside the cores */
  isSigned(check: SignatureCheck): boolean;
  /** whether a message may exist: an honest client published it byte for byte, or the holder of a malicious key signed
   *  it for a channel in which that key may write */
  isGenuine(message: Message): boolean;
  /** what a host's clock shows */
  wallMs(host: Host): number;
  /** channels that clients of this host asked to join */
  interests(host: Host): Iterable<string>;
  /** whether the host's retention still covers a message, so that it may not be missing there */
  keeps(host: Host, publication: Publication): boolean;
  /** what waits in front of and behind a host outside its core */
  queues(host: Host): Queues;
  failure(checker: string, detail: string, about?: readonly string[]): SimFailure;
}

export interface Queues {
  /** the most bytes that ever waited in a send queue of it */
  readonly sendBytes: number;
  /** bytes that came by one link and were not read yet */
  readonly unreadBytes: number;
  /** operations that wait for a commit */
  readonly diskOps: number;
}

/** Told of honest hosts only. */
export interface Checker extends Observer {
  /** everything once more */
  end(): void;
}

const MOMENTS = [
  'started',
  'crashed',
  'event',
  'effect',
  'sending',
  'committed',
  'damaged',
  'shown',
] as const;

/** An observer that is told of honest hosts only, and of nothing that it does not ask for. */
export function ofHonest(observer: Observer): Observer {
  type Tell = (host: Host, ...rest: unknown[]) => void;
  const told: { [M in (typeof MOMENTS)[number]]?: Tell } = {};
  for (const moment of MOMENTS) {
    const tell = observer[moment] as Tell | undefined;
    if (tell === undefined) continue;
    told[moment] = (host, ...rest) => {
      if (host.isHonest) tell.call(observer, host, ...rest);
    };
  }
  return told;
}

/** Every message that a store holds. */
export function* storedMessages(host: Host): Generator<StoredMessage> {
  for (const { channel } of host.store.channels()) {
    for (let after = 0; ; ) {
      const page = host.store.readArrivals({ after, limit: 500, wallMs: 0, channels: [channel] });
      yield* page;
      const last = page.at(-1);
      if (last === undefined) break;
      after = last.arrival;
    }
  }
}
