/**
 * The command line as yargs understands it. Nothing is done here: the result says what to run or what to print.
 */
import fs from 'node:fs';
import path from 'node:path';
import yargs, { type Argv, type Options } from 'yargs';
import { type Chosen, type Command, type GlobalArguments, markPlain, unmarkText } from './command.ts';
import { allowCommand } from './commands/allow.ts';
import { deleteCommand, editCommand } from './commands/amend.ts';
import { bootstrapCommand } from './commands/bootstrap.ts';
import { channelsCommand } from './commands/channels.ts';
import { doctorCommand } from './commands/doctor.ts';
import { idCommand } from './commands/id.ts';
import { inboxCommand } from './commands/inbox.ts';
import { joinCommand } from './commands/join.ts';
import { leaveCommand } from './commands/leave.ts';
import { logsCommand } from './commands/logs.ts';
import { openclawCommand } from './commands/openclaw.ts';
import { peersCommand } from './commands/peers.ts';
import { readCommand } from './commands/read.ts';
import { retentionCommand } from './commands/retention.ts';
import { sendCommand } from './commands/send.ts';
import { serviceCommand } from './commands/service.ts';
import { startCommand } from './commands/start.ts';
import { statusCommand } from './commands/status.ts';
import { stopCommand } from './commands/stop.ts';
import { tapCommand } from './commands/tap.ts';
import { uninstallCommand } from './commands/uninstall.ts';
import { waitCommand } from './commands/wait.ts';
import { wakeCommand } from './commands/wake.ts';
import { whyCommand } from './commands/why.ts';
import { UsageError } from './exit.ts';

/** Each command, in the order of `mesh --help`. */
export const COMMANDS: readonly Command[] = [
  startCommand,
  stopCommand,
  logsCommand,
  statusCommand,
  idCommand,
  joinCommand,
  leaveCommand,
  channelsCommand,
  retentionCommand,
  sendCommand,
  editCommand,
  deleteCommand,
  readCommand,
  waitCommand,
  whyCommand,
  allowCommand,
  wakeCommand,
  inboxCommand,
  openclawCommand,
  peersCommand,
  tapCommand,
  doctorCommand,
  serviceCommand,
  uninstallCommand,
  bootstrapCommand,
];

/** The options that each command has. */
export const GLOBAL_OPTIONS = {
  data: { type: 'string', requiresArg: true, describe: 'Data folder of the daemon' },
  json: { type: 'boolean', default: false, describe: 'JSON for programs, one object a line' },
} as const satisfies Record<string, Options>;

const WIDTH_MAX = 100;
const EPILOGUE = [
  'Exit codes: 0 done, 1 failed, 2 wrong command line, 3 no daemon, 4 wait timed out.',
  'The data folder is --data, else MESH_DATA_DIR, else "data" in a checkout, else the user\'s data folder.',
].join('\n');

/** The version in package.json: from `src/` in a checkout, from `dist/` in a package. */
function packageVersion(): string {
  const file = path.join(import.meta.dirname, '..', '..', 'package.json');
  const value: unknown = JSON.parse(fs.readFileSync(file, 'utf8'));
  return typeof value === 'object' && value !== null && 'version' in value ? String(value.version) : '';
}

function createParser(choose: (chosen: Chosen) => void): Argv<GlobalArguments> {
  const parser = yargs()
    .scriptName('mesh')
    .usage('$0 COMMAND\n\nAn address for your agent on the mesh.')
    .locale('en')
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'duplicate-arguments-array': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
    .options(GLOBAL_OPTIONS)
    .example('$0 start', 'join the mesh')
    .example("$0 send '#dev' 'hello'", 'say something in the channel #dev')
    .example("$0 read '#dev' --follow", 'read it, and what comes')
    .epilogue(EPILOGUE)
    .strict()
    .demandCommand(1, 'Say which command.')
    .recommendCommands()
    .exitProcess(false)
    .version(packageVersion())
    .help()
    .wrap(WIDTH_MAX);
  const typed: Argv<GlobalArguments> = parser;
  for (const command of COMMANDS) command.register(typed, choose);
  return typed;
}

/** What yargs says where positionals are missing counts them; a person wants their names. Other words pass. */
function clearWords(words: string, command: Command | undefined): string {
  const given = /^Not enough non-option arguments: got (\d+)/.exec(words)?.[1];
  if (given === undefined || command === undefined) return words;
  const needed = (command.usage.match(/<[^>]+>/g) ?? []).slice(Number(given));
  return `Say ${needed.join(' and ')}: mesh ${command.usage}. For example: mesh ${command.example}`;
}

/** The command that was asked for, or the text of `--help` and `--version`. Throws {@link UsageError}. */
export async function parseArguments(argv: readonly string[]): Promise<Chosen | { readonly text: string }> {
  let chosen: Chosen | undefined;
  const parser = createParser((one) => {
    chosen = one;
  });
  const command = COMMANDS.find(({ name }) => name === argv[0]);
  const help = command === undefined ? 'mesh --help' : `mesh ${command.name} --help`;
  const result = await new Promise<{ error: Error | undefined | null; output: string }>((resolve, reject) => {
    const parsed = parser.parseAsync(markPlain(argv), {}, (error, _args, output) =>
      resolve({ error, output }),
    );
    parsed.catch(reject);
  });
  if (result.error) throw new UsageError(clearWords(unmarkText(result.error.message), command), { help });
  if (chosen) return chosen;
  return { text: result.output };
}
