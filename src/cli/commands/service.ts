import { defineCommand, type GlobalArguments } from '../command.ts';
import { UsageError } from '../exit.ts';

interface ServiceArguments extends GlobalArguments {
  readonly action: 'install' | 'remove' | 'status';
  readonly system: boolean;
  readonly print: boolean;
}

/** `mesh service`: the daemon as a service of this user or machine. */
export const serviceCommand = defineCommand<ServiceArguments>({
  usage: 'service <action>',
  summary: 'Let this machine run the daemon: install a service and start it, remove it, or see how it does',
  examples: [
    ['$0 service install', 'run the daemon of this data folder from now on'],
    ['$0 service install --print', 'only show the file that would be written'],
    ['sudo $0 service install --system', 'as a user of its own, closed off, for the whole machine'],
    ['$0 service status', 'whether it is installed and runs'],
    ['$0 service remove', 'stop and remove it; the data stays'],
  ],
  build: (parser) =>
    parser
      .positional('action', {
        choices: ['install', 'remove', 'status'] as const,
        demandOption: true,
        describe: 'What to do',
      })
      .options({
        system: {
          type: 'boolean',
          default: false,
          describe: 'The service of the whole machine (Linux, as root)',
        },
        print: {
          type: 'boolean',
          default: false,
          describe: 'Show the file of the service and change nothing',
        },
      }),
  run: async ({ action, system, print: isPrint }, context) => {
    if (isPrint && action !== 'install')
      throw new UsageError('--print goes with "mesh service install".', { help: 'mesh service --help' });
    const [{ thisMachine }, { installService }, { removeService, showService }] = await Promise.all([
      import('../service/plan.ts'),
      import('../service/install.ts'),
      import('../service/remove.ts'),
    ]);
    const machine = thisMachine(context);
    const scope = system ? 'system' : 'user';
    if (action === 'install') return installService({ scope, isPrint }, context, machine);
    return action === 'remove'
      ? removeService(context, machine, scope)
      : showService(context, machine, scope);
  },
});
