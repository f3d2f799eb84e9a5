/** The way between two daemons, in the hands of somebody else: he reads all of it, and may change it. */
import net from 'node:net';
import { onTestFinished } from 'vitest';

/** What becomes of a piece on its way back to the dialler: pieces in its place. */
export type Meddle = (piece: Buffer) => readonly Buffer[];

export class Road {
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  readonly #back: Buffer[] = [];
  /** from the responder to the dialler; those pieces are not masked */
  meddle: Meddle = (piece) => [piece];
  /** connections that were made over it */
  connections = 0;

  private constructor(port: number) {
    this.#server = net.createServer((near) => {
      this.connections += 1;
      const far = net.connect(port, '127.0.0.1');
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          this.#sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.on('data', (piece) => far.write(piece));
      far.on('data', (piece) => {
        this.#back.push(piece);
        for (const one of this.meddle(piece)) near.write(one);
      });
    });
  }

  /** A way to a port of this machine. */
  static async to(port: number): Promise<Road> {
    const road = new Road(port);
    await new Promise<void>((resolve) => road.#server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      road.#server.close();
      for (const socket of road.#sockets) socket.destroy();
    });
    return road;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as net.AddressInfo).port}`;
  }

  /** Everything that the responder sent, as it went over the wire. */
  get seen(): Buffer {
    return Buffer.concat(this.#back);
  }
}
