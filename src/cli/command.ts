/**
 * What a command is: its words for the parser, and what it does once they are understood. The module of a command
 * imports nothing heavy; `run` does, when it is this command's turn. So `mesh send` starts without the daemon.
 */
import type { Argv } from 'yargs';
import type { CliIo } from './io.ts';

export interface GlobalArguments {
  readonly data: string | undefined;
  readonly json: boolean;
}

export interface CommandContext {
  readonly io: CliIo;
  readonly global: GlobalArguments;
  /** absolute path of the daemon's data folder */
  readonly dataFolder: string;
}

export interface CommandWords<T> {
  /** name and positionals, such as `send <channel> [text]` */
  readonly usage: string;
  readonly summary: string;
  readonly examples: readonly (readonly [command: string, what: string])[];
  readonly build: (parser: Argv<GlobalArguments>) => Argv<T>;
  /** the exit code; nothing means 0 */
  readonly run: (args: T, context: CommandContext) => Promise<number | undefined>;
}

/** What the parser found. */
export interface Chosen {
  readonly name: string;
  readonly global: GlobalArguments;
  readonly run: (context: CommandContext) => Promise<number | undefined>;
}

export interface Command {
  readonly name: string;
  /** name and positionals, and the first of its examples without `$0` */
  readonly usage: string;
  readonly example: string;
  readonly register: (parser: Argv<GlobalArguments>, choose: (chosen: Chosen) => void) => void;
}

/**
 * yargs drops `-` from positionals, lays what stands behind `--` aside, and takes an id that begins with a dash for
 * options. So all of them go through the parser with a NUL before them, which no argument can contain, and it is taken off here.
 */
const MARK = '\u0000';
/** One id in 64 begins with a dash, and no option has this length. */
const DASHED_ID = /^-[A-Za-z0-9_-]{42}$/;
/** The beginning of one. No option has a single dash; but `send` takes any text, and must not send a mistyped option. */
const DASHED_START = /^-[A-Za-z0-9_][A-Za-z0-9_-]{4,41}$/;

export function markPlain(argv: readonly string[]): string[] {
  const at = argv.indexOf('--');
  const before = at < 0 ? argv : argv.slice(0, at);
  const after = at < 0 ? [] : argv.slice(at + 1);
  const takesStart = argv[0] !== 'send';
  const isPlain = (text: string): boolean =>
    text === '-' || DASHED_ID.test(text) || (takesStart && DASHED_START.test(text));
  return [...before.map((text) => (isPlain(text) ? MARK + text : text)), ...after.map((text) => MARK + text)];
}

export function unmarkText(text: string): string {
  return text.replaceAll(MARK, '');
}

function unmark<T>(args: object): T {
  const entries = Object.entries(args).map(([name, value]) => [
    name,
    typeof value === 'string' ? unmarkText(value) : value,
  ]);
  return Object.fromEntries(entries) as T;
}

export function defineCommand<T extends GlobalArguments>(words: CommandWords<T>): Command {
  const name = words.usage.split(' ')[0] as string;
  return {
    name,
    usage: words.usage,
    example: words.examples[0]?.[0].replace('$0 ', '') ?? words.usage,
    register: (parser, choose) => {
      parser.command(
        words.usage,
        words.summary,
        (inner) => {
          for (const [command, what] of words.examples) inner.example(command, what);
          return words.build(inner);
        },
        (parsed) => {
          const args = unmark<T>(parsed);
          choose({ name, global: args, run: (context) => words.run(args, context) });
        },
      );
    },
  };
}
