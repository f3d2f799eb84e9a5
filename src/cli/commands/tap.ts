import { MeshError, openTap, type TapItemJson } from '../../api/client/index.ts';
import { type CommandContext, defineCommand, type GlobalArguments } from '../command.ts';
import { withClient } from '../connect.ts';
import { print, warn } from '../print.ts';
import { listenForStop } from '../stop-signal.ts';
import { tapLine } from '../tap-lines.ts';
import { count, jsonLine } from '../text.ts';

interface TapArguments extends GlobalArguments {
  readonly peer: string | undefined;
  readonly type: string | undefined;
}

async function show({ io, global }: CommandContext, item: TapItemJson): Promise<void> {
  if (global.json) return print(io, jsonLine(item));
  if (item.kind === 'begun')
    return warn(
      io,
      `Showing what passes over ${count(item.links, 'link')}. "--type push,stored" shows less, Ctrl-C ends.`,
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
        describe: 'Only frames with these names, with commas between',
      },
    }),
  run: async ({ peer, type }, context) =>
    withClient(context, async ({ daemon }) => {
      const stop = listenForStop(context.io);
      const controller = new AbortController();
      void stop.asked.then(() => controller.abort());
      const types = type?.split(',').map((name) => name.trim());
      try {
        for await (const item of openTap(daemon, { peer, types, signal: controller.signal }))
          await show(context, item);
      } catch (error) {
        if (!(error instanceof MeshError) || !controller.signal.aborted) throw error;
      } finally {
        stop.forget();
        controller.abort();
      }
      return undefined;
    }),
});
