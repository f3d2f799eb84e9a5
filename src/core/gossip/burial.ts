/**
 * Tombstones that were asked for: the header of a deleted message, with its author's delete. Both signatures are checked, then
 * the delete is stored like any message and the header behind it, in one transaction.
 *
 * Invariant: the store takes the header only where it knows a delete that counts, so one without the other is never kept.
 */
import { mayWrite } from '../channel/channel.ts';
import type { Context } from '../context.ts';
import { LIMITS } from '../limits.ts';
import type { Link } from '../link/link.ts';
import type { Links } from '../link/links.ts';
import { headerCheck, type Tombstone, VerifiedHeader } from '../message/header.ts';
import { isExpired } from '../message/message.ts';
import { signatureCheck, VerifiedMessage } from '../message/verified.ts';
import type { PersistOp } from '../persistence.ts';
import type { IntakeHost } from './admission.ts';
import type { RefusalReason } from './origins.ts';

interface Proven {
  readonly header: VerifiedHeader;
  readonly deletion: VerifiedMessage;
  readonly tag: string;
}

type BurialHost = IntakeHost & {
  /** of a delete */
  readonly verified: (deletion: VerifiedMessage) => void;
  /** a delete came with what it deletes, and is durable here now */
  readonly deleted: (deletion: VerifiedMessage, tag: string, link: Link, isNew: boolean) => void;
};

export class Burial {
  readonly #ctx: Context;
  readonly #links: Links;
  readonly #host: BurialHost;

  constructor(ctx: Context, links: Links, host: BurialHost) {
    this.#ctx = ctx;
    this.#links = links;
    this.#host = host;
  }

  /** @param tombstones answers to what this link was asked for */
  admit(link: Link, tombstones: readonly Tombstone[]): void {
    const fresh = tombstones.filter((tombstone) => {
      const isTaken = this.#isTimely(link, tombstone) && this.#isKept(tombstone);
      if (!isTaken) this.#host.settled(tombstone.header.idText);
      return isTaken;
    });
    if (fresh.length === 0) return;
    const checks = fresh.flatMap(({ header, deletion }) => [
      headerCheck(this.#ctx.messages, header),
      signatureCheck(this.#ctx.messages, deletion),
    ]);
    this.#ctx.verify(checks, (proofs) => {
      const proven: Proven[] = [];
      for (const [i, tombstone] of fresh.entries()) {
        const [ofHeader, ofDeletion] = proofs.slice(2 * i, 2 * i + 2);
        const { messages } = this.#ctx;
        const header = ofHeader && VerifiedHeader.fromVerification(messages, tombstone.header, ofHeader);
        const deletion =
          ofDeletion && VerifiedMessage.fromVerification(messages, tombstone.deletion, ofDeletion);
        const tag = this.#ctx.tagOf(tombstone.header.channel);
        if (!header || !deletion) this.#forged(link, tombstone);
        else {
          this.#host.verified(deletion);
          proven.push({ header, deletion, tag });
        }
      }
      if (proven.length > 0) this.#persist(link, proven);
    });
  }

  #isKept({ header, deletion }: Tombstone): boolean {
    const tag = this.#ctx.tagOf(header.channel);
    return this.#host.keeps(tag, header.time.timeMs) && this.#host.keeps(tag, deletion.time.timeMs);
  }

  /** What refuses a message whoever signed it: its time, its expiry, and who may write. */
  #isTimely(link: Link, { header, deletion }: Tombstone): boolean {
    const { wallMs } = this.#ctx.now;
    const refuse = (reason: RefusalReason): false => {
      this.#host.refused(header.idText, link, reason);
      return false;
    };
    // The delete is the later one.
    if (deletion.time.timeMs > wallMs + LIMITS.futureMs) return refuse('future');
    if (isExpired(header.expiresMs, wallMs)) return refuse('expired');
    if (mayWrite(header.channel, header.author)) return true;
    return refuse('write-rule');
  }

  #forged(link: Link, { header }: Tombstone): void {
    this.#host.refused(header.idText, link, 'forged');
    this.#links.offend(link, 'malformed', 'wrong signature', 'invalid_signature');
    this.#host.forged(header.idText, new Set([link]));
  }

  #persist(link: Link, proven: readonly Proven[]): void {
    const ops = proven.flatMap(({ header, deletion, tag }): PersistOp[] => [
      { kind: 'message', message: deletion, tag },
      { kind: 'tombstone', header, tag },
    ]);
    const settle = (): void => {
      for (const { header } of proven) this.#host.settled(header.header.idText);
    };
    this.#ctx.persist(
      ops,
      (results) => {
        proven.forEach(({ deletion, tag }, i) => {
          const result = results[2 * i];
          this.#host.deleted(deletion, tag, link, result?.kind === 'message' && result.inserted);
        });
        settle();
      },
      settle,
    );
  }
}
