import { defineCommand } from '../command.ts';
import { withClient } from '../connect.ts';
import { print } from '../print.ts';
import { jsonLine, visibleLine } from '../text.ts';

/** `mesh id`: the address that others know this daemon's messages by. */
export const idCommand = defineCommand({
  usage: 'id',
  summary: 'Show the identity that signs your messages, and the id of the peer',
  examples: [['$0 id --json', '{"identity":"...","peer":"...","identities":["..."]}']],
  build: (parser) => parser,
  run: async (_args, context) =>
    withClient(context, async (client) => {
      const { identity, peer, identities } = await client.status();
      if (context.global.json) {
        await print(context.io, jsonLine({ identity, peer, identities }));
        return undefined;
      }
      await print(context.io, `Identity: ${visibleLine(identity)}`);
      for (const other of identities) {
        if (other !== identity) await print(context.io, `Identity: ${visibleLine(other)}`);
      }
      await print(context.io, `Peer:     ${visibleLine(peer)}`);
      return undefined;
    }),
});
