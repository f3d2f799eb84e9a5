/** The heap of another Node process, through its inspector: the process has to be started with {@link INSPECTED}. */
import { WebSocket } from 'ws';
import { until, within } from './wait.ts';

/** Any free port of loopback; the process writes which. */
export const INSPECTED = { NODE_OPTIONS: '--inspect=127.0.0.1:0' };

export class Inspector {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (result: unknown) => void>();
  #count = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => {
      const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown };
      if (id === undefined) return;
      this.#waiting.get(id)?.(result);
      this.#waiting.delete(id);
    });
  }

  /** @param process `output`: what it has written */
  static async attach(process: { readonly output: string }): Promise<Inspector> {
    const url = await until(
      'the inspector listens',
      () => /Debugger listening on (ws:\S+)/.exec(process.output)?.[1],
    );
    const socket = new WebSocket(url);
    await within('the inspector answers', new Promise((resolve) => socket.once('open', resolve)));
    return new Inspector(socket);
  }

  #call(method: string): Promise<unknown> {
    const id = ++this.#count;
    const answered = new Promise<unknown>((resolve) => this.#waiting.set(id, resolve));
    this.#socket.send(JSON.stringify({ id, method }));
    return within(method, answered);
  }

  /** Bytes in use after a forced collection. */
  async heap(): Promise<number> {
    // The second one takes what finalizers of the first have let go.
    for (let i = 0; i < 2; i++) await this.#call('HeapProfiler.collectGarbage');
    const { usedSize } = (await this.#call('Runtime.getHeapUsage')) as { usedSize: number };
    return usedSize;
  }

  close(): void {
    this.#socket.terminate();
  }
}
