import { defineCommand, type GlobalArguments } from '../command.ts';
import { UsageError } from '../exit.ts';

interface OpenClawArguments extends GlobalArguments {
  readonly action: 'setup' | 'status';
  readonly owner: string | undefined;
  readonly openclaw: string | undefined;
  readonly 'dry-run': boolean;
}

/** `mesh openclaw`: the agent of this daemon is an OpenClaw agent. */
export const openclawCommand = defineCommand<OpenClawArguments>({
  usage: 'openclaw <action>',
  summary: 'Attach an OpenClaw agent to this daemon, or see whether it is attached',
  examples: [
    ['$0 openclaw setup --owner IDENTITY', 'install the plugin and point it at this daemon'],
    ['$0 openclaw setup --dry-run', 'only say what would be run'],
    ['$0 openclaw status', 'whether a gateway is attached, and what it may cost'],
  ],
  build: (parser) =>
    parser
      .positional('action', {
        choices: ['setup', 'status'] as const,
        demandOption: true,
        describe: 'What to do',
      })
      .options({
        owner: {
          type: 'string',
          requiresArg: true,
          describe: 'Identity that may run commands of the gateway, and wake the agent',
        },
        openclaw: { type: 'string', requiresArg: true, describe: 'The program (openclaw)' },
        'dry-run': { type: 'boolean', default: false, describe: 'Change nothing; say what would be run' },
      }),
  run: async (args, context) => {
    const { action, owner, openclaw } = args;
    if (action === 'setup') {
      const { setUpOpenClaw } = await import('../openclaw/setup.ts');
      return setUpOpenClaw({ openclaw: openclaw ?? 'openclaw', owner, isDry: args['dry-run'] }, context);
    }
    if (owner !== undefined || openclaw !== undefined || args['dry-run'])
      throw new UsageError('"mesh openclaw status" takes no options of setup.', {
        help: 'mesh openclaw --help',
      });
    return (await import('../openclaw/status.ts')).showOpenClaw(context);
  },
});
