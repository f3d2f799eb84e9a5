/** Reads along on a network path: the frames of our protocol out of one direction of a WebSocket (RFC 6455 section 5.2). */
import { concat } from '../../core/bytes.ts';
import { decodeFrame, type Frame } from '../../core/wire/frames.ts';
import { context } from './author.ts';

const BINARY = 2;

/** A WebSocket message at the beginning of `bytes`, if all of it is there. `ws` never sends one in parts. */
function messageIn(bytes: Buffer): { opcode: number; payload: Buffer; length: number } | undefined {
  if (bytes.length < 2) return undefined;
  const [first, second] = [bytes[0] as number, bytes[1] as number];
  const short = second & 127;
  const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
  const maskBytes = second >= 128 ? 4 : 0;
  const head = 2 + extra + maskBytes;
  if (bytes.length < head) return undefined;
  const size = extra === 0 ? short : extra === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (bytes.length < head + size) return undefined;
  const mask = bytes.subarray(head - maskBytes, head);
  const payload = Buffer.from(bytes.subarray(head, head + size));
  if (maskBytes > 0)
    for (let i = 0; i < size; i++) payload[i] = (payload[i] as number) ^ (mask[i % 4] as number);
  return { opcode: first & 15, payload, length: head + size };
}

export class Tap {
  readonly #onFrame: (frame: Frame) => void;
  #rest = Buffer.alloc(0);
  /** the HTTP request or answer of the upgrade is over */
  #isOpen = false;

  constructor(onFrame: (frame: Frame) => void) {
    this.#onFrame = onFrame;
  }

  push(data: Buffer): void {
    this.#rest = Buffer.from(concat(this.#rest, data));
    if (!this.#isOpen) {
      const end = this.#rest.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.#rest = this.#rest.subarray(end + 4);
      this.#isOpen = true;
    }
    for (let message = messageIn(this.#rest); message !== undefined; message = messageIn(this.#rest)) {
      this.#rest = this.#rest.subarray(message.length);
      const frame =
        message.opcode === BINARY ? decodeFrame(context, new Uint8Array(message.payload)) : undefined;
      if (frame !== undefined) this.#onFrame(frame);
    }
  }
}
