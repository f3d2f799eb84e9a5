import { defineCommand, type GlobalArguments } from '../command.ts';

interface UninstallArguments extends GlobalArguments {
  readonly yes: boolean;
  readonly keys: boolean;
}

/** `mesh uninstall`: shows what belongs to the daemon of a data folder, and removes it if told so. */
export const uninstallCommand = defineCommand<UninstallArguments>({
  usage: 'uninstall',
  summary:
    'Show what would be removed of this daemon, or with --yes remove it; the keys stay unless --keys says so',
  examples: [
    ['$0 uninstall', 'only show what would be removed, and what stays'],
    ['$0 uninstall --yes', 'remove it; the keys stay, so a new start is the same identity'],
    ['$0 uninstall --yes --keys', 'the keys too: nobody can sign as this identity again'],
  ],
  build: (parser) =>
    parser.options({
      yes: { type: 'boolean', default: false, describe: 'Remove what is shown without it' },
      keys: { type: 'boolean', default: false, describe: 'The keys too' },
    }),
  run: async ({ yes, keys }, context) => {
    const { uninstall } = await import('../uninstall/run.ts');
    return uninstall({ isReal: yes, withKeys: keys }, context);
  },
});
