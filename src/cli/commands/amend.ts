import type { Client, MessageJson } from '../../api/client/index.ts';
import { type CommandContext, defineCommand, type GlobalArguments } from '../command.ts';
import { withClient } from '../connect.ts';
import { UsageError } from '../exit.ts';
import { print } from '../print.ts';
import { jsonLine } from '../text.ts';

interface AmendArguments extends GlobalArguments {
  readonly message: string;
  readonly 'idempotency-key': string | undefined;
}

interface EditArguments extends AmendArguments {
  readonly text: string;
}

/** Publishes what changes an own message, and prints id and state of that. */
async function amend(
  args: AmendArguments,
  context: CommandContext,
  relation: 'edit' | 'delete',
  body: string,
): Promise<undefined> {
  return withClient(context, async (client: Client) => {
    const { id } = await client.why(args.message);
    const { channel, own }: MessageJson = await client.message(id);
    if (!own)
      throw new UsageError(`${id} is not a message of this daemon: only its author can ${relation} it.`);
    const refs = [{ relation, id }];
    const idempotencyKey = args['idempotency-key'];
    const published = await client.publish({ channel, body, refs }, { idempotencyKey });
    const { state } = published;
    await print(
      context.io,
      context.global.json ? jsonLine({ id: published.id, state }) : `${published.id} ${state}`,
    );
    return undefined;
  });
}

const MESSAGE = {
  type: 'string',
  demandOption: true,
  describe: 'Id of an own message, or enough of its beginning',
} as const;
const KEY = { type: 'string', describe: 'A key under which the same request counts once' } as const;

/** `mesh edit`: another text for an own message. */
export const editCommand = defineCommand<EditArguments>({
  usage: 'edit <message> <text>',
  summary: 'Give an own message another text; prints the id of the edit and its state',
  examples: [['$0 edit 3fG7xQ… "what I meant"', 'readers see the new text, and that it was edited']],
  build: (parser) =>
    parser
      .positional('message', MESSAGE)
      .positional('text', { type: 'string', demandOption: true, describe: 'The new text' })
      .option('idempotency-key', KEY),
  run: (args, context) => {
    if (args.text === '')
      throw new UsageError('TEXT is empty. To take the message back: mesh delete MESSAGE');
    return amend(args, context, 'edit', args.text);
  },
});

/** `mesh delete`: takes an own message back. */
export const deleteCommand = defineCommand<AmendArguments>({
  usage: 'delete <message>',
  summary: 'Delete an own message, here and at every peer that hears of it',
  examples: [['$0 delete 3fG7xQ…', 'its content goes; whoever has copied it keeps the copy']],
  build: (parser) => parser.positional('message', MESSAGE).option('idempotency-key', KEY),
  run: (args, context) => amend(args, context, 'delete', ''),
});
