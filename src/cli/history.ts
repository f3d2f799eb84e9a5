/**
 * The last messages of a channel, oldest first, over as many pages as needed and with one page in memory.
 *
 * Pages come newest first, and people read oldest first. So the way back is walked once to find where to begin, and
 * then forward by `after`: a message that arrives in between can neither make a gap nor a repeat.
 */
import type { Client, MessageJson } from '../api/client/index.ts';
import { LIMITS } from '../api/client/index.ts';

export interface HistoryOptions {
  readonly channel: string;
  readonly limit: number;
  /** id: only messages before this one */
  readonly before: string | undefined;
}

const PAGE = LIMITS.apiPageMax;

/** The oldest of the last `limit` messages, or undefined if there is none. */
async function findStart(
  client: Client,
  { channel, limit, before }: HistoryOptions,
): Promise<MessageJson | undefined> {
  let start: MessageJson | undefined;
  let cursor = before;
  for (let left = limit; left > 0; left -= PAGE) {
    const size = Math.min(left, PAGE);
    const page = await client.messages({ channel, limit: size, before: cursor });
    start = page[0] ?? start;
    cursor = start?.id;
    if (page.length < size) break;
  }
  return start;
}

export async function* readHistory(client: Client, options: HistoryOptions): AsyncGenerator<MessageJson> {
  const { channel, limit, before } = options;
  if (limit === 0) return;
  if (limit <= PAGE) {
    yield* await client.messages({ channel, limit, before });
    return;
  }
  const start = await findStart(client, options);
  if (start === undefined) return;
  yield start;
  let cursor = start.id;
  for (let left = limit - 1; left > 0; ) {
    const page = await client.messages({ channel, limit: Math.min(left, PAGE), after: cursor });
    for (const message of page) {
      if (message.id === before) return;
      yield message;
      cursor = message.id;
    }
    left -= page.length;
    if (page.length < PAGE) return;
  }
}
