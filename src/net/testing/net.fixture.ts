/** What the tests of this folder share: link nets that remember their events, and sockets that behave badly. */
import net from 'node:net';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import {
  createLinkNet,
  type LinkEvent,
  type LinkLimits,
  type LinkNet,
  type LinkNetOptions,
} from '../links.ts';

type EventOf<K extends LinkEvent['kind']> = Extract<LinkEvent, { kind: K }>;

/** Events in order, and promises for those to come. */
export class EventLog {
  readonly events: LinkEvent[] = [];
  readonly #waiting = new Set<() => void>();

  readonly push = (event: LinkEvent): void => {
    this.events.push(event);
    for (const check of [...this.#waiting]) check();
  };

  all<K extends LinkEvent['kind']>(kind: K): EventOf<K>[] {
    return this.events.filter((event): event is EventOf<K> => event.kind === kind);
  }

  /** the `count`th event of a kind, now or later */
  async next<K extends LinkEvent['kind']>(kind: K, count = 1): Promise<EventOf<K>> {
    return new Promise((resolve) => {
      const check = (): void => {
        const found = this.all(kind)[count - 1];
        if (found === undefined) return;
        this.#waiting.delete(check);
        resolve(found);
      };
      this.#waiting.add(check);
      check();
    });
  }
}

export interface TestNet {
  readonly net: LinkNet;
  readonly log: EventLog;
  readonly port: number;
  readonly url: string;
}

/** A link net that listens on 127.0.0.1 and is shut down after the test. */
export async function startNet(
  limits: Partial<LinkLimits> = {},
  more: Partial<LinkNetOptions> = {},
): Promise<TestNet> {
  const log = new EventLog();
  const linkNet = createLinkNet({
    onEvent: log.push,
    createEphemeral: (link) => new Uint8Array(32).fill(link),
    bootstrapDocument: () => ({ version: 1, peers: [] }),
    limits: { closeMs: 100, ...limits },
    ...more,
  });
  onTestFinished(() => linkNet.shutdown());
  const { port } = await linkNet.listen({ host: '127.0.0.1', port: 0, fixedPort: true });
  return { net: linkNet, log, port, url: `ws://127.0.0.1:${port}/` };
}

/** Two nets with one link between them: `a` dialled `b`. */
export async function startPair(limits: Partial<LinkLimits> = {}): Promise<{ a: TestNet; b: TestNet }> {
  const [a, b] = [await startNet(limits), await startNet(limits)];
  a.net.dial(b.url, 'loopback');
  await Promise.all([a.log.next('link-opened'), b.log.next('link-opened')]);
  return { a, b };
}

/** A TCP connection that is open, with everything it received so far. */
export interface RawSocket {
  readonly socket: net.Socket;
  text(): string;
  readonly closed: Promise<void>;
}

export async function connectRaw(
  port: number,
  host = '127.0.0.1',
  localAddress?: string,
): Promise<RawSocket> {
  const socket = net.connect({ port, host, ...(localAddress === undefined ? {} : { localAddress }) });
  const parts: Buffer[] = [];
  socket.on('data', (part) => parts.push(part));
  socket.on('error', () => socket.destroy());
  onTestFinished(() => void socket.destroy());
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await Promise.race([new Promise((resolve) => socket.once('connect', resolve)), closed]);
  return { socket, text: () => Buffer.concat(parts).toString('latin1'), closed };
}

export function upgradeRequest(path = '/', more: readonly string[] = []): string {
  const lines = [
    `GET ${path} HTTP/1.1`,
    'Host: test',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...more,
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** A raw socket after a successful upgrade. */
export async function connectUpgraded(port: number): Promise<RawSocket> {
  const raw = await connectRaw(port);
  const answered = new Promise((resolve) => raw.socket.once('data', resolve));
  raw.socket.write(upgradeRequest());
  await Promise.race([answered, raw.closed]);
  return raw;
}

/** A masked client frame (RFC 6455 section 5.2) with a zero mask; `length` may lie about the payload. */
export function clientFrame(opcode: number, payload: Uint8Array, length: number = payload.length): Buffer {
  const head = Buffer.alloc(14);
  head[0] = 0x80 | opcode;
  head[1] = 0x80 | 127;
  head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, payload]);
}

/** A well-behaved WebSocket client of another make than ours: plain `ws`. */
export async function connectClient(url: string): Promise<WebSocket> {
  const client = new WebSocket(url, { perMessageDeflate: false });
  onTestFinished(() => client.terminate());
  await new Promise((resolve, reject) => {
    client.once('open', resolve);
    client.once('error', reject);
  });
  client.on('error', () => client.terminate());
  return client;
}

/** The close code and reason that a client gets. */
export function closeOf(client: WebSocket): Promise<{ code: number; reason: string }> {
  return new Promise((resolve) => {
    client.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
}
