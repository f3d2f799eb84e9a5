import { parseIdStart } from '../arguments.ts';
import { defineCommand, type GlobalArguments } from '../command.ts';
import { withClient } from '../connect.ts';
import { paint, print } from '../print.ts';
import { jsonLine } from '../text.ts';

interface WhyArguments extends GlobalArguments {
  readonly id: string;
}

/** `mesh why`: what stands between a message and its delivery, with the path on the map. */
export const whyCommand = defineCommand<WhyArguments>({
  usage: 'why <id>',
  summary: 'Show where a message is, what is missing for its delivery, and the path on the map',
  examples: [
    ['$0 why 3fG7xQ', 'the first 6 characters of its id are enough'],
    ['$0 why 3fG7xQ --json', '{"id":"...","here":{...},"delivery":{...},"path":{...}}'],
  ],
  build: (parser) =>
    parser.positional('id', {
      type: 'string',
      demandOption: true,
      describe: 'Id of the message, or at least 6 characters of its beginning',
    }),
  run: async ({ id: text }, context) => {
    const id = parseIdStart('ID', text, 'a message');
    return withClient(context, async (client) => {
      const why = await client.why(id);
      const { io } = context;
      if (context.global.json) {
        await print(io, jsonLine(why));
        return undefined;
      }
      const { whyLines } = await import('../why/lines.ts');
      const [first = '', ...rest] = whyLines(why);
      await print(io, paint(io, io.stdout, 'bold', first));
      for (const line of rest) await print(io, line);
      return undefined;
    });
  },
});
