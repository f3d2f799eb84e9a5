/**
 * `docs/reference/cli.md`: from the definitions of the commands, as they tell them to their parser, and from the words in
 * `cli-words.ts`.
 */
import type { Argv, Options, PositionalOptions } from 'yargs';
import type { Command, GlobalArguments } from '../src/cli/command.ts';
import { EXIT } from '../src/cli/exit.ts';
import { COMMANDS, GLOBAL_OPTIONS } from '../src/cli/parser.ts';
import {
  BUILT_IN,
  COMMAND_WORDS,
  type CommandWords,
  EXIT_WORDS,
  GLOBAL_WORDS,
  type OptionWords,
  SIGNAL_WORDS,
} from './cli-words.ts';
import { GENERATED, sentence, table } from './markdown.ts';

type Definition = Options | PositionalOptions;

export interface DescribedCommand {
  readonly name: string;
  /** such as `send <channel> [text]` */
  readonly usage: string;
  readonly summary: string;
  readonly examples: readonly (readonly [command: string, what: string])[];
  readonly positionals: ReadonlyMap<string, Definition>;
  readonly options: ReadonlyMap<string, Definition>;
}

type Call = readonly [method: string, args: readonly unknown[]];

/** Stands in for a parser: it notes what a command tells it, and does nothing. */
function recordingParser(calls: Call[]): Argv<GlobalArguments> {
  const parser: unknown = new Proxy(
    {},
    {
      get:
        (_target, method) =>
        (...args: unknown[]): unknown => {
          calls.push([String(method), args]);
          return parser;
        },
    },
  );
  return parser as Argv<GlobalArguments>;
}

function callsOf(work: (parser: Argv<GlobalArguments>) => unknown): Call[] {
  const calls: Call[] = [];
  work(recordingParser(calls));
  return calls;
}

/** What a command says of itself. */
export function describeCommand(command: Command): DescribedCommand {
  const [registered] = callsOf((parser) => command.register(parser, () => undefined));
  const [usage, summary, build] = (registered?.[1] ?? []) as [
    string,
    string,
    (parser: Argv<GlobalArguments>) => unknown,
  ];
  const positionals = new Map<string, Definition>();
  const options = new Map<string, Definition>();
  const examples: [string, string][] = [];
  for (const [method, args] of callsOf(build)) {
    const [first, second] = args as [string, Definition];
    if (method === 'example') examples.push(args as [string, string]);
    else if (method === 'positional') positionals.set(first, second);
    else if (method === 'option') options.set(first, second);
    else if (method === 'options')
      for (const [name, one] of Object.entries(first as unknown as Record<string, Options>))
        options.set(name, one);
    else
      throw new Error(
        `mesh ${command.name} tells its parser "${method}": generate-cli.ts has no words for it.`,
      );
  }
  return { name: command.name, usage, summary, examples, positionals, options };
}

function wordsOf(name: string): CommandWords {
  const words = COMMAND_WORDS[name];
  if (words === undefined) throw new Error(`No words for mesh ${name}: add them to tools/cli-words.ts.`);
  return words;
}

/** Each command with what it says of itself. Throws where words are missing, or belong to nothing. */
export function describedCommands(): DescribedCommand[] {
  const described = COMMANDS.map(describeCommand);
  for (const name of Object.keys(COMMAND_WORDS))
    if (!described.some((command) => command.name === name))
      throw new Error(`tools/cli-words.ts has words for mesh ${name}, which is no command.`);
  for (const { name, options, positionals } of described)
    for (const option of Object.keys(wordsOf(name).options ?? {}))
      if (!options.has(option) && !positionals.has(option))
        throw new Error(
          `tools/cli-words.ts has words for ${option} of mesh ${name}, which has no such option.`,
        );
  return described;
}

/** `<channel>` of the parser is `CHANNEL` for readers. */
function shownUsage(usage: string): string {
  return `mesh ${usage.replace(/[<[]([a-z]+)[>\]]/g, (whole, name: string) => {
    const shown = name.toUpperCase();
    return whole.startsWith('[') ? `[${shown}]` : shown;
  })}`;
}

function optionText(name: string, definition: Definition, { value }: OptionWords): string {
  const { type, choices } = definition as Options;
  if (choices !== undefined) return `\`--${name} ${choices.join('|')}\``;
  if (type === 'boolean') return `\`--${name}\``;
  if (value === undefined)
    throw new Error(`The value of --${name} has no name: add it to tools/cli-words.ts.`);
  return `\`--${name} ${value}\``;
}

/** Options and variables in words that are plain text for `--help`. */
function withCode(text: string): string {
  return text.includes('`') ? text : text.replace(/--[a-z][a-z-]*|\bMESH_[A-Z_]+/g, '`$&`');
}

function describeText(definition: Definition, { what }: OptionWords): string {
  const { describe, default: fallback } = definition as Options;
  const text = what ?? describe ?? '';
  if (text === '') throw new Error('An option has no words.');
  const shown = withCode(`${text.charAt(0).toUpperCase()}${text.slice(1)}`);
  return fallback === undefined || fallback === false ? shown : `${shown} (${fallback} if left out)`;
}

type OptionRow = readonly [name: string, definition: Definition];

function optionRows(rows: readonly OptionRow[], words: Readonly<Record<string, OptionWords>>): string[][] {
  return rows.map(([name, definition]) => [
    optionText(name, definition, words[name] ?? {}),
    describeText(definition, words[name] ?? {}),
  ]);
}

function commandSection(command: DescribedCommand): string[] {
  const { name, usage, summary, examples, positionals, options } = command;
  const { options: words = {}, notes = [] } = wordsOf(name);
  const rows = [
    ...[...positionals].map(([one, definition]) => [
      `\`${one.toUpperCase()}\``,
      describeText(definition, words[one] ?? {}),
    ]),
    ...optionRows([...options], words),
  ];
  const shown = examples.map(([text, what]) => [text.replaceAll('$0', 'mesh'), what] as const);
  const width = Math.max(...shown.map(([text]) => text.length));
  return [
    `## mesh ${name}`,
    '',
    `Usage: \`${shownUsage(usage)}\`. ${sentence(withCode(summary))}`,
    '',
    ...(rows.length === 0 ? [] : [...table(['Option', 'What it does'], rows), '']),
    ...notes.flatMap((note) => [note, '']),
    '```sh',
    ...shown.map(([text, what]) => `${text.padEnd(width)}  # ${what}`),
    '```',
    '',
  ];
}

function exitRows(): string[][] {
  const rows = (Object.keys(EXIT) as (keyof typeof EXIT)[]).map((name) => [
    `${EXIT[name]}`,
    EXIT_WORDS[name],
  ]);
  return [...rows, ['128 + n', SIGNAL_WORDS]];
}

export function cliPage(): string {
  const commands = describedCommands();
  const lines = [
    '# Command line',
    '',
    GENERATED,
    '',
    `\`mesh COMMAND\`; in a checkout \`npx mesh COMMAND\` or \`node bin/mesh.mjs COMMAND\`. \`mesh --help\` and
\`mesh COMMAND --help\` list all options.`,
    '',
    ...table(
      ['Command', 'What it does'],
      commands.map(({ name, usage, summary }) => [
        `[\`${shownUsage(usage)}\`](#mesh-${name})`,
        withCode(summary),
      ]),
    ),
    '',
    "Quote channel names that begin with `#`: `'#dev'`.",
    '',
    '## Options of all commands',
    '',
    ...table(
      ['Option', 'What it does'],
      [...optionRows(Object.entries(GLOBAL_OPTIONS), GLOBAL_WORDS), [BUILT_IN, 'explain, and end']],
    ),
    '',
    `A file \`.env\` in the working folder is read first; a variable that is set already wins. Colour is used on terminals
only, and not if \`NO_COLOR\` is set.`,
    '',
    ...commands.flatMap(commandSection),
    '## JSON',
    '',
    `\`--json\` gives one object a line, and nothing else on standard output. A problem on standard error is a
[Problem](http.md#problem) of the HTTP API; with \`send --lines\` it has the member \`line\`.`,
    '',
    ...table(
      ['Command', 'Each line of standard output'],
      commands.map(({ name }) => [`\`${name}\``, wordsOf(name).json]),
    ),
    '',
    '## Exit codes',
    '',
    ...table(['Code', 'Meaning'], exitRows()),
  ];
  return `${lines.join('\n')}\n`;
}
