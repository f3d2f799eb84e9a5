import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MeshError } from '../../api/client/index.ts';
import { LOG_FOLDER, listLogFiles } from '../../daemon/folder/index.ts';
import { parseSince, parseWhole } from '../arguments.ts';
import { type CommandContext, defineCommand, type GlobalArguments } from '../command.ts';
import { LogFeed, placeOfFirst, placeOfLast } from '../logs/feed.ts';
import {
  isWanted,
  LEVELS,
  type Level,
  type LogLine,
  lineText,
  lineValue,
  parseLine,
  type Wanted,
} from '../logs/line.ts';
import { paint, print, warn } from '../print.ts';
import { jsonLine } from '../text.ts';

/** More than a screen; who wants all takes --since or a larger number. */
const LINES_DEFAULT = 50;
/** They are held in memory if a filter has to find them (guess: some tens of MiB). */
const LINES_MAX = 100_000;
/** How often --follow looks for more: looking costs next to nothing, and file systems tell of changes unreliably. */
const LOOK_MS = 200;
const COLORS = { fatal: 'red', error: 'red', warn: 'bold', info: 'cyan', debug: 'dim' } as const;

interface LogsArguments extends GlobalArguments {
  readonly follow: boolean;
  readonly lines: string | undefined;
  readonly level: Level | undefined;
  readonly since: string | undefined;
}

async function show({ io, global }: CommandContext, line: LogLine): Promise<void> {
  const text = global.json
    ? jsonLine(lineValue(line))
    : lineText(line, (level, word) => paint(io, io.stdout, COLORS[level], word));
  await print(io, text);
}

/** Throws `no_log` where there is none, or none that this user may read. */
function assertLog(folder: string): void {
  try {
    if (listLogFiles(folder).length > 0) return;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    if (code !== 'ENOENT')
      throw new MeshError('no_log', `${folder} cannot be read (${code}).`, { cause: error });
  }
  throw new MeshError('no_log', `No file of a log lies in ${folder}.`);
}

function warnOfGap(feed: LogFeed, { io }: CommandContext): void {
  if (feed.takeGap()) warn(io, 'Lines are missing here: their file was deleted before it was read.');
}

/** Of these lines the last `count` that are wanted, or all of them. */
async function showPast(
  past: Iterable<string>,
  wanted: Wanted,
  count: number,
  context: CommandContext,
): Promise<void> {
  const last: LogLine[] = [];
  for (const text of past) {
    const line = parseLine(text);
    if (!isWanted(line, wanted)) continue;
    if (count === Number.POSITIVE_INFINITY) await show(context, line);
    else if (last.push(line) > 2 * count) last.splice(0, last.length - count);
  }
  if (count > 0) for (const line of last.slice(-count)) await show(context, line);
}

async function follow(feed: LogFeed, wanted: Wanted, context: CommandContext): Promise<void> {
  for (;;) {
    for (const text of feed.lines()) {
      const line = parseLine(text);
      if (isWanted(line, wanted)) await show(context, line);
    }
    warnOfGap(feed, context);
    await sleep(LOOK_MS);
  }
}

/** `mesh logs`: the log of the daemon, from its files: it may run or not. */
export const logsCommand = defineCommand<LogsArguments>({
  usage: 'logs',
  summary: "Show the daemon's log, also of one that has ended",
  examples: [
    ['$0 logs', `the last ${LINES_DEFAULT} lines`],
    ['$0 logs --follow', 'and what comes, until you stop it'],
    ['$0 logs --level warn --since 2h', 'what went wrong in the last two hours'],
    ['$0 logs --json', 'the lines as the daemon wrote them'],
  ],
  build: (parser) =>
    parser.options({
      follow: { type: 'boolean', default: false, describe: 'Stay and show what comes' },
      lines: {
        type: 'string',
        requiresArg: true,
        describe: `The last so many; ${LINES_DEFAULT} if left out, with --since all`,
      },
      level: { choices: LEVELS, requiresArg: true, describe: 'Only this level and what is more important' },
      since: {
        type: 'string',
        requiresArg: true,
        describe: 'Only what is not older, such as 90s, 15m, 2h or 7d, or than a time in ISO 8601',
      },
    }),
  run: async ({ follow: isFollowing, lines, level, since }, context) => {
    const sinceMs = since === undefined ? undefined : parseSince('--since', since, Date.now());
    const fallback = sinceMs === undefined ? LINES_DEFAULT : Number.POSITIVE_INFINITY;
    const count =
      lines === undefined ? fallback : parseWhole('--lines', lines, isFollowing ? 0 : 1, LINES_MAX);
    const folder = path.join(context.dataFolder, LOG_FOLDER);
    assertLog(folder);
    const wanted: Wanted = { level, sinceMs };
    const isPlain = level === undefined && sinceMs === undefined;
    const feed = new LogFeed(folder, isPlain ? placeOfLast(folder, count) : placeOfFirst(folder, sinceMs));
    try {
      await showPast(feed.lines(), wanted, count, context);
      warnOfGap(feed, context);
      // What has no end yet may be a line that is just being written: only who does not stay takes it as it is.
      if (!isFollowing) await showPast(feed.rest(), wanted, count, context);
      else await follow(feed, wanted, context);
    } finally {
      feed.close();
    }
    return undefined;
  },
});
