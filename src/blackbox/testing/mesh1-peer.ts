/** A mesh/1 peer of our own making on real sockets: it listens, and dials what it is told to. */
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { toBase64url } from '../../core/bytes.ts';
import { createSigner, generatePrivateKey } from '../../crypto/index.ts';
import { Mesh1Node, type Mesh1Options } from '../../sim/mesh1/node.ts';
import { until } from './wait.ts';

/** A bot with a key: its id, and how it signs. */
export function createBot(): Pick<Mesh1Options, 'peerId' | 'sign'> {
  const signer = createSigner(generatePrivateKey());
  const sign = (text: string): string => Buffer.from(signer.sign(Buffer.from(text))).toString('base64');
  return { peerId: toBase64url(signer.publicKey), sign };
}

export class Mesh1Peer {
  readonly node: Mesh1Node;
  readonly #server: WebSocketServer;
  readonly #sockets = new Map<number, WebSocket>();
  #links = 0;

  private constructor(server: WebSocketServer, options: Partial<Mesh1Options>) {
    this.#server = server;
    const given = {
      peerId: 'peer-0a1b2c3d',
      relay: true,
      store: true,
      withoutCursor: 'oldest',
      ...options,
    } as const;
    this.node = new Mesh1Node(given, (link, text) => this.#sockets.get(link)?.send(text));
    server.on('connection', (socket) => this.#take(socket, false));
  }

  /** Listens on loopback until the test ends. */
  static async start(options: Partial<Mesh1Options> = {}): Promise<Mesh1Peer> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await new Promise((resolve) => server.once('listening', resolve));
    const peer = new Mesh1Peer(server, options);
    onTestFinished(() => peer.stop());
    return peer;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async dial(url: string): Promise<void> {
    const socket = new WebSocket(url);
    socket.on('error', () => undefined); // the close that follows tells it
    await until('a mesh/1 peer reaches a daemon', () => socket.readyState === WebSocket.OPEN);
    this.#take(socket, true);
  }

  #take(socket: WebSocket, isDialler: boolean): void {
    const link = ++this.#links;
    this.#sockets.set(link, socket);
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) throw new Error('a mesh/1 peer was sent a binary frame');
      this.node.received(link, data.toString());
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#sockets.delete(link);
      this.node.closed(link);
    });
    this.node.opened(link, isDialler);
  }

  publish(channel: string, body: string, payload?: unknown): void {
    const timestamp = new Date().toISOString();
    this.node.publish({ id: randomUUID(), channel, body, payload, timestamp });
  }

  /** Bodies that its bot was shown in a channel. */
  shown(channel: string): string[] {
    return this.node.shown.filter((post) => post.channel_id === channel).map(({ body }) => body);
  }

  stop(): Promise<void> {
    for (const socket of this.#sockets.values()) socket.terminate();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}
