import {
  type AgentJson,
  ERRORS,
  isErrorCode,
  type LocalDiscoveryJson,
  type ScrubJson,
  type SourceJson,
  type StatusJson,
} from '../../api/client/index.ts';
import { sizeText } from '../byte-size.ts';
import { defineCommand } from '../command.ts';
import { withClient } from '../connect.ts';
import type { CliIo } from '../io.ts';
import { paint, print } from '../print.ts';
import { count, jsonLine, localTime, visibleLine } from '../text.ts';
import { linkLine } from './peers.ts';

function sourceLine(source: SourceJson): string {
  const state = {
    waiting: 'no answer yet',
    ok: `ok, ${count(source.peers, 'address', 'addresses')}`,
    failed: `failed: ${visibleLine(source.detail)}`,
  }[source.state];
  return `  ${visibleLine(source.source)}  ${state}`;
}

function localWords({ state, reason, addresses, peers }: LocalDiscoveryJson): string {
  const why = visibleLine(reason);
  if (state === 'starting') return state;
  if (state !== 'on') return `${state}: ${why}`;
  const announced = `announced at ${visibleLine(addresses.join(', '))}, ${count(peers, 'other peer')} found`;
  return why === '' ? announced : `${announced}; ${why}`;
}

function problemLine({ code, detail, at }: StatusJson['problems'][number]): string {
  const row = isErrorCode(code) ? ERRORS[code] : undefined;
  const words = [row?.title ?? code, detail, row?.do ?? ''].filter((text) => text !== '');
  return `  ${localTime(at)}  ${visibleLine(words.join(' '))}`;
}

function scrubWords({ state, checked, messages, ended, damaged, structure }: ScrubJson): string {
  const last =
    ended === null ? 'not all messages were checked yet' : `all were checked on ${localTime(ended)}`;
  const now = state === 'running' ? `checking all messages, ${checked} of ${messages} so far` : last;
  const missing = damaged.reduce((sum, row) => sum + row.messages, 0);
  const words = missing === 0 ? now : `${now}; ${count(missing, 'damaged message')} not back yet`;
  return structure === '' ? words : `${words}; ${visibleLine(structure)}`;
}

/** A line where there is an agent, or is to be one. */
function agentWords({ client, contacts, channels, waiting, unanswered }: AgentJson): string | undefined {
  if (client === null && contacts === 0 && channels.length === 0) return undefined;
  const who = client === null ? 'nothing is attached' : `attached as ${visibleLine(client.name)}`;
  return `${who}; ${count(waiting, 'message')} waiting, ${unanswered} unanswered or held back in the last 24 hours`;
}

function* statusLines(
  status: StatusJson,
  agent: AgentJson,
  bold: (text: string) => string,
): Generator<string> {
  yield `${bold('Identity:')} ${visibleLine(status.identity)}`;
  yield `${bold('Peer:')}     ${visibleLine(status.peer)}, a ${status.role} of the network "${visibleLine(status.network)}"`;
  yield `${bold('Running:')}  version ${visibleLine(status.version)} since ${localTime(status.started)}`;
  yield `${bold('Listens:')}  ${visibleLine(status.listen.peer)} for peers, ${visibleLine(status.listen.api)} for this machine`;
  yield `${bold('Data:')}     ${visibleLine(status.dataFolder)}`;
  // A leaf keeps no map: its relays do.
  const map = status.role === 'relay' ? `, and ${count(status.relays, 'relay')} on the map` : '';
  yield `${bold('Links:')}    ${status.links.length}${map}`;
  yield* status.links.map(linkLine);
  yield `${bold('Lists:')}    ${count(status.sources.length, 'bootstrap list')}`;
  yield* status.sources.map(sourceLine);
  yield `${bold('Local:')}    ${localWords(status.localDiscovery)}`;
  yield `${bold('Channels:')} ${status.channels.length}`;
  for (const { channel, joined, messages, bytes } of status.channels) {
    const size = messages === 0 ? '' : `, ${sizeText(bytes)}`;
    yield `  ${visibleLine(channel)}  ${joined ? 'joined' : 'not joined'}, ${count(messages, 'message')}${size}`;
  }
  const waiting = `${count(status.outbox, 'own message')} that nobody has confirmed as stored`;
  yield `${bold('Outbox:')}   ${status.outbox === 0 ? 'empty' : waiting}`;
  yield `${bold('Scrub:')}    ${scrubWords(status.scrub)}`;
  const words = agentWords(agent);
  if (words !== undefined) yield `${bold('Agent:')}    ${words}`;
  if (status.problems.length > 0) yield `${bold('Problems:')} ${status.problems.length}`;
  yield* status.problems.map(problemLine);
}

async function showStatus(io: CliIo, status: StatusJson, agent: AgentJson): Promise<void> {
  const bold = (text: string): string => paint(io, io.stdout, 'bold', text);
  for (const line of statusLines(status, agent, bold)) await print(io, line);
}

/** `mesh status`: the daemon on one screen. */
export const statusCommand = defineCommand({
  usage: 'status',
  summary: 'Show who and where the daemon is and what it is linked with',
  examples: [['$0 status --json', 'one object with identity, peer, links, channels and more']],
  build: (parser) => parser,
  run: async (_args, context) =>
    withClient(context, async (client) => {
      const status = await client.status();
      if (context.global.json) await print(context.io, jsonLine(status));
      else await showStatus(context.io, status, await client.agent());
      return undefined;
    }),
});
