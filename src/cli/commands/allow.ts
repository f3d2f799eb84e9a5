import type { ContactJson } from '../../api/client/index.ts';
import { defineCommand, type GlobalArguments } from '../command.ts';
import { withClient } from '../connect.ts';
import { resolveIdentity } from '../contacts.ts';
import { UsageError } from '../exit.ts';
import { type ListWords, printList } from '../list.ts';
import { print } from '../print.ts';
import { jsonLine, localTime, visibleLine } from '../text.ts';

const HELP = { help: 'mesh allow --help' };

interface AllowArguments extends GlobalArguments {
  readonly identity: string | undefined;
  readonly name: string | undefined;
  readonly remove: boolean;
}

function called({ identity, name }: Pick<ContactJson, 'identity' | 'name'>): string {
  return name === null ? identity : `${visibleLine(name)} (${identity})`;
}

const LIST: ListWords<ContactJson> = {
  head: ['IDENTITY', 'NAME', 'SINCE'],
  row: ({ identity, name, since }) => [
    identity,
    name === null ? '' : visibleLine(name),
    localTime(since).slice(0, 16),
  ],
  empty: 'Nobody may wake the agent. To let somebody: mesh allow IDENTITY --name NAME',
};

/** `mesh allow`: who may wake the agent. */
export const allowCommand = defineCommand<AllowArguments>({
  usage: 'allow [identity]',
  summary: 'Show who may wake the agent, or let somebody',
  examples: [
    ['$0 allow', 'who may'],
    ['$0 allow IDENTITY --name anna', 'let that identity, and call it anna here'],
    ['$0 allow anna --remove', 'not any more'],
  ],
  build: (parser) =>
    parser
      .positional('identity', {
        type: 'string',
        describe: 'The identity: "mesh id" on the other side shows it; or the name of a contact',
      })
      .options({
        name: { type: 'string', requiresArg: true, describe: 'What to call it, on this machine only' },
        remove: { type: 'boolean', default: false, describe: 'Make it a stranger again' },
      }),
  run: async ({ identity, name, remove }, context) => {
    if (identity === undefined && (name !== undefined || remove))
      throw new UsageError('Say which identity.', HELP);
    if (remove && name !== undefined) throw new UsageError('Say --name or --remove, not both.', HELP);
    const { io, global } = context;
    return withClient(context, async (client) => {
      if (identity === undefined) {
        await printList(context, await client.contacts(), LIST);
        return undefined;
      }
      const id = await resolveIdentity(client, identity);
      if (remove) {
        const removed = await client.removeContact(id);
        const words = removed.wasContact ? `${id} is a stranger now.` : `${id} was a stranger already.`;
        await print(io, global.json ? jsonLine(removed) : words);
        return undefined;
      }
      const contact = await client.allow({ identity: id, ...(name !== undefined && { name }) });
      const words = `${called(contact)} may wake the agent, in the channels that "mesh wake" names.`;
      await print(io, global.json ? jsonLine(contact) : words);
      return undefined;
    });
  },
});
