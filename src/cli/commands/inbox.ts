import type { InboxRowJson } from '../../api/client/index.ts';
import { parseWhole } from '../arguments.ts';
import { defineCommand, type GlobalArguments } from '../command.ts';
import { withClient } from '../connect.ts';
import { inboxWords } from '../inbox-words.ts';
import { paint, print } from '../print.ts';
import { tableLines } from '../table.ts';
import { jsonLine, localTime, shortId, visibleLine } from '../text.ts';

/** The API's own maximum. */
const LIMIT_MAX = 1000;
const LIMIT_DEFAULT = '20';
const HEAD = ['NUMBER', 'CAME', 'CHANNEL', 'FROM', 'MESSAGE', 'WHAT BECAME OF IT'];
const RIGHT = [0];

interface InboxArguments extends GlobalArguments {
  readonly limit: string;
}

function rowOf(row: InboxRowJson): string[] {
  return [
    String(row.number),
    localTime(row.at),
    visibleLine(row.channel),
    row.name === null ? shortId(row.author) : visibleLine(row.name),
    row.id,
    inboxWords(row),
  ];
}

/** `mesh inbox`: what came for the agent, and what became of it. */
export const inboxCommand = defineCommand<InboxArguments>({
  usage: 'inbox',
  summary: 'Show what came for the agent, and what became of it',
  examples: [
    ['$0 inbox --limit 5', 'the last five'],
    ['$0 inbox --json', 'an object a line: number, id, channel, author, state, reason'],
  ],
  build: (parser) =>
    parser.options({
      limit: { type: 'string', requiresArg: true, default: LIMIT_DEFAULT, describe: 'How many at most' },
    }),
  run: async (args, context) => {
    const limit = parseWhole('--limit', args.limit, 1, LIMIT_MAX);
    const { io, global } = context;
    return withClient(context, async (client) => {
      const rows = await client.inbox({ limit });
      if (global.json) {
        for (const row of rows) await print(io, jsonLine(row));
        return undefined;
      }
      if (rows.length === 0) {
        await print(
          io,
          'Nothing came for the agent. Who may wake it says "mesh allow", and where, "mesh wake".',
        );
        return undefined;
      }
      const [head = '', ...lines] = tableLines([HEAD, ...rows.map(rowOf)], RIGHT);
      await print(io, paint(io, io.stdout, 'bold', head));
      for (const line of lines) await print(io, line);
      return undefined;
    });
  },
});
