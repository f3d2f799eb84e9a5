/**
 * One line of the log: read from JSON, judged by level and time, and written for people. Peers choose parts of it (names
 * of programs, reasons for an end), so everything is written out as text from the mesh is.
 */
import { localTime, visibleLine, visibleText } from '../text.ts';

/** Levels, the most important first, as MESH_LOG_LEVEL has them. */
export const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug'] as const;
export type Level = (typeof LEVELS)[number];

export type LogLine =
  | {
      readonly kind: 'line';
      readonly level: Level;
      /** ISO 8601 */
      readonly time: string;
      readonly phrase: string;
      /** everything else */
      readonly fields: Readonly<Record<string, unknown>>;
    }
  /** not what a daemon writes: its end is missing, or somebody else wrote it */
  | { readonly kind: 'damaged'; readonly text: string };

const LEVEL_WIDTH = 5;
/** A stack has lines of its own, below the others. */
const STACK = 'stack';

function isLevel(value: unknown): value is Level {
  return LEVELS.some((level) => level === value);
}

export function parseLine(text: string): LogLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: 'damaged', text }; // shown as it is
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { kind: 'damaged', text };
  const { level, time, phrase, ...fields } = value as Record<string, unknown>;
  if (!isLevel(level) || typeof time !== 'string' || typeof phrase !== 'string')
    return { kind: 'damaged', text };
  return { kind: 'line', level, time, phrase, fields };
}

export interface Wanted {
  /** this level and what is more important; undefined for all */
  readonly level: Level | undefined;
  /** ms since 1970; undefined for all */
  readonly sinceMs: number | undefined;
}

/** A damaged line has neither level nor time: it is shown only to who wants everything. */
export function isWanted(line: LogLine, { level, sinceMs }: Wanted): boolean {
  if (line.kind === 'damaged') return level === undefined && sinceMs === undefined;
  if (level !== undefined && LEVELS.indexOf(line.level) > LEVELS.indexOf(level)) return false;
  return sinceMs === undefined || Date.parse(line.time) >= sinceMs;
}

/** What `--json` gives: the line as the daemon wrote it, or `{"damaged"}`. */
export function lineValue(line: LogLine): object {
  if (line.kind === 'damaged') return { damaged: line.text };
  const { level, time, phrase, fields } = line;
  return { level, time, ...fields, phrase };
}

/** Plain words as they are, everything else as JSON, so that a blank in a value cannot pose as the next field. */
function fieldText(value: unknown): string {
  if (typeof value === 'string' && /^[^\s"=\\]+$/.test(value)) return value;
  return JSON.stringify(value) ?? '';
}

/** @param paintLevel colours the level; it has its full width already */
export function lineText(line: LogLine, paintLevel: (level: Level, text: string) => string): string {
  if (line.kind === 'damaged') return `(damaged line) ${visibleLine(line.text)}`;
  const { level, time, phrase, fields } = line;
  const entries = Object.entries(fields).filter(([name]) => name !== STACK);
  const data = entries.map(([name, value]) => ` ${name}=${fieldText(value)}`).join('');
  const stack = fields[STACK];
  const below = typeof stack === 'string' && stack !== '' ? `\n    ${visibleText(stack, '    ')}` : '';
  const words = visibleLine(`${phrase}${data === '' ? '' : ` ${data}`}`);
  return `${localTime(time)}  ${paintLevel(level, level.padEnd(LEVEL_WIDTH))}  ${words}${below}`;
}
