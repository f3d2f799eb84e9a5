import type { SetWakeJson, WakeJson, WakeMode } from '../../api/client/index.ts';
import { splitNames } from '../arguments.ts';
import { defineCommand, type GlobalArguments } from '../command.ts';
import { withClient } from '../connect.ts';
import { UsageError } from '../exit.ts';
import { type ListWords, printList } from '../list.ts';
import { print } from '../print.ts';
import { jsonLine, visibleLine } from '../text.ts';

const WORDS: Readonly<Record<WakeMode, string>> = {
  never: 'never',
  mention: 'when a contact mentions it or answers it',
  always: 'with each message of a contact',
};

interface WakeArguments extends GlobalArguments {
  readonly channel: string | undefined;
  readonly on: WakeMode | undefined;
  readonly name: string | undefined;
}

const namesOf = ({ names }: WakeJson): string => names.map((name) => `@${visibleLine(name)}`).join(' ');

const LIST: ListWords<WakeJson> = {
  head: ['CHANNEL', 'WAKES THE AGENT', 'ALSO CALLED'],
  row: (wake) => [visibleLine(wake.channel), WORDS[wake.wake], namesOf(wake)],
  empty: 'No channel wakes the agent. To let one: mesh wake CHANNEL',
};

function sentence(set: WakeJson): string {
  const channel = visibleLine(set.channel);
  const names = set.names.length === 0 ? '' : ` It is also called ${namesOf(set)}.`;
  return set.wake === 'never'
    ? `${channel} wakes nobody.`
    : `${channel} wakes the agent ${WORDS[set.wake]}.${names}`;
}

/** `mesh wake`: what of a channel wakes the agent. */
export const wakeCommand = defineCommand<WakeArguments>({
  usage: 'wake [channel]',
  summary: 'Show or say which channels wake the agent, and how',
  examples: [
    ['$0 wake', 'which do'],
    ["$0 wake '#dev' --name robo", 'join it; what contacts say to the agent or to @robo wakes it'],
    ["$0 wake '#dev' --on always", 'each message of a contact does'],
    ["$0 wake '#dev' --on never", 'none does; the agent can still read it'],
  ],
  build: (parser) =>
    parser
      .positional('channel', {
        type: 'string',
        describe: 'Name of the channel; quote names with # or spaces',
      })
      .options({
        on: {
          choices: ['mention', 'always', 'never'] as const,
          requiresArg: true,
          describe: 'What wakes the agent (mention)',
        },
        name: {
          type: 'string',
          requiresArg: true,
          describe: 'Names under which @NAME in a text means the agent, with commas between',
        },
      }),
  run: async ({ channel, on, name }, context) => {
    if (channel === undefined && (on !== undefined || name !== undefined))
      throw new UsageError('Say which channel; a name with # stands in quotes.', {
        help: 'mesh wake --help',
      });
    return withClient(context, async (client) => {
      if (channel === undefined) {
        await printList(context, (await client.agent()).channels, LIST);
        return undefined;
      }
      const wake = on ?? 'mention';
      const asked: SetWakeJson = { channel, wake, ...(name !== undefined && { names: splitNames(name) }) };
      const set = await client.setWake(asked);
      await print(context.io, context.global.json ? jsonLine(set) : sentence(set));
      return undefined;
    });
  },
});
