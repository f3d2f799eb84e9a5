/**
 * What honest clients asked for and what became of it: the truth that the checkers compare with.
 *
 * A publication is entered when it is given to a daemon, gets its message when that daemon commits it, and is
 * acknowledged when the daemon answers. A daemon that crashes in between may have committed or not: both are honest.
 */
import { toBase64url } from '../core/bytes.ts';
import type { PublishCommand, RequestId } from '../core/contract.ts';
import type { Message } from '../core/message/message.ts';
import type { Host } from './host.ts';

export interface Publication {
  readonly host: Host;
  readonly request: RequestId;
  readonly command: PublishCommand;
  readonly askedMs: number;
  message: Message | undefined;
  /** virtual ms of the answer, undefined while there is none */
  ackedMs: number | undefined;
  /** why it was refused, '' if it was not */
  refused: string;
}

export class Registry {
  readonly publications: Publication[] = [];
  readonly #byId = new Map<string, Publication>();
  readonly #byChannel = new Map<string, Publication[]>();
  readonly #byRequest = new Map<RequestId, Publication>();
  /** asked for and not yet committed, by what identifies them until they have an id */
  readonly #open = new Map<string, Publication[]>();

  asked(publication: Publication): void {
    this.publications.push(publication);
    this.#byRequest.set(publication.request, publication);
    const key = keyOf(publication.command.identity, publication.command);
    this.#open.set(key, [...(this.#open.get(key) ?? []), publication]);
  }

  /** Ties a committed own message to what was asked for. @returns whether anybody asked for it */
  commit(host: Host, message: Message): boolean {
    if (this.#byId.has(message.idText)) return true;
    const key = keyOf(toBase64url(message.author), message);
    const open = this.#open.get(key) ?? [];
    const index = open.findIndex((publication) => publication.host === host);
    const [found] = index < 0 ? [] : open.splice(index, 1);
    if (found === undefined) return false;
    found.message = message;
    this.#byId.set(message.idText, found);
    const known = this.#byChannel.get(message.channel);
    if (known) known.push(found);
    else this.#byChannel.set(message.channel, [found]);
    return true;
  }

  byId(id: string): Publication | undefined {
    return this.#byId.get(id);
  }

  byRequest(request: RequestId): Publication | undefined {
    return this.#byRequest.get(request);
  }

  /** Messages that exist in a channel: acknowledged, or committed without the answer getting out. */
  committedIn(channel: string): readonly Publication[] {
    return this.#byChannel.get(channel) ?? [];
  }

  /** Forgets what was asked for before a moment: for runs without checkers that measure memory. */
  forgetBefore(virtualMs: number): void {
    const isOld = ({ askedMs }: Publication): boolean => askedMs < virtualMs;
    const rest = this.publications.filter((one) => !isOld(one));
    this.publications.splice(0, this.publications.length, ...rest);
    for (const [id, one] of this.#byId) if (isOld(one)) this.#byId.delete(id);
    for (const [request, one] of this.#byRequest) if (isOld(one)) this.#byRequest.delete(request);
    for (const map of [this.#byChannel, this.#open])
      for (const [key, list] of map) {
        const kept = list.filter((one) => !isOld(one));
        if (kept.length === 0) map.delete(key);
        else map.set(key, kept);
      }
  }

  acknowledged(): Publication[] {
    return this.publications.filter((publication) => publication.ackedMs !== undefined);
  }
}

function keyOf(
  identity: string,
  content: Pick<PublishCommand, 'channel' | 'body' | 'payload' | 'refs'>,
): string {
  const refs = content.refs.map(({ relation, id }) => [relation, toBase64url(id)]);
  return JSON.stringify([identity, content.channel, content.body, toBase64url(content.payload), refs]);
}
