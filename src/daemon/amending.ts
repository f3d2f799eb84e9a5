/** What a client may edit or delete: messages of its own identity, in their channel. What would not count is not signed. */
import { toBase64url } from '../core/bytes.ts';
import type { PublishCommand } from '../core/contract.ts';
import { MeshError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { RELATION } from '../core/message/message.ts';
import type { Store } from '../store/store.ts';

/** A message that is not here passes: it may come, or be deleted already and this is the request again. Throws MeshError
 *  `bad_request`. */
export function checkAmending(
  command: PublishCommand,
  store: Pick<Store, 'readMessage'>,
  wallMs: number,
): void {
  const { refs, body, payload, expiresMs, identity, channel } = command;
  const targets = refs.filter(({ relation }) => relation === RELATION.edit || relation === RELATION.delete);
  const isDelete = targets.some(({ relation }) => relation === RELATION.delete);
  if (isDelete && (body !== '' || payload.length > 0 || expiresMs !== 0))
    throw new MeshError('bad_request', 'A delete has no body, no payload and no expiry.');
  for (const { id } of targets) {
    const message = store.readMessage(toBase64url(id))?.message.message;
    if (message === undefined) continue;
    if (toBase64url(message.author) !== identity || message.channel !== channel)
      throw new MeshError(
        'bad_request',
        `${message.idText} is not a message of this identity in this channel.`,
      );
    if (message.time.timeMs > wallMs + LIMITS.clockFollowMs)
      throw new MeshError('bad_request', `${message.idText} is dated ahead of the clock: try again later.`);
  }
}
