import { LIMITS, MeshError, PublishedError, type WaitState } from '../../api/client/index.ts';
import { checkPayload, parseSeconds, splitNames } from '../arguments.ts';
import { type CommandContext, defineCommand, type GlobalArguments } from '../command.ts';
import { withClient } from '../connect.ts';
import { mentionsOf } from '../contacts.ts';
import { UsageError } from '../exit.ts';
import { print } from '../print.ts';
import type { SendPlan } from '../send-plan.ts';
import { jsonLine } from '../text.ts';

/** The API's own maximum: an hour. */
const TIMEOUT_SECONDS_MAX = 3600;
const HELP = { help: 'mesh send --help' };

export interface SendArguments extends GlobalArguments {
  readonly channel: string;
  readonly text: string | undefined;
  readonly lines: boolean;
  readonly typing: boolean;
  readonly wait: WaitState | undefined;
  readonly timeout: string | undefined;
  readonly payload: string | undefined;
  readonly reply: string | undefined;
  readonly mention: string | undefined;
  readonly 'idempotency-key': string | undefined;
}

/**
 * Bytes of an argument that are not UTF-8 are U+FFFD before this program sees them. Signed, the damage would be there
 * for ever; so whoever means that character says so in another way.
 */
function checkReadable(name: string, text: string | undefined, instead: string): void {
  if (text?.includes('\ufffd') !== true) return;
  throw new UsageError(
    `${name} holds the character U+FFFD: bytes that were not UTF-8 became it. If you mean this character, ${instead}.`,
    { ...HELP, code: 'bad_text' },
  );
}

/** Mentions stand in the payload, so the daemon has to write it anew; else the text is signed as it stands. */
function payloadOf(text: string, isShared: boolean): { payload: unknown } | { payloadText: string } {
  return isShared ? { payload: JSON.parse(text) as unknown } : { payloadText: text };
}

/** What makes no sense beside --typing. */
const NOT_WITH_TYPING = ['text', 'wait', 'timeout', 'payload', 'mention', 'idempotency-key'] as const;

/** `--typing`: nothing is sent but a word that somebody is about to. */
async function sayTyping(args: SendArguments, context: CommandContext): Promise<undefined> {
  const other = args.lines ? 'lines' : NOT_WITH_TYPING.find((name) => args[name] !== undefined);
  if (other !== undefined)
    throw new UsageError(
      `--typing sends no message: leave ${other === 'text' ? 'TEXT' : `--${other}`} out.`,
      HELP,
    );
  const { channel, reply } = args;
  return withClient(context, async (client) => {
    const asked = {
      channel,
      kind: 'activity',
      doing: 'typing',
      ...(reply !== undefined && { reply }),
    } as const;
    const taken = await client.publishEphemeral(asked);
    if (context.global.json) await print(context.io, jsonLine(taken));
    return undefined;
  });
}

function planOf(args: SendArguments): SendPlan {
  const timeout =
    args.timeout === undefined ? undefined : parseSeconds('--timeout', args.timeout, TIMEOUT_SECONDS_MAX);
  if (timeout !== undefined && args.wait === undefined) throw new UsageError('--timeout needs --wait.', HELP);
  if (args.lines && args.text !== undefined && args.text !== '-') {
    throw new UsageError('--lines reads the messages from standard input; leave TEXT out.', HELP);
  }
  if (!args.lines && args.text === undefined) {
    throw new UsageError(
      'Say TEXT, or - to read it from standard input, or --lines for a message per line.',
      HELP,
    );
  }
  checkReadable('TEXT', args.text, 'give the text on standard input: mesh send CHANNEL - < FILE');
  checkReadable('--payload', args.payload, 'write it as \\ufffd in the JSON');
  if (args.payload !== undefined) checkPayload(args.payload);
  const mentions = splitNames(args.mention ?? '');
  return {
    message: {
      channel: args.channel,
      ...(args.payload !== undefined && payloadOf(args.payload, mentions.length > 0)),
      ...(args.reply !== undefined && { reply: args.reply }),
    },
    mentions,
    wait: args.wait,
    timeoutSeconds: timeout,
    idempotencyKey: args['idempotency-key'],
  };
}

/** Standard input as one text; a line end at its end is no part of it. */
async function readText({ io }: CommandContext): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of io.stdin() as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LIMITS.messageBytesMax) throw new MeshError('message_too_large', 'Standard input is larger.');
    chunks.push(chunk);
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
    return text.replace(/\r?\n$/, '');
  } catch (error) {
    throw new MeshError('bad_text', 'Standard input is not UTF-8.', { cause: error });
  }
}

async function sendOne(body: string, plan: SendPlan, context: CommandContext): Promise<undefined> {
  const show = async (published: { readonly id: string; readonly state: string }) => {
    const { id, state } = published;
    await print(context.io, context.global.json ? jsonLine({ id, state }) : `${id} ${state}`);
  };
  return withClient(context, async (client) => {
    const { idempotencyKey, wait, timeoutSeconds } = plan;
    try {
      const message = { ...plan.message, ...(await mentionsOf(client, plan)), body };
      await show(await client.publish(message, { idempotencyKey, wait, timeoutSeconds }));
    } catch (error) {
      if (error instanceof PublishedError) await show(error); // it is published: only the wait has failed
      throw error;
    }
    return undefined;
  });
}

/** `mesh send`: one message, or one for each line of standard input. */
export const sendCommand = defineCommand<SendArguments>({
  usage: 'send <channel> [text]',
  summary: 'Send a message; prints its id and state',
  examples: [
    ["$0 send '#dev' 'hello'", 'send a text'],
    ["$0 send '#dev' - < note.txt", 'the text comes from standard input'],
    ["$0 send '#dev' --lines --wait stored < lines.txt", 'a message per line'],
    ["$0 send '#dev' 'how are you?' --mention anna", 'say it to the agent of a contact'],
    ["$0 send '#dev' --typing", 'show that a message is on its way'],
    ['$0 send lobby hi --payload \'{"a":1}\'', 'with data for programs'],
  ],
  build: (parser) =>
    parser
      .positional('channel', { type: 'string', demandOption: true, describe: 'Name of the channel' })
      .positional('text', { type: 'string', describe: 'The text; - reads standard input' })
      .options({
        typing: {
          type: 'boolean',
          default: false,
          describe: 'Send no message: show for a minute that you are typing',
        },
        lines: { type: 'boolean', default: false, describe: 'Send each line of standard input' },
        wait: {
          choices: ['relayed', 'stored'] as const,
          requiresArg: true,
          describe: 'Wait until another peer has taken it, or a relay has stored it',
        },
        timeout: { type: 'string', requiresArg: true, describe: 'Seconds to wait at most (30)' },
        payload: { type: 'string', requiresArg: true, describe: 'JSON value to carry beside the text' },
        mention: {
          type: 'string',
          requiresArg: true,
          describe:
            "Whom it is for: identities or contacts' names, with commas between; it wakes their agents",
        },
        reply: { type: 'string', requiresArg: true, describe: 'Id of the message that this one answers' },
        'idempotency-key': {
          type: 'string',
          requiresArg: true,
          describe: 'Send once however often this is run; with --lines it gets the line number',
        },
      }),
  run: async (args, context) => {
    if (args.typing) return sayTyping(args, context);
    const plan = planOf(args);
    if (args.lines) return (await import('../send-lines.ts')).sendLines(plan, context);
    return sendOne(args.text === '-' ? await readText(context) : (args.text ?? ''), plan, context);
  },
});
