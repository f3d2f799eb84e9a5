import type { InboxRowJson } from '../../api/client/index.ts';
import { parseWhole } from '../arguments.ts';
import { defineCommand, type GlobalArguments } from '../command.ts';
import { withClient } from '../connect.ts';
import { inboxWords } from '../inbox-words.ts';
import { type ListWords, printList } from '../list.ts';
import { localTime, shortId, visibleLine } from '../text.ts';

/** The API's own maximum. */
const LIMIT_MAX = 1000;
const LIMIT_DEFAULT = '20';

interface InboxArguments extends GlobalArguments {
  readonly limit: string;
}

const LIST: ListWords<InboxRowJson> = {
  head: ['NUMBER', 'CAME', 'CHANNEL', 'FROM', 'MESSAGE', 'WHAT BECAME OF IT'],
  row: (row) => [
    String(row.number),
    localTime(row.at),
    visibleLine(row.channel),
    row.name === null ? shortId(row.author) : visibleLine(row.name),
    row.id,
    inboxWords(row),
  ],
  right: [0],
  empty: 'Nothing came for the agent. Who may wake it says "mesh allow", and where, "mesh wake".',
};

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
    return withClient(context, async (client) => {
      await printList(context, await client.inbox({ limit }), LIST);
      return undefined;
    });
  },
});
