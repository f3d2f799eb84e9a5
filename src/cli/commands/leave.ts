import { sizeText } from '../byte-size.ts';
import { defineCommand } from '../command.ts';
import { withClient } from '../connect.ts';
import { print } from '../print.ts';
import { count, jsonLine, shellWord, visibleLine } from '../text.ts';

/** `mesh leave`: the daemon no longer asks for a channel, and what it has of it goes in time. */
export const leaveCommand = defineCommand({
  usage: 'leave <channel>',
  summary: 'Leave a channel: its messages are no longer fetched, and what is stored goes in time',
  examples: [["$0 leave '#dev'", 'quote names with # or spaces']],
  build: (parser) =>
    parser.positional('channel', { type: 'string', demandOption: true, describe: 'Name of the channel' }),
  run: async ({ channel }, context) =>
    withClient(context, async (client) => {
      const left = await client.leave(channel);
      if (context.global.json) {
        await print(context.io, jsonLine(left));
        return undefined;
      }
      const name = visibleLine(left.channel);
      if (!left.wasJoined) {
        await print(context.io, `${name} was not joined.`);
        return undefined;
      }
      const { joined, carried } = (await client.status()).retention;
      const [own, others] = [count(joined.days, 'day'), count(carried.days, 'day')];
      await print(context.io, `Left ${name}.`);
      await print(
        context.io,
        `What is stored stays here for ${others} more, at most ${sizeText(carried.bytes)} of others, and your own messages until they are ${own} old. Then it is removed.`,
      );
      await print(context.io, `To join again: mesh join ${shellWord(left.channel)}`);
      return undefined;
    }),
});
