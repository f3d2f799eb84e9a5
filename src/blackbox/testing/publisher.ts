/**
 * A client that publishes without waiting, over the daemon's stream, and notes for each idempotency key what it was
 * told: acknowledged (durable here) and stored (durable at a relay). It survives the daemon's death.
 */
import { WebSocket } from 'ws';
import type { FoundDaemon } from '../../api/client/find.ts';
import type { ServerFrame } from '../../api/client/types.ts';
import { until } from './wait.ts';

export class Publisher {
  /** key → id, for what the daemon said is durable */
  readonly acknowledged = new Map<string, string>();
  /** ids that the daemon said a relay has stored */
  readonly stored = new Set<string>();
  /** keys that were sent, in order, with the body */
  readonly sent = new Map<string, string>();
  readonly failures: string[] = [];
  /** called after each message that goes out and each answer that comes in, before anything else happens */
  onChange: () => void = () => undefined;
  #socket: WebSocket | undefined;

  async connect(daemon: FoundDaemon): Promise<void> {
    const socket = new WebSocket(`${daemon.url.replace('http:', 'ws:')}/v1/stream`, {
      perMessageDeflate: false,
      headers: { authorization: `Bearer ${daemon.token}` },
    });
    this.#socket = socket;
    socket.on('error', () => undefined); // the daemon is killed on purpose
    socket.on('message', (data) => this.#receive(JSON.parse(String(data)) as ServerFrame));
    await until('the stream opens', () => socket.readyState === WebSocket.OPEN);
  }

  #receive(frame: ServerFrame): void {
    if (frame.op === 'published') this.acknowledged.set(frame.ref, frame.id);
    else if (frame.op === 'state' && frame.state === 'stored') this.stored.add(frame.id);
    else if (frame.op === 'error') this.failures.push(`${frame.ref}: ${frame.problem.code}`);
    this.onChange();
  }

  /** Sends one message under a key; sending the same again repeats the request. */
  publish(key: string, channel: string, body: string): void {
    this.sent.set(key, body);
    const frame = {
      op: 'publish',
      ref: key,
      channel,
      body,
      idempotencyKey: key,
      wait: 'stored',
      timeout: 600,
    };
    this.#socket?.send(JSON.stringify(frame), () => undefined); // whether it arrived shows in the answers
    this.onChange();
  }

  /** Keys without an answer. */
  get unanswered(): string[] {
    return [...this.sent.keys()].filter((key) => !this.acknowledged.has(key));
  }

  close(): void {
    this.#socket?.terminate();
  }
}
