/**
 * The name of a conversation in OpenClaw's session keys.
 *
 * OpenClaw lowers the case of a key and gives meaning to colons in it (`:thread:`), while a channel may be
 * named almost anything. Two channels must never share a session, so a name that is not plain stands there as
 * its digest.
 */
import { createHash } from 'node:crypto';

const PLAIN = /^[#a-z0-9][a-z0-9._-]{0,63}$/;
const DIGEST = 'h-';
/** Hexadecimal digits of SHA-256: 128 bits, so nobody finds a second channel for a session. */
const DIGEST_CHARS = 32;

/** A name for the channel that survives in a session key and is that of no other channel. */
export function toConversation(channel: string): string {
  if (PLAIN.test(channel) && !channel.startsWith(DIGEST)) return channel;
  return DIGEST + createHash('sha256').update(channel, 'utf8').digest('hex').slice(0, DIGEST_CHARS);
}
