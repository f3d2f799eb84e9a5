/**
 * What is kept of a channel, in words; shared by the commands that show it.
 */
import type { ChannelJson, RetentionDefaultsJson, RetentionJson } from '../api/client/index.ts';
import { sizeText } from './byte-size.ts';
import { count } from './text.ts';

/** Such as `90 days, 1,000,000 messages, 1 GiB`: counted are those of others. */
export function limitWords(limits: Pick<RetentionJson, 'days' | 'messages' | 'bytes'>): string {
  const { days, messages, bytes } = limits;
  const shown = messages.toLocaleString('en-US');
  return `${count(days, 'day')}, ${shown} ${messages === 1 ? 'message' : 'messages'}, ${sizeText(bytes)}`;
}

/** What holds for a channel, and where it comes from. */
export function retentionWords({ retention, since }: ChannelJson, defaults: RetentionDefaultsJson): string {
  if (retention !== null) {
    const pinned = retention.pinned ? ', pinned' : '';
    return `${limitWords(retention)}${pinned} (${retention.isOwn ? 'set' : 'default'})`;
  }
  if (since === null) return `${count(defaults.joined.days, 'day')}, own messages only`;
  return `${count(defaults.carried.days, 'day')}, ${sizeText(defaults.carried.bytes)} (not joined)`;
}
