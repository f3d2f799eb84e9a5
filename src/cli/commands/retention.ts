import {
  type ChannelJson,
  MeshError,
  type RetentionDefaultsJson,
  type RetentionJson,
  type SetRetentionJson,
  type StatusJson,
} from '../../api/client/index.ts';
import { parseWhole } from '../arguments.ts';
import { parseSize, sizeText } from '../byte-size.ts';
import { type CommandContext, defineCommand, type GlobalArguments } from '../command.ts';
import { withClient } from '../connect.ts';
import { EXIT, UsageError } from '../exit.ts';
import { paint, print, warn } from '../print.ts';
import { limitWords, retentionWords } from '../retention-words.ts';
import { tableLines } from '../table.ts';
import { count, jsonLine, shellWord, visibleLine } from '../text.ts';

/** The daemon's own bounds; a test compares the two. */
export const BOUNDS = {
  days: { min: 1, max: 36_500 },
  messages: { min: 0, max: 1_000_000_000 },
  bytes: { min: 2 ** 20, max: 2 ** 50 },
} as const;
const HELP = { help: 'mesh retention --help' };

interface RetentionArguments extends GlobalArguments {
  readonly channel: string | undefined;
  readonly days: string | undefined;
  readonly messages: string | undefined;
  readonly size: string | undefined;
  readonly pin: boolean;
  readonly unpin: boolean;
  readonly default: boolean;
}

type Change = Omit<SetRetentionJson, 'channel'>;

/** What the options ask for. Throws {@link UsageError}. */
function changeOf(args: RetentionArguments): Change {
  const { days, messages, size, pin, unpin } = args;
  if (pin && unpin) throw new UsageError('Say --pin or --unpin, not both.', HELP);
  const whole = (name: 'days' | 'messages', text: string) =>
    parseWhole(`--${name}`, text, BOUNDS[name].min, BOUNDS[name].max);
  return {
    ...(days !== undefined && { days: whole('days', days) }),
    ...(messages !== undefined && { messages: whole('messages', messages) }),
    ...(size !== undefined && { bytes: parseSize('--size', size, BOUNDS.bytes.min, BOUNDS.bytes.max) }),
    ...((pin || unpin) && { pinned: pin }),
  };
}

/** What a channel has of its own: what is as the defaults have it goes on following them. */
function ownOf({ days, messages, bytes, pinned }: RetentionJson, { joined }: RetentionDefaultsJson): Change {
  return {
    ...(days !== joined.days && { days }),
    ...(messages !== joined.messages && { messages }),
    ...(bytes !== joined.bytes && { bytes }),
    ...(pinned && { pinned }),
  };
}

/** The joined channel of that name. */
function joinedChannel(
  { channels }: StatusJson,
  name: string,
): (ChannelJson & { readonly retention: RetentionJson }) | undefined {
  const found = channels.find(({ channel }) => channel === name.normalize('NFC'));
  if (found === undefined || found.retention === null) return undefined;
  return { ...found, retention: found.retention };
}

/** The words of the error table are about paths and ids; who types a channel wants to know how to join it. */
function reportNotJoined({ io, global }: CommandContext, channel: string): number {
  const what = `The channel "${channel}" is not joined, so it has no retention of its own.`;
  const mend = `Join it first: mesh join ${shellWord(channel)}`;
  if (global.json) throw new MeshError('not_found', `${what} ${mend}`);
  warn(io, `${paint(io, io.stderr, 'red', 'mesh:')} ${visibleLine(what)}`);
  warn(io, mend);
  return EXIT.failure;
}

async function showOne(
  { io, global }: CommandContext,
  channel: ChannelJson,
  status: StatusJson,
): Promise<void> {
  if (global.json) await print(io, jsonLine(channel));
  else await print(io, `${visibleLine(channel.channel)}: ${retentionWords(channel, status.retention)}`);
}

async function showAll({ io, global }: CommandContext, { channels, retention }: StatusJson): Promise<void> {
  const joined = channels.filter((channel) => channel.joined);
  if (global.json) {
    await print(io, jsonLine({ defaults: retention, channels: joined }));
    return;
  }
  const { carried, carriedBytesAll, bytesAll } = retention;
  await print(io, paint(io, io.stdout, 'bold', 'Defaults'));
  const defaults = [
    ['  Joined channel', `${limitWords(retention.joined)} of others`],
    [
      '  Other channel',
      `${count(carried.days, 'day')} after it was left or last written to from here, ${sizeText(carried.bytes)}, ${sizeText(carriedBytesAll)} of all together`,
    ],
    ['  Everything', sizeText(bytesAll)],
  ];
  for (const line of tableLines(defaults)) await print(io, line);
  await print(
    io,
    paint(io, io.stdout, 'bold', joined.length === 0 ? 'No joined channels' : 'Joined channels'),
  );
  const rows = joined.map((row) => [`  ${visibleLine(row.channel)}`, retentionWords(row, retention)]);
  for (const line of tableLines(rows)) await print(io, line);
}

/** `mesh retention`: how long and how much of a channel is kept. */
export const retentionCommand = defineCommand<RetentionArguments>({
  usage: 'retention [channel]',
  summary: 'Show or set how long and how much of a joined channel is kept',
  examples: [
    ['$0 retention', 'the defaults, and what holds for each joined channel'],
    ["$0 retention '#dev' --days 30 --size 100MB", 'set it; what is not named stays as it is'],
    ["$0 retention '#dev' --pin", 'never removed to make room for others'],
    ["$0 retention '#dev' --default", 'back to the defaults'],
  ],
  build: (parser) =>
    parser
      .positional('channel', {
        type: 'string',
        describe: 'Name of the channel; quote names with # or spaces',
      })
      .options({
        days: { type: 'string', requiresArg: true, describe: 'Keep messages this long' },
        messages: { type: 'string', requiresArg: true, describe: 'Keep so many messages of others' },
        size: {
          type: 'string',
          requiresArg: true,
          describe: 'Keep so much of others, such as 100MB or 1GiB',
        },
        pin: { type: 'boolean', default: false, describe: 'Never remove it to make room for others' },
        unpin: { type: 'boolean', default: false, describe: 'Take --pin back' },
        default: { type: 'boolean', default: false, describe: 'Follow the defaults but for what is named' },
      }),
  run: async (args, context) => {
    const { channel } = args;
    const change = changeOf(args);
    const isChange = args.default || Object.keys(change).length > 0;
    if (isChange && channel === undefined)
      throw new UsageError('Say which channel; a name with # stands in quotes.', HELP);
    return withClient(context, async (client) => {
      const status = await client.status();
      if (channel === undefined) {
        await showAll(context, status);
        return undefined;
      }
      const current = joinedChannel(status, channel);
      if (current === undefined) return reportNotJoined(context, channel);
      const own = args.default ? {} : ownOf(current.retention, status.retention);
      const shown = isChange
        ? await client.setRetention({ channel: current.channel, ...own, ...change })
        : current;
      await showOne(context, shown, status);
      return undefined;
    });
  },
});
