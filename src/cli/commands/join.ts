import { defineCommand } from '../command.ts';
import { withClient } from '../connect.ts';
import { print } from '../print.ts';
import { jsonLine, visibleLine } from '../text.ts';

/** `mesh join`: keep the messages of a channel from now on. */
export const joinCommand = defineCommand({
  usage: 'join <channel>',
  summary: 'Join an open channel: its messages are fetched and kept',
  examples: [["$0 join '#dev'", 'quote names with # or spaces']],
  build: (parser) =>
    parser.positional('channel', { type: 'string', demandOption: true, describe: 'Name of the channel' }),
  run: async ({ channel }, context) =>
    withClient(context, async (client) => {
      const joined = await client.join(channel);
      const name = visibleLine(joined.channel);
      const words = joined.isNew ? `Joined ${name}.` : `${name} was joined already.`;
      await print(context.io, context.global.json ? jsonLine(joined) : words);
      return undefined;
    }),
});
