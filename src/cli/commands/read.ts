import type {
  ChangeJson,
  Client,
  LegacyMessageJson,
  MessageJson,
  StreamItem,
} from '../../api/client/index.ts';
import { LIMITS } from '../../api/client/index.ts';
import { parseWhole } from '../arguments.ts';
import { type CommandContext, defineCommand, type GlobalArguments } from '../command.ts';
import { withClient } from '../connect.ts';
import { showEphemeral } from '../ephemeral-lines.ts';
import { UsageError } from '../exit.ts';
import { type HistoryOptions, readHistory } from '../history.ts';
import { paint, print, warn } from '../print.ts';
import { jsonLine, localTime, shortId, visibleLine, visibleText } from '../text.ts';

/** As many as anybody could look through (guess). */
const LIMIT_MAX = 1_000_000_000;
const LIMIT_DEFAULT = '50';

interface ReadArguments extends GlobalArguments {
  readonly channel: string;
  readonly limit: string;
  readonly before: string | undefined;
  readonly follow: boolean;
  readonly live: boolean;
  readonly legacy: boolean;
}

/** Characters of a mesh/1 sender that are shown: its labels are `peer-xxxxxxxx` or 43 characters. */
const SENDER_SHOWN = 16;
/** Channels that are named where the one asked for has nothing (guess). */
const CHANNELS_NAMED = 20;

/** One message as `mesh read` and `mesh wait` show it. */
export async function show({ io, global }: CommandContext, message: MessageJson): Promise<void> {
  if (global.json) {
    await print(io, jsonLine(message));
    return;
  }
  const author = paint(io, io.stdout, message.own ? 'green' : 'cyan', shortId(message.author));
  const time = paint(io, io.stdout, 'dim', localTime(message.time));
  const reply = message.refs.find((ref) => ref.relation === 'reply');
  const about = reply === undefined ? '' : `(reply to ${shortId(reply.id)}) `;
  const warning = message.equivocates === true ? '(two histories) ' : '';
  const edited = message.edited === undefined ? '' : ' (edited)';
  await print(io, `${time}  ${author}  ${warning}${about}${visibleText(message.body, '    ')}${edited}`);
}

/** What has become of messages that are shown already. With `--json` it is an object without `id`. */
async function showChange({ io, global }: CommandContext, change: ChangeJson): Promise<void> {
  if (global.json) {
    await print(io, jsonLine(change));
    return;
  }
  for (const { id, author, body } of change.edited) {
    const words = `${shortId(author)} changed ${shortId(id)}`;
    await print(io, `${paint(io, io.stdout, 'dim', words)}: ${visibleText(body, '    ')}`);
  }
  for (const id of change.deleted) await print(io, paint(io, io.stdout, 'dim', `${shortId(id)} was deleted`));
}

/** Without having joined, a daemon gets messages of others only by chance. */
export async function warnIfNotJoined(
  client: Client,
  channel: string,
  { io }: CommandContext,
): Promise<void> {
  const known = (await client.channels()).find((row) => row.channel === channel.normalize('NFC'));
  if (known?.joined === true) return;
  warn(io, `Not joined: messages of others may not arrive. To join: mesh join '${visibleText(channel, '')}'`);
}

/** The arrival number from which on messages are live. A feed begins with a message or with `caught-up`. */
function firstLiveOf(item: StreamItem): number {
  if (item.kind === 'message') return item.message.arrival;
  if (item.kind === 'change') return item.change.arrival;
  return item.kind === 'caught-up' ? item.arrival + 1 : 0;
}

/**
 * The last messages and then what comes, without gap or repeat: the feed is live before the history is read, and what
 * both have is shown once. Meanwhile the feed's items wait in the stream, which stops its socket when they are many.
 */
async function follow(
  client: Client,
  history: HistoryOptions & { readonly ephemerals: boolean },
  context: CommandContext,
): Promise<void> {
  const { Stream } = await import('../../api/client/stream.ts');
  const stream = await Stream.open(client.daemon);
  try {
    const { channel, ephemerals } = history;
    const feed = stream.subscribe({ channels: [channel], changes: true, ...(ephemerals && { ephemerals }) });
    const first = await feed.next();
    if (first.done === true) return;
    const firstLive = firstLiveOf(first.value);
    const shown = new Set<string>();
    for await (const message of readHistory(client, history)) {
      if (message.arrival >= firstLive) shown.add(message.id);
      await show(context, message);
    }
    for (let next: IteratorResult<StreamItem> = first; next.done !== true; next = await feed.next()) {
      if (next.value.kind === 'ephemeral') await showEphemeral(context, next.value.ephemeral);
      if (next.value.kind === 'change') await showChange(context, next.value.change);
      if (next.value.kind !== 'message' || shown.delete(next.value.message.id)) continue;
      await show(context, next.value.message);
    }
  } finally {
    await stream.close();
  }
}

/** A message of mesh/1 with the words of its signature, which mesh/1 itself never kept. */
async function showLegacy({ io, global }: CommandContext, message: LegacyMessageJson): Promise<void> {
  if (global.json) {
    await print(io, jsonLine(message));
    return;
  }
  const sender = visibleLine(message.sender.slice(0, SENDER_SHOWN));
  const time = paint(io, io.stdout, 'dim', localTime(message.time));
  const signature = message.signature === 'none' ? '' : `(signature ${message.signature}) `;
  const end = message.shortened ? ' (shortened)' : '';
  await print(io, `${time}  ${sender}?  ${signature}${visibleText(message.body, '    ')}${end}`);
}

/** Nothing was found: the old names may be what is missing. */
async function nameLegacyChannels(client: Client, { io }: CommandContext): Promise<void> {
  const { file, channels } = await client.legacyChannels();
  const names = channels.slice(0, CHANNELS_NAMED).map(({ channel }) => visibleLine(channel));
  const more = channels.length > names.length ? ', and more' : '';
  const has = names.length === 0 ? 'It has no messages.' : `Its channels: ${names.join(', ')}${more}.`;
  warn(io, `Nothing of this channel in ${visibleLine(file)}. ${has}`);
}

/**
 * The last messages of the unverified history, oldest first. Its pages come newest first, so the way back is walked once;
 * then each page is asked for again, the oldest first, and only one is in memory.
 */
async function readLegacy(client: Client, history: HistoryOptions, context: CommandContext): Promise<void> {
  const { channel, limit, before } = history;
  const pages: { readonly before: string | undefined; readonly limit: number }[] = [];
  let oldest: readonly LegacyMessageJson[] = [];
  let [file, from, left] = ['', before, limit];
  while (left > 0) {
    const answer = await client.legacyMessages({
      channel,
      limit: Math.min(left, LIMITS.apiPageMax),
      before: from,
    });
    file = answer.file;
    const first = answer.messages[0];
    if (first === undefined) break;
    oldest = answer.messages;
    pages.push({ before: from, limit: oldest.length });
    from = first.position;
    left -= oldest.length;
  }
  if (pages.length === 0) return nameLegacyChannels(client, context);
  const { io, global } = context;
  if (!global.json)
    await print(io, `Unverified history of mesh/1, from ${visibleLine(file)}: anybody may have written it.`);
  for (const message of oldest) await showLegacy(context, message);
  for (const page of pages.slice(0, -1).reverse())
    for (const message of (await client.legacyMessages({ channel, ...page })).messages)
      await showLegacy(context, message);
  if (left === 0 && !global.json) warn(io, `For older ones add --before ${visibleLine(from ?? '')}`);
}

/** `mesh read`: the last messages of a channel, oldest first. */
export const readCommand = defineCommand<ReadArguments>({
  usage: 'read <channel>',
  summary: 'Show the last messages of a channel, oldest first',
  examples: [
    ["$0 read '#dev' --limit 10", 'the last ten'],
    ["$0 read '#dev' --follow", 'and what comes, is edited or deleted, until you stop it'],
    ["$0 read '#dev' --follow --live", 'and who is typing, and drafts while they are written'],
    ["$0 read '#dev' --json", 'an object a line: id, channel, author, time, body, payload and more'],
    ['$0 read lobby --legacy', 'what a mesh/1 daemon left here, unverified'],
  ],
  build: (parser) =>
    parser
      .positional('channel', { type: 'string', demandOption: true, describe: 'Name of the channel' })
      .options({
        limit: { type: 'string', requiresArg: true, default: LIMIT_DEFAULT, describe: 'How many at most' },
        before: { type: 'string', requiresArg: true, describe: 'Id: only messages before this one' },
        follow: { type: 'boolean', default: false, describe: 'Stay and show what comes' },
        live: { type: 'boolean', default: false, describe: 'With --follow: drafts and who is typing too' },
        legacy: {
          type: 'boolean',
          default: false,
          describe: 'The unverified history of mesh/1 instead; --before takes a position in it',
        },
      }),
  run: async (args, context) => {
    const limit = parseWhole('--limit', args.limit, args.follow ? 0 : 1, LIMIT_MAX);
    const history: HistoryOptions = { channel: args.channel, limit, before: args.before };
    if (args.live && !args.follow) {
      throw new UsageError('--live shows what is not kept: it goes with --follow.', {
        help: 'mesh read --help',
      });
    }
    if (args.follow && args.before !== undefined) {
      throw new UsageError('--follow shows the newest messages; it does not go with --before.', {
        help: 'mesh read --help',
      });
    }
    if (args.follow && args.legacy) {
      throw new UsageError(
        '--follow shows new messages; nothing new comes to the history that --legacy shows.',
        {
          help: 'mesh read --help',
        },
      );
    }
    return withClient(context, async (client) => {
      if (args.legacy) await readLegacy(client, history, context);
      else if (args.follow) {
        await warnIfNotJoined(client, args.channel, context);
        await follow(client, { ...history, ephemerals: args.live }, context);
      } else for await (const message of readHistory(client, history)) await show(context, message);
      return undefined;
    });
  },
});
