/** `mesh openclaw status`: whether a gateway is attached, who may wake the agent, and what it may cost. */
import type { AgentJson } from '../../api/client/index.ts';
import type { CommandContext } from '../command.ts';
import { withClient } from '../connect.ts';
import { print } from '../print.ts';
import { tableLines } from '../table.ts';
import { count, jsonLine, localTime, visibleLine } from '../text.ts';

function clientWords({ client }: AgentJson): string {
  if (client === null) return 'not attached; start it, and look into its log for "mesh"';
  return `attached as ${visibleLine(client.name)} since ${localTime(client.since)}`;
}

function contactWords({ contacts }: AgentJson): string {
  if (contacts === 0) return 'nobody may wake the agent; to let somebody: mesh allow IDENTITY';
  return `${count(contacts, 'contact')} may wake the agent`;
}

function channelWords({ channels }: AgentJson): string {
  if (channels.length === 0) return 'none wakes the agent; to let one: mesh wake CHANNEL';
  return channels
    .map(
      ({ channel, wake }) => `${visibleLine(channel)} (${wake === 'always' ? 'always' : 'when mentioned'})`,
    )
    .join(', ');
}

function budgetWords({ budget }: AgentJson): string {
  const { contactHour, contactDay, channelHour, channelDay, hops } = budget;
  const contact = `${contactHour} turns an hour and ${contactDay} a day for each contact`;
  return `${contact}, ${channelHour} and ${channelDay} for each channel; ${hops} automatic answers in a row`;
}

export async function showOpenClaw(context: CommandContext): Promise<undefined> {
  return withClient(context, async (client) => {
    const { io, global } = context;
    const { identity } = await client.status();
    const agent = await client.agent();
    if (global.json) {
      await print(io, jsonLine({ identity, ...agent }));
      return undefined;
    }
    const { waiting, handed, unanswered } = agent;
    const rows = [
      ['Agent', identity],
      ['Gateway', clientWords(agent)],
      ['Contacts', contactWords(agent)],
      ['Channels', channelWords(agent)],
      [
        'Inbox',
        `${waiting} waiting, ${handed} handed over; ${unanswered} unanswered or held back in the last 24 hours`,
      ],
      ['Budget', budgetWords(agent)],
    ];
    for (const line of tableLines(rows)) await print(io, line);
    return undefined;
  });
}
