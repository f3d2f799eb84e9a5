import { describe, expect, it } from 'vitest';
import { defineCommand } from '../src/cli/command.ts';
import { EXIT } from '../src/cli/exit.ts';
import { COMMANDS, GLOBAL_OPTIONS, parseArguments } from '../src/cli/parser.ts';
import { COMMAND_WORDS } from './cli-words.ts';
import { cliPage, describeCommand, describedCommands } from './generate-cli.ts';

const page = cliPage();
const names = COMMANDS.map(({ name }) => name);

async function help(...command: string[]): Promise<string> {
  const parsed = await parseArguments([...command, '--help']);
  return 'text' in parsed ? parsed.text : '';
}

function section(name: string): string {
  const start = page.indexOf(`\n## mesh ${name}\n`);
  return page.slice(start, page.indexOf('\n## ', start + 1));
}

/** The options in the first column of tables. */
function tableOptions(text: string): string[] {
  return [...text.matchAll(/^\| .*$/gm)].flatMap(([row]) => {
    const first = row.split(' | ')[0] ?? '';
    return [...first.matchAll(/`--([a-z][a-z-]*)/g)].map((match) => match[1] ?? '');
  });
}

/** What the parser itself lists: the options, and the positionals without their brackets. */
function helpNames(text: string, heading: string): string[] {
  const start = text.indexOf(`\n${heading}:`);
  if (start < 0) return [];
  const block = text.slice(start).split('\n\n')[0] ?? '';
  return [...block.matchAll(/^ {2}(?:--)?([a-z][a-z-]*)/gm)].map((match) => match[1] ?? '');
}

describe('the page of the command line', () => {
  it('has a section, a row and words for each command, and for nothing else', () => {
    expect([...page.matchAll(/^## mesh (.+)$/gm)].map((match) => match[1])).toEqual(names);
    expect([...page.matchAll(/^\| \[`mesh ([a-z]+)/gm)].map((match) => match[1])).toEqual(names);
    expect(Object.keys(COMMAND_WORDS).sort()).toEqual([...names].sort());
  });

  it.each(names)('lists for mesh %s what its own --help lists', async (name) => {
    const text = await help(name);
    const common = [...Object.keys(GLOBAL_OPTIONS), 'help', 'version'];
    const options = helpNames(text, 'Options').filter((option) => !common.includes(option));
    expect(tableOptions(section(name)).sort()).toEqual(options.sort());
    const positionals = [...section(name).matchAll(/^\| `([A-Z]+)` \|/gm)].map((match) => match[1]);
    expect(positionals).toEqual(helpNames(text, 'Positionals').map((one) => one.toUpperCase()));
  });

  it('lists the options of all commands as --help does', async () => {
    const start = page.indexOf('## Options of all commands');
    const listed = tableOptions(page.slice(start, page.indexOf('\n## ', start + 1)));
    const known = helpNames(await help(), 'Options');
    expect(listed.sort()).toEqual(known.sort());
  });

  it('names no option and no command that is not there', () => {
    const known = new Set([
      ...Object.keys(GLOBAL_OPTIONS),
      ...['help', 'version'],
      ...describedCommands().flatMap(({ options }) => [...options.keys()]),
    ]);
    const named = [...page.matchAll(/(?<![\w-])--([a-z][a-z-]*)/g)].map((match) => match[1] ?? '');
    expect(named.filter((option) => !known.has(option))).toEqual([]);
  });

  it('explains each exit code, and --help has the same', async () => {
    const codes = [...page.matchAll(/^\| (\d+) \|/gm)].map((match) => Number(match[1]));
    expect(codes).toEqual(Object.values(EXIT));
    const shown = /Exit codes: ([^.]+)\./.exec(await help())?.[1] ?? '';
    expect([...shown.matchAll(/(\d+) /g)].map((match) => Number(match[1]))).toEqual(codes);
  });
});

describe('a command', () => {
  const words = { summary: 'X', examples: [], run: async () => undefined };

  it('is described by what it tells its parser', () => {
    const command = defineCommand({
      ...words,
      usage: 'try <it>',
      examples: [['$0 try x', 'so']],
      build: (parser) =>
        parser.positional('it', { type: 'string' }).option('a', { describe: 'A' }).options({ b: {} }),
    });
    const described = describeCommand(command);
    expect(described).toMatchObject({ name: 'try', usage: 'try <it>', summary: 'X' });
    expect([...described.positionals.keys()]).toEqual(['it']);
    expect([...described.options.keys()]).toEqual(['a', 'b']);
    expect(described.examples).toEqual([['$0 try x', 'so']]);
  });

  it('is refused if it tells its parser something that the page would not show', () => {
    const command = defineCommand({ ...words, usage: 'try', build: (parser) => parser.alias('a', 'b') });
    expect(() => describeCommand(command)).toThrow('"alias"');
  });
});
