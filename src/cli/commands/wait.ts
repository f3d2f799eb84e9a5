import type { Client } from '../../api/client/index.ts';
import { parseSeconds, parseWhole } from '../arguments.ts';
import { type CommandContext, defineCommand, type GlobalArguments } from '../command.ts';
import { withClient } from '../connect.ts';
import { EXIT } from '../exit.ts';
import { warn } from '../print.ts';
import { count } from '../text.ts';
import { show, warnIfNotJoined } from './read.ts';

/** As many as anybody could look through (guess). */
const LIMIT_MAX = 1_000_000_000;
const LIMIT_DEFAULT = '50';
/** Arrival numbers of a daemon stay far below it. */
const ARRIVAL_MAX = 999_999_999_999_999;
/** The same as of `mesh send --wait`: long waits are repeated. */
const TIMEOUT_SECONDS_MAX = 3600;
const TIMEOUT_DEFAULT = '30';

interface WaitArguments extends GlobalArguments {
  readonly channel: string;
  readonly after: string | undefined;
  readonly limit: string;
  readonly timeout: string;
}

interface Wait {
  readonly channel: string;
  /** arrival number; undefined: only what comes from now on */
  readonly after: number | undefined;
  readonly limit: number;
  readonly timeoutMs: number;
}

/**
 * Shows what others wrote and the feed has, or else the first message that comes. Own messages are passed over, so that
 * whoever answers is not woken by the answer.
 * @returns how many were shown
 */
async function showNext(client: Client, wait: Wait, context: CommandContext): Promise<number> {
  const { Stream } = await import('../../api/client/stream.ts');
  const stream = await Stream.open(client.daemon);
  const { channel, after, limit, timeoutMs } = wait;
  let shown = 0;
  /** runs from the moment in which all that was there is shown: a long backlog is not cut off */
  let timer: NodeJS.Timeout | undefined;
  try {
    const feed = stream.subscribe({ channels: [channel], ...(after !== undefined && { after }) });
    for await (const item of feed) {
      if (item.kind === 'caught-up') {
        if (shown > 0) break;
        timer = setTimeout(() => void feed.return?.(), timeoutMs);
        continue;
      }
      if (item.kind !== 'message' || item.message.own) continue;
      await show(context, item.message);
      shown += 1;
      if (shown === limit || timer !== undefined) break;
    }
    return shown;
  } finally {
    clearTimeout(timer);
    await stream.close();
  }
}

/** `mesh wait`: what others wrote since the last time, or the next message, or nothing in time. */
export const waitCommand = defineCommand<WaitArguments>({
  usage: 'wait <channel>',
  summary: 'Wait for messages of others; ends at the first, or when the time is over',
  examples: [
    ["$0 wait '#dev' --timeout 60", 'the next message, if one comes within a minute'],
    ["$0 wait '#dev' --after 17 --json", 'what came after arrival 17, else the next message'],
    ["$0 wait '#dev' --after 17 --timeout 0", 'look, and do not wait'],
  ],
  build: (parser) =>
    parser
      .positional('channel', { type: 'string', demandOption: true, describe: 'Name of the channel' })
      .options({
        after: {
          type: 'string',
          requiresArg: true,
          describe: 'Arrival number: begin behind it; if left out, only new messages count',
        },
        limit: { type: 'string', requiresArg: true, default: LIMIT_DEFAULT, describe: 'How many at most' },
        timeout: {
          type: 'string',
          requiresArg: true,
          default: TIMEOUT_DEFAULT,
          describe: 'Seconds to wait at most',
        },
      }),
  run: async (args, context) => {
    const after = args.after === undefined ? undefined : parseWhole('--after', args.after, 0, ARRIVAL_MAX);
    const limit = parseWhole('--limit', args.limit, 1, LIMIT_MAX);
    const timeoutMs = parseSeconds('--timeout', args.timeout, TIMEOUT_SECONDS_MAX) * 1000;
    return withClient(context, async (client) => {
      await warnIfNotJoined(client, args.channel, context);
      if ((await showNext(client, { channel: args.channel, after, limit, timeoutMs }, context)) > 0)
        return EXIT.ok;
      if (!context.global.json) warn(context.io, `Nothing came within ${count(timeoutMs / 1000, 'second')}.`);
      return EXIT.waitTimeout;
    });
  },
});
