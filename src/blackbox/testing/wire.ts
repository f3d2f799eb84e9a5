/**
 * A network path that a test owns: a TCP port that leads to another one, for one connection at a time. Peers learn this
 * address as the other's, so nobody can link around it, and it can go silent without closing, as a dead line does.
 */
import net from 'node:net';
import { afterAll } from 'vitest';
import type { Frame } from '../../core/wire/frames.ts';
import { freePort } from './mesh-process.ts';
import { Tap } from './tap.ts';

const wires: Wire[] = [];
afterAll(() => {
  for (const wire of wires) wire.close();
});

export class Wire {
  readonly url: string;
  /** called with each frame that passes, once it is set */
  onFrame: ((frame: Frame, from: 'dialler' | 'responder') => void) | undefined;
  readonly #server: net.Server;
  #pair: readonly net.Socket[] = [];
  #isFrozen = false;

  private constructor(port: number, target: number) {
    this.url = `ws://127.0.0.1:${port}`;
    this.#server = net.createServer((near) => this.#accept(near, target));
    wires.push(this);
  }

  static async to(target: number): Promise<Wire> {
    const port = await freePort();
    const wire = new Wire(port, target);
    await new Promise<void>((resolve) => wire.#server.listen(port, '127.0.0.1', resolve));
    return wire;
  }

  #accept(near: net.Socket, target: number): void {
    near.on('error', () => near.destroy());
    if (this.#pair.length > 0 || this.#isFrozen) return void near.destroy();
    const far = net.connect(target, '127.0.0.1');
    this.#pair = [near, far];
    far.on('error', () => far.destroy());
    const end = (): void => {
      near.destroy();
      far.destroy();
      if (this.#pair[0] === near) this.#pair = [];
    };
    near.once('close', end);
    far.once('close', end);
    for (const [side, from, to] of [
      ['dialler', near, far],
      ['responder', far, near],
    ] as const) {
      const tap = new Tap((frame) => this.onFrame?.(frame, side));
      from.on('data', (data) => {
        if (this.#isFrozen) return;
        tap.push(data);
        to.write(data);
      });
    }
  }

  /** From now on nothing comes through, and nobody is told. */
  freeze(): void {
    this.#isFrozen = true;
  }

  /** Carries new connections again. */
  mend(): void {
    this.#isFrozen = false;
    for (const socket of this.#pair) socket.destroy();
  }

  close(): void {
    for (const socket of this.#pair) socket.destroy();
    this.#server.close();
  }
}
