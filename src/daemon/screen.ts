/**
 * The start screen for people on a terminal. It is written once, from top to bottom, and later changes are added as
 * short lines below: no cursor movement, so it reads well in a scrolled window, a recording and a screen reader.
 */
import { styleText } from 'node:util';
import type { DestinationStream } from 'pino';
import { ERRORS } from '../core/errors.ts';
import type { SourceView, StatusView } from './gate.ts';
import { localDiscoveryText } from './local-discovery.ts';
import type { Problem } from './problems.ts';

export interface ScreenOptions {
  readonly out: DestinationStream;
  readonly isColor: boolean;
  /** how the command is called in the hints, such as `npx mesh` */
  readonly command: string;
}

const LABEL_WIDTH = 11;

function count(n: number, one: string, many: string): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** Text that may come from others, without what a terminal would obey: control and direction characters. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, '\ufffd');
}

/** Wall clock of this place, HH:MM:SS. */
function clockTime(timeMs: number): string {
  return new Date(timeMs).toTimeString().slice(0, 8);
}

/** `text` with a full stop at its end, '' stays ''. */
function sentence(text: string): string {
  return text === '' || /[.!?]$/.test(text) ? text : `${text}.`;
}

/** What one bootstrap source answered, in words. */
export function sourceResult({ state, peers, code, detail }: SourceView): string {
  switch (state) {
    case 'waiting':
      return 'no answer yet';
    case 'ok':
      return peers === 0 ? 'ok, no peers listed' : `ok, ${count(peers, 'address', 'addresses')}`;
    case 'failed': {
      const words = detail || (code === null ? 'failed' : ERRORS[code].title);
      return `failed: ${sentence(words)} It is tried again.`;
    }
    default:
      return state satisfies never;
  }
}

export class Screen {
  readonly #options: ScreenOptions;

  constructor(options: ScreenOptions) {
    this.#options = options;
  }

  /** Who it is and where: known as soon as the daemon listens. */
  showIdentity(status: StatusView, notes: readonly string[]): void {
    const rows: [string, string][] = [
      ['Identity', `${status.identity}  (signs your messages)`],
      ['Peer', `${status.peer}  (this daemon)`],
      ['Network', status.network],
      ['Listening', `${status.listen.peer}  for other peers`],
      ['', `${status.listen.api}  for commands on this machine`],
      ['Data', status.dataFolder],
    ];
    this.#write(['', this.#bold(`OpenClaw Messaging ${status.version}`), '', ...this.#rows(rows)]);
    for (const note of notes) this.#write([`  Note: ${printable(note)}`]);
  }

  /** What the bootstrap lists said, who is there, and what to do now. */
  showMesh(status: StatusView): void {
    const sources = status.sources.map((source): [string, string] => [
      'Asked',
      printable(`${source.source}: ${sourceResult(source)}`),
    ]);
    if (sources.length === 0) sources.push(['Asked', 'no bootstrap list (MESH_BOOTSTRAP_URL is empty)']);
    const { command } = this.#options;
    const rows: [string, string][] = [
      ...sources.map(([label, text], i): [string, string] => [i === 0 ? label : '', text]),
      ['Local net', printable(localDiscoveryText(status.localDiscovery))],
      ['Peers', this.#peers(status)],
      ['Next', this.#bold(`${command} send lobby "hello"`)],
      ['', this.#bold(`${command} status`)],
      ['', 'Ctrl-C stops the daemon.'],
    ];
    this.#write([...this.#rows(rows), '']);
  }

  /** A change, as one line. @param time wall clock, ms */
  showLine(text: string, timeMs: number): void {
    this.#write([`${clockTime(timeMs)} ${printable(text)}`]);
  }

  showProblem({ code, detail }: Problem, timeMs: number): void {
    const { title, do: advice } = ERRORS[code];
    const words = [title, sentence(detail), advice].filter((part) => part !== '').join(' ');
    this.#write([`${clockTime(timeMs)} ${this.#bold('Problem')} ${code}: ${printable(words)}`]);
  }

  #peers({ links }: StatusView): string {
    if (links.length === 0) return 'none yet: a mesh of one; it goes on trying and joins by itself';
    return `${count(links.length, 'link', 'links')} with other peers`;
  }

  #rows(rows: readonly (readonly [string, string])[]): string[] {
    return rows.map(([label, text]) => `  ${label.padEnd(LABEL_WIDTH)}${text}`);
  }

  #bold(text: string): string {
    return this.#options.isColor ? styleText('bold', text, { validateStream: false }) : text;
  }

  #write(lines: readonly string[]): void {
    this.#options.out.write(`${lines.join('\n')}\n`);
  }
}
