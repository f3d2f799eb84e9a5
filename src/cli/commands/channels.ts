import type { ChannelJson, RetentionDefaultsJson } from '../../api/client/index.ts';
import { sizeText } from '../byte-size.ts';
import { defineCommand } from '../command.ts';
import { withClient } from '../connect.ts';
import { printList } from '../list.ts';
import { print } from '../print.ts';
import { retentionWords } from '../retention-words.ts';
import { localTime, visibleLine } from '../text.ts';

const HEAD = ['CHANNEL', 'STATE', 'MESSAGES', 'SIZE', 'GOES BACK TO', 'RETENTION'];
/** Columns of numbers. */
const RIGHT = [2, 3];

/** A channel that is neither joined nor carried lapsed: own messages may still be there. */
function stateOf({ joined, since }: ChannelJson): string {
  if (joined) return 'joined';
  return since === null ? 'lapsed' : 'carried';
}

const OVER = 'over its limit';

/** Until room is made. Own messages count in what is shown, and are removed by age only. */
function isOver(
  { messages, bytes, since, retention }: ChannelJson,
  { carried }: RetentionDefaultsJson,
): boolean {
  if (retention !== null) return messages > retention.messages || bytes > retention.bytes;
  return since !== null && bytes > carried.bytes;
}

function rowOf(channel: ChannelJson, defaults: RetentionDefaultsJson): string[] {
  return [
    visibleLine(channel.channel),
    stateOf(channel),
    String(channel.messages),
    sizeText(channel.bytes),
    // Whole hours: seconds would pretend to more.
    channel.since === null ? 'not kept' : localTime(channel.since).slice(0, 16),
    `${retentionWords(channel, defaults)}${isOver(channel, defaults) ? `, ${OVER}, own ones included` : ''}`,
  ];
}

function sumLine(channels: readonly ChannelJson[], { bytesAll }: RetentionDefaultsJson): string {
  const joined = channels.filter((channel) => channel.joined).length;
  const bytes = channels.reduce((sum, channel) => sum + channel.bytes, 0);
  const others = channels.length - joined;
  return `${joined} joined, ${others} not joined; ${sizeText(bytes)} of at most ${sizeText(bytesAll)}${bytes > bytesAll ? `, ${OVER}` : ''}.`;
}

/** `mesh channels`: what is stored here, what it costs, and how long it stays. */
export const channelsCommand = defineCommand({
  usage: 'channels',
  summary: 'Show the channels that are known here, their size, and what is kept of them',
  examples: [['$0 channels --json', 'an object a line: channel, joined, messages, bytes, since, retention']],
  build: (parser) => parser,
  run: async (_args, context) =>
    withClient(context, async (client) => {
      const { channels, retention } = await client.status();
      const isTable = await printList(context, channels, {
        head: HEAD,
        row: (channel) => rowOf(channel, retention),
        right: RIGHT,
        empty: 'No channel is known here. To join one: mesh join lobby',
      });
      if (isTable) await print(context.io, sumLine(channels, retention));
      return undefined;
    }),
});
