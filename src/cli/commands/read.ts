import type { Client, MessageJson, StreamItem } from '../../api/client/index.ts';
import { parseWhole } from '../arguments.ts';
import { type CommandContext, defineCommand, type GlobalArguments } from '../command.ts';
import { withClient } from '../connect.ts';
import { UsageError } from '../exit.ts';
import { type HistoryOptions, readHistory } from '../history.ts';
import { paint, print, warn } from '../print.ts';
import { jsonLine, localTime, shortId, visibleText } from '../text.ts';

/** As many as anybody could look through (guess). */
const LIMIT_MAX = 1_000_000_000;
const LIMIT_DEFAULT = '50';

interface ReadArguments extends GlobalArguments {
  readonly channel: string;
  readonly limit: string;
  readonly before: string | undefined;
  readonly follow: boolean;
}

async function show({ io, global }: CommandContext, message: MessageJson): Promise<void> {
  if (global.json) {
    await print(io, jsonLine(message));
    return;
  }
  const author = paint(io, io.stdout, message.own ? 'green' : 'cyan', shortId(message.author));
  const time = paint(io, io.stdout, 'dim', localTime(message.time));
  const reply = message.refs.find((ref) => ref.relation === 'reply');
  const about = reply === undefined ? '' : `(reply to ${shortId(reply.id)}) `;
  await print(io, `${time}  ${author}  ${about}${visibleText(message.body, '    ')}`);
}

/** Without having joined, a daemon gets messages of others only by chance. */
async function warnIfNotJoined(client: Client, channel: string, { io }: CommandContext): Promise<void> {
  const known = (await client.channels()).find((row) => row.channel === channel.normalize('NFC'));
  if (known?.joined === true) return;
  warn(io, `Not joined: messages of others may not arrive. To join: mesh join '${visibleText(channel, '')}'`);
}

/**
 * The last messages and then what comes, without gap or repeat: the feed is live before the history is read, and what
 * both have is shown once. Meanwhile the feed's items wait in the stream, which stops its socket when they are many.
 */
async function follow(client: Client, history: HistoryOptions, context: CommandContext): Promise<void> {
  const { Stream } = await import('../../api/client/stream.ts');
  const stream = await Stream.open(client.daemon);
  try {
    const feed = stream.subscribe({ channels: [history.channel] });
    const first = await feed.next();
    if (first.done === true) return;
    const firstLive =
      first.value.kind === 'caught-up' ? first.value.arrival + 1 : first.value.message.arrival;
    const shown = new Set<string>();
    for await (const message of readHistory(client, history)) {
      if (message.arrival >= firstLive) shown.add(message.id);
      await show(context, message);
    }
    for (let next: IteratorResult<StreamItem> = first; next.done !== true; next = await feed.next()) {
      if (next.value.kind !== 'message' || shown.delete(next.value.message.id)) continue;
      await show(context, next.value.message);
    }
  } finally {
    await stream.close();
  }
}

/** `mesh read`: the last messages of a channel, oldest first. */
export const readCommand = defineCommand<ReadArguments>({
  usage: 'read <channel>',
  summary: 'Show the last messages of a channel, oldest first',
  examples: [
    ["$0 read '#dev' --limit 10", 'the last ten'],
    ["$0 read '#dev' --follow", 'and what comes, until you stop it'],
    ["$0 read '#dev' --json", 'an object a line: id, channel, author, time, body, payload and more'],
  ],
  build: (parser) =>
    parser
      .positional('channel', { type: 'string', demandOption: true, describe: 'Name of the channel' })
      .options({
        limit: { type: 'string', requiresArg: true, default: LIMIT_DEFAULT, describe: 'How many at most' },
        before: { type: 'string', requiresArg: true, describe: 'Id: only messages before this one' },
        follow: { type: 'boolean', default: false, describe: 'Stay and show what comes' },
      }),
  run: async (args, context) => {
    const limit = parseWhole('--limit', args.limit, args.follow ? 0 : 1, LIMIT_MAX);
    const history: HistoryOptions = { channel: args.channel, limit, before: args.before };
    if (args.follow && args.before !== undefined) {
      throw new UsageError('--follow shows the newest messages; it does not go with --before.', {
        help: 'mesh read --help',
      });
    }
    return withClient(context, async (client) => {
      if (args.follow) {
        await warnIfNotJoined(client, args.channel, context);
        await follow(client, history, context);
      } else for await (const message of readHistory(client, history)) await show(context, message);
      return undefined;
    });
  },
});
