/**
 * Channel ids: which kind an id is, whether it is well-formed, who may write, and its 8-byte tag.
 *
 * Validity looks at bytes only (no Unicode tables: their versions differ and would split the mesh). Names are brought
 * to NFC by whoever creates them, with {@link channelName}.
 */
import { type Bytes, concat, equal, idFromText, utf8 } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import { isUsablePoint } from '../message/signature.ts';

export type ChannelKind = 'open' | 'feed' | 'inbox' | 'sealed';

/** True for 1 to 128 bytes of well-formed text without bytes 00-1F and 7F and without a space at its ends. */
export function isChannelText(text: string): boolean {
  if (!text.isWellFormed() || text.startsWith(' ') || text.endsWith(' ')) return false;
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code === 0x7f) return false;
    const isSurrogate = code >= 0xd800 && code < 0xe000;
    bytes += code < 0x80 ? 1 : code < 0x800 || isSurrogate ? 2 : 3; // a pair of surrogates is four
  }
  return bytes >= 1 && bytes <= LIMITS.channelBytesMax;
}

/** True for the one spelling of a public key that can sign: 43 characters, canonical, not of small order. */
function isKeyText(text: string): boolean {
  const key = idFromText(text);
  return key !== undefined && isUsablePoint(key);
}

/** The kind of a channel id, or `undefined` if it is no valid id (a `dm:` name of mesh/1 among them). */
export function channelKind(channel: string): ChannelKind | undefined {
  if (!isChannelText(channel)) return undefined;
  if (channel.startsWith('@')) return isKeyText(channel.slice(1)) ? 'feed' : undefined;
  if (channel.startsWith('~')) return isKeyText(channel.slice(1)) ? 'sealed' : undefined;
  if (channel.startsWith('inbox:')) return isKeyText(channel.slice(6)) ? 'inbox' : undefined;
  if (channel.startsWith('dm:')) return undefined;
  return 'open';
}

/** Whether a channel whose id is valid is a feed: {@link channelKind} without the look at its key. */
export function isFeed(channel: string): boolean {
  return channel.startsWith('@');
}

/** The name of an open channel as its creator must spell it (NFC), or `undefined` if it can be none. */
export function channelName(text: string): string | undefined {
  const name = text.normalize('NFC');
  return channelKind(name) === 'open' ? name : undefined;
}

/** Whether `author` (32 bytes) may write in `channel`. Inbox and sealed channels are refused until they come. */
export function mayWrite(channel: string, author: Bytes): boolean {
  switch (channelKind(channel)) {
    case 'open':
      return true;
    case 'feed':
      return equal(idFromText(channel.slice(1)) as Bytes, author);
    case 'inbox':
    case 'sealed':
    case undefined:
      return false;
  }
}

/** The first 8 bytes of SHA-256("mesh/2 tag\0" network "\0" channel): what interest records and filters carry. */
export function channelTag(sha256: (bytes: Bytes) => Bytes, network: string, channel: string): Bytes {
  return sha256(concat(utf8(`mesh/2 tag\0${network}\0`), utf8(channel))).slice(0, 8);
}
