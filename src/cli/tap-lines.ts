/**
 * What a tap shows as text: one line each, with time, direction, peer, name and fields. Fields are written as `name=value`;
 * ids are shortened, lists begin with their count, and what strangers wrote cannot mislead a terminal.
 */
import type { TapItemJson, TapValue } from '../api/client/index.ts';
import { sizeText } from './byte-size.ts';
import { count, shortId, visibleLine } from './text.ts';

const ID = /^[A-Za-z0-9_-]{43}$/;
/** Characters of a text that are shown (guess: a line can still be read). */
const TEXT_SHOWN = 160;

type Fields = { readonly [name: string]: TapValue };

function isFields(value: TapValue): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(text: string, isQuoted: boolean): string {
  if (ID.test(text)) return shortId(text);
  const cut = text.length > TEXT_SHOWN ? `${text.slice(0, TEXT_SHOWN)}…` : text;
  const line = visibleLine(cut);
  return isQuoted || text === '' || /[\s"=,]/.test(line) ? `"${line.replaceAll('"', '\\"')}"` : line;
}

/** A list as `2: a, b`, with `...` where there is more of it. */
function listText(all: number, first: readonly TapValue[]): string {
  if (all === 0) return 'none';
  const items = first.map((item) => valueText('', item)).join(', ');
  return `${all}: ${items}${all > first.length ? ', ...' : ''}`;
}

function objectText(value: Fields): string {
  const { count: all, first, bytes, hex } = value;
  if (typeof all === 'number' && Array.isArray(first)) return `[${listText(all, first)}]`;
  if (typeof bytes === 'number' && typeof hex === 'string') return `${count(bytes, 'byte')} ${hex}`;
  return `{${fieldsText(value)}}`;
}

function valueText(name: string, value: TapValue): string {
  if (typeof value === 'string') return shown(value, name === 'body' || name === 'detail');
  if (Array.isArray(value)) return `[${listText(value.length, value as readonly TapValue[])}]`;
  return isFields(value) ? objectText(value) : String(value);
}

function fieldsText(fields: Fields): string {
  return Object.entries(fields)
    .map(([name, value]) => `${visibleLine(name)}=${valueText(name, value)}`)
    .join(' ');
}

/** Local time of the day to the millisecond. */
function clockText(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return visibleLine(iso);
  const two = (n: number, digits = 2) => String(n).padStart(digits, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${two(date.getMilliseconds(), 3)}`;
}

function whoText({ peer, link }: { readonly peer: string | null; readonly link: number }): string {
  return peer === null ? `link ${link}`.padEnd(8) : shortId(peer);
}

type Shown = Exclude<TapItemJson, { kind: 'begun' | 'ended' }>;

function bodyOf(item: Shown): string {
  switch (item.kind) {
    case 'frame': {
      const fields = fieldsText(item.fields);
      return `${item.direction.padEnd(3)}  ${whoText(item)}  ${item.type}  ${sizeText(item.bytes)}${fields === '' ? '' : `  ${fields}`}`;
    }
    case 'refused': {
      const what = `${visibleLine(item.code)}: ${visibleLine(item.detail)}`;
      return `${item.direction.padEnd(3)}  ${whoText(item)}  refused  ${sizeText(item.bytes)}  ${what}  begins with "${visibleLine(item.head)}"`;
    }
    case 'opened':
      return `${item.direction.padEnd(3)}  ${whoText(item)}  opened${item.url === null ? '' : `  ${visibleLine(item.url)}`}`;
    case 'closed': {
      const code = item.code === null ? '' : `${visibleLine(item.code)}: `;
      const by = item.by === 'us' ? 'by this daemon' : 'by the other side';
      return `---  ${whoText(item)}  closed  ${by}  ${code}${visibleLine(item.reason)}`;
    }
    case 'lost':
      return `---  ${count(item.frames, 'frame')} not shown: this terminal reads too slowly (${item.all} so far)`;
    default:
      return item satisfies never;
  }
}

/** One line for an item, or undefined for one of a kind that this version does not know. */
export function tapLine(item: Shown): string | undefined {
  const body = bodyOf(item) as string | undefined;
  return typeof body === 'string' ? `${clockText(item.time)}  ${body}` : undefined;
}
