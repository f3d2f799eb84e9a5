/**
 * A WebSocket client for load, cheaper than a library: frames are made by hand with a mask of zeros, which the receiver
 * need not undo, for the ceiling and for us alike. It trusts the other side.
 */
import { randomBytes } from 'node:crypto';
import net from 'node:net';

const TEXT = 1;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

function masked(opcode: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const extra = length < 126 ? 0 : length < 65536 ? 2 : 8;
  const frame = Buffer.alloc(6 + extra + length);
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | (extra === 0 ? length : extra === 2 ? 126 : 127);
  if (extra === 2) frame.writeUInt16BE(length, 2);
  else if (extra === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  frame.set(payload, 6 + extra);
  return frame;
}

/** One text message as bytes for {@link LoadSocket.write}. */
export function textFrame(text: string): Buffer {
  return masked(TEXT, Buffer.from(text));
}

/** One binary message as bytes for {@link LoadSocket.write}. */
export function binaryFrame(payload: Uint8Array): Buffer {
  return masked(2, payload);
}

export interface SocketHandlers {
  /** `payload` is valid only during the call */
  onMessage(payload: Buffer, isText: boolean): void;
}

export class LoadSocket {
  readonly #socket: net.Socket;
  #handlers: SocketHandlers;
  #rest: Buffer | undefined;
  #fragment: Buffer[] = [];
  #isText = false;
  closed = false;
  bytes = 0;

  private constructor(socket: net.Socket, rest: Buffer, handlers: SocketHandlers) {
    this.#socket = socket;
    this.#handlers = handlers;
    socket.on('data', (data) => this.#read(data));
    if (rest.length > 0) this.#read(rest);
  }

  static connect(port: number, handlers: SocketHandlers): Promise<LoadSocket> {
    return new Promise((resolve, reject) => {
      const socket = net.connect(port, '127.0.0.1');
      let head = Buffer.alloc(0);
      let open: LoadSocket | undefined;
      socket.setNoDelay(true);
      socket.on('error', reject);
      socket.on('close', () => {
        if (open !== undefined) open.closed = true;
        reject(new Error('closed before it was open'));
      });
      const onData = (data: Buffer): void => {
        head = Buffer.concat([head, data]);
        const end = head.indexOf('\r\n\r\n');
        if (end < 0) return;
        socket.off('data', onData);
        if (!head.subarray(0, 12).toString().endsWith(' 101')) {
          reject(new Error(`no upgrade: ${head.subarray(0, 40)}`));
          socket.destroy();
          return;
        }
        open = new LoadSocket(socket, head.subarray(end + 4), handlers);
        resolve(open);
      };
      socket.on('data', onData);
      const key = randomBytes(16).toString('base64');
      socket.write(
        `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
      );
    });
  }

  set handlers(handlers: SocketHandlers) {
    this.#handlers = handlers;
  }

  write(frame: Buffer): void {
    if (!this.closed) this.#socket.write(frame);
  }

  close(): void {
    this.closed = true;
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.bytes += chunk.length;
    const data = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (;;) {
      const left = data.length - at;
      if (left < 2) break;
      const short = (data[at + 1] as number) & 127;
      const head = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (left < head) break;
      const length =
        short < 126
          ? short
          : short === 126
            ? data.readUInt16BE(at + 2)
            : Number(data.readBigUInt64BE(at + 2));
      if (left < head + length) break;
      this.#frame(data[at] as number, data.subarray(at + head, at + head + length));
      at += head + length;
    }
    this.#rest = at < data.length ? data.subarray(at) : undefined;
  }

  #frame(first: number, payload: Buffer): void {
    const opcode = first & 15;
    if (opcode === PING) return this.write(masked(PONG, payload));
    if (opcode === CLOSE) return void this.#socket.end();
    if (opcode === PONG) return;
    if (opcode !== 0) this.#isText = opcode === TEXT;
    const isLast = (first & 0x80) !== 0;
    if (isLast && this.#fragment.length === 0) return this.#handlers.onMessage(payload, this.#isText);
    this.#fragment.push(Buffer.from(payload));
    if (!isLast) return;
    const whole = Buffer.concat(this.#fragment);
    this.#fragment = [];
    this.#handlers.onMessage(whole, this.#isText);
  }
}
