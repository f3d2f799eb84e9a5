import type { SetWakeJson, WakeJson, WakeMode } from '../../api/client/index.ts';
import { splitNames } from '../arguments.ts';
import { type CommandContext, defineCommand, type GlobalArguments } from '../command.ts';
import { withClient } from '../connect.ts';
import { UsageError } from '../exit.ts';
import { paint, print } from '../print.ts';
import { tableLines } from '../table.ts';
import { jsonLine, visibleLine } from '../text.ts';

const HEAD = ['CHANNEL', 'WAKES THE AGENT', 'ALSO CALLED'];
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

async function showAll({ io, global }: CommandContext, channels: readonly WakeJson[]): Promise<void> {
  if (global.json) {
    for (const channel of channels) await print(io, jsonLine(channel));
    return;
  }
  if (channels.length === 0) {
    await print(io, 'No channel wakes the agent. To let one: mesh wake CHANNEL');
    return;
  }
  const rows = channels.map((row) => [visibleLine(row.channel), WORDS[row.wake], namesOf(row)]);
  const [head = '', ...lines] = tableLines([HEAD, ...rows]);
  await print(io, paint(io, io.stdout, 'bold', head));
  for (const line of lines) await print(io, line);
}

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
        await showAll(context, (await client.agent()).channels);
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
