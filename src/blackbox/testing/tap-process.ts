/** `mesh tap --json` as a process of its own, from the moment on in which it sees what passes. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { TapItemJson } from '../../api/client/tap-types.ts';
import { endOf, MESH, type MeshProcess } from './mesh-process.ts';
import { until } from './wait.ts';

export class TapProcess {
  readonly #child: ChildProcess;
  #text = '';
  /** the exit code */
  readonly ended: Promise<number | null>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.ended = endOf(child).then(({ code }) => code);
    child.stdout?.on('data', (data) => {
      this.#text += data;
    });
  }

  static async start(mesh: MeshProcess, ...args: string[]): Promise<TapProcess> {
    const { PATH } = process.env;
    const child = spawn(process.execPath, [MESH, 'tap', '--json', ...args, '--data', mesh.data], {
      cwd: mesh.folder,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH, HOME: mesh.folder },
    });
    const tap = new TapProcess(child);
    await until('a tap begins', () => tap.items.length > 0);
    return tap;
  }

  /** What it has shown so far. */
  get items(): TapItemJson[] {
    const lines = this.#text.split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as TapItemJson);
  }

  /** As Ctrl-C does. */
  interrupt(): void {
    this.#child.kill('SIGINT');
  }
}
