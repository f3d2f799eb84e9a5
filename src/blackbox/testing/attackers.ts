/** Malicious peers in a process of their own, and what they have done so far; see `attackers-main.ts`. */
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import type { Attack, Deeds } from './attackers-main.ts';
import { type Ended, endOf, makeFolder } from './mesh-process.ts';
import { alarm, until, within } from './wait.ts';

const MAIN = path.join(import.meta.dirname, 'attackers-main.ts');

export class Attackers {
  readonly #child: ChildProcess;
  readonly #ended: Promise<Ended>;
  #isEnding = false;
  #text = '';
  #rest = '';
  #deeds: Deeds = {};
  /** for how long they have been at it */
  seconds = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = endOf(child);
    child.stdout?.on('data', (data) => this.#read(String(data)));
    child.stderr?.on('data', (data) => {
      this.#text += data;
    });
    child.once('close', (code, signal) => {
      if (!this.#isEnding) alarm(`the attackers ended with ${signal ?? code}:\n${this.#text.slice(-2000)}`);
    });
  }

  /** They have all begun. */
  static async start(attack: Omit<Attack, 'folder'>): Promise<Attackers> {
    const folder = makeFolder();
    const { PATH } = process.env;
    const child = spawn(process.execPath, [MAIN, JSON.stringify({ ...attack, folder } satisfies Attack)], {
      cwd: folder,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH, HOME: folder },
    });
    const attackers = new Attackers(child);
    await until('the attackers begin', () => attackers.seconds > 0);
    return attackers;
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    this.seconds += lines.length;
    const last = lines.at(-1);
    if (last !== undefined) this.#deeds = JSON.parse(last) as Deeds;
  }

  /** How often a kind has done anything. */
  countOf(kind: string): number {
    return Object.values(this.#deeds[kind] ?? {}).reduce((sum, times) => sum + times, 0);
  }

  async stop(): Promise<void> {
    this.#isEnding = true;
    this.#child.stdin?.end();
    await within('the attackers end', this.#ended);
  }
}
