import { MeshError, openTap, TAP_NAMES, type TapItemJson } from '../../api/client/index.ts';
import { parseIdStart, splitNames } from '../arguments.ts';
import { type CommandContext, defineCommand, type GlobalArguments } from '../command.ts';
import { withClient } from '../connect.ts';
import { UsageError } from '../exit.ts';
import { print, warn } from '../print.ts';
import { listenForStop } from '../stop-signal.ts';
import { tapLine } from '../tap-lines.ts';
import { count, jsonLine } from '../text.ts';

interface TapArguments extends GlobalArguments {
  readonly peer: string | undefined;
  readonly type: string | undefined;
}

/** Signs of life, most of the lines of a quiet mesh: people see them if they ask for them. */
const QUIET: readonly string[] = ['ping', 'pong'];

/** The names in the value of --type. Throws {@link UsageError}. */
function parseTypes(text: string): string[] {
  const names = splitNames(text);
  const unknown = names.find((name) => !TAP_NAMES.includes(name));
  const all = TAP_NAMES.join(', ');
  if (unknown !== undefined) throw new UsageError(`No frame is called "${unknown}". The names are ${all}.`);
  if (names.length === 0) throw new UsageError(`--type names none. The names are ${all}.`);
  return names;
}

/** @param isWhole ping and pong too */
async function show({ io, global }: CommandContext, item: TapItemJson, isWhole: boolean): Promise<void> {
  if (global.json) return print(io, jsonLine(item));
  if (!isWhole && item.kind === 'frame' && QUIET.includes(item.type)) return undefined;
  if (item.kind === 'begun')
    return warn(
      io,
      `Showing what passes over ${count(item.links, 'link')}${isWhole ? '' : ', without ping and pong'}. "--type push,stored" shows less, Ctrl-C ends.`,
    );
  if (item.kind === 'ended') return warn(io, 'The daemon has stopped.');
  const line = tapLine(item);
  if (line !== undefined) await print(io, line);
}

/** `mesh tap`: the frames of this daemon's links as they pass, decoded. */
export const tapCommand = defineCommand<TapArguments>({
  usage: 'tap',
  summary: 'Show the frames that pass over the links, decoded, until you stop it',
  examples: [
    ['$0 tap --type push,stored', 'messages, and who says that they are on disk'],
    ['$0 tap --peer 3fG7xQ --json', 'everything of one link, an object a line'],
  ],
  build: (parser) =>
    parser.options({
      peer: {
        type: 'string',
        requiresArg: true,
        describe: 'Only the link with this peer; 6 characters are enough',
      },
      type: {
        type: 'string',
        requiresArg: true,
        describe: `Only frames with these names, with commas between: ${TAP_NAMES.join(', ')}`,
      },
    }),
  run: async ({ peer: start, type }, context) => {
    const peer = start === undefined ? undefined : parseIdStart('--peer', start, 'a peer');
    const types = type === undefined ? undefined : parseTypes(type);
    return withClient(context, async ({ daemon }) => {
      const stop = listenForStop(context.io);
      const controller = new AbortController();
      void stop.asked.then(() => controller.abort());
      try {
        for await (const item of openTap(daemon, { peer, types, signal: controller.signal }))
          await show(context, item, types !== undefined);
      } catch (error) {
        if (!(error instanceof MeshError) || !controller.signal.aborted) throw error;
      } finally {
        stop.forget();
        controller.abort();
      }
      return undefined;
    });
  },
});
