/**
 * One WebSocket as a link: reading within limits, a bounded send queue, and an end that always comes.
 *
 * 1. What is received is copied out of the socket's read buffer: a stored 400-byte message must not keep 64 KiB alive.
 * 2. The send queue is what `ws` and the kernel have not taken (`bufferedAmount`). Frames that nobody misses are dropped
 *    first, then those that catch-up repairs; a queue that still grows closes the link.
 * 3. Whoever closes, the socket is gone `closeMs` later.
 * 4. From {@link LinkSocket.seal} on, what is sent and received are sealed records. The first one that does not open in
 *    its place ends the link, and nothing of it is delivered.
 * 5. While a link is paused it delivers nothing, also nothing of what was read at once with the frame that was one too
 *    many. What came before the other side's close is delivered before it.
 */
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { Bytes } from '../core/bytes.ts';
import type { Droppable } from '../core/contract.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { Opener, Sealer } from '../crypto/index.ts';
import { Batch } from './batch.ts';
import { closeCodeOf, closeTextOf, remoteReason } from './close-reason.ts';
import { Heartbeat } from './heartbeat.ts';
import { HeldFrames } from './held-frames.ts';
import { setPayloadMax } from './payload-max.ts';

export interface LinkSocketLimits {
  readonly handshakeBytesMax: number;
  readonly linkQueueBytesMax: number;
  readonly ephemeralLinkQueueBytes: number;
  readonly linkQueueBytesClose: number;
  readonly closeMs: number;
}

export interface LinkSocketHandlers {
  onText(text: string): void;
  /** `bytes` belong to the receiver */
  onFrame(bytes: Bytes): void;
  /** the last call */
  onClosed(reason: string): void;
}

export type SendResult = 'sent' | 'dropped' | 'closed';

export class LinkSocket {
  readonly #ws: WebSocket;
  readonly #limits: LinkSocketLimits;
  readonly #handlers: LinkSocketHandlers;
  readonly #held = new HeldFrames();
  #textBytesMax: number;
  /** of a link with a mesh/1 peer */
  #heartbeat: Heartbeat | undefined;
  /** of a sealed link */
  #open: Opener | undefined;
  #batch: Batch | undefined;
  /** set when this side ended the link */
  #reason = '';
  #cut: NodeJS.Timeout | undefined;
  #resume: NodeJS.Timeout | undefined;

  /** @param socket the TCP or TLS socket below `ws`, which is open */
  constructor(ws: WebSocket, socket: Socket, limits: LinkSocketLimits, handlers: LinkSocketHandlers) {
    this.#ws = ws;
    this.#limits = limits;
    this.#textBytesMax = limits.handshakeBytesMax;
    this.#handlers = handlers;
    ws.on('message', (data, isBinary) => {
      if (this.#reason !== '' || !Buffer.isBuffer(data)) return;
      if (this.#open === undefined || !isBinary) this.#receive(data, !isBinary);
      else this.#receiveRecord(data);
    });
    ws.on('error', (error: NodeJS.ErrnoException) => {
      // `ws` closes by itself, with the fitting code of RFC 6455.
      const isBroken = error.code?.startsWith('WS_ERR_') === true;
      if (isBroken && this.#reason === '') this.#reason = `invalid_message: ${error.message}`;
      this.#cutSoon();
    });
    ws.on('close', (status, text) => {
      clearTimeout(this.#cut);
      this.#heartbeat?.stop();
      clearTimeout(this.#resume);
      this.#deliverHeld(() => true);
      handlers.onClosed(this.#reason === '' ? remoteReason(status, text.toString()) : this.#reason);
    });
    // A half-closed connection whose other side reads nothing would wait for our queue for ever.
    socket.once('end', () => this.#cutSoon());
  }

  /** @param bytes may be a view into the read buffer */
  #receive(bytes: Bytes, isText: boolean): void {
    if (this.#resume !== undefined) this.#held.push({ bytes, isText });
    else this.#deliver(new Uint8Array(bytes), isText);
  }

  #receiveRecord(record: Bytes): void {
    const frames = this.#open?.(record);
    if (frames === undefined) return this.close('record_damaged', '');
    for (const frame of frames) if (this.#reason === '') this.#receive(frame, false);
  }

  /** The link speaks mesh/1: its texts may have so many bytes, and a dead connection ends. May be called again. */
  mesh1(textBytesMax: number): void {
    this.#textBytesMax = textBytesMax;
    setPayloadMax(this.#ws, textBytesMax);
    this.#heartbeat ??= new Heartbeat(this.#ws, () => this.close('timed_out', 'no answer to two pings'));
  }

  /** Seals the link from now on. */
  seal(seal: Sealer, open: Opener): void {
    this.#open = open;
    this.#batch = new Batch({
      send: (frames, onSent) => {
        if (this.#ws.readyState === WebSocket.OPEN) this.#write(seal(frames), onSent);
      },
      soon: (run) => {
        const handle = setImmediate(run);
        return () => clearImmediate(handle);
      },
    });
  }

  #write(data: Buffer | string, onSent?: () => void): void {
    const done = (error?: Error | null): void => {
      if (!error && this.#reason === '') onSent?.();
    };
    this.#ws.send(data, { binary: typeof data !== 'string' }, onSent && done);
  }

  /** @param bytes nobody else's */
  #deliver(bytes: Bytes, isText: boolean): void {
    if (!isText) this.#handlers.onFrame(bytes);
    else if (bytes.length <= this.#textBytesMax) this.#handlers.onText(Buffer.from(bytes.buffer).toString());
    else this.close('invalid_message', `text of ${bytes.length} bytes`);
  }

  #deliverHeld(mayGoOn: () => boolean): void {
    while (this.#reason === '' && mayGoOn()) {
      const frame = this.#held.take();
      if (frame === undefined) return;
      this.#deliver(frame.bytes, frame.isText);
    }
    if (this.#reason !== '') this.#held.clear();
  }

  /** Stops reading for `delayMs`; a second call while it lasts changes nothing. */
  pause(delayMs: number): void {
    if (this.#resume !== undefined || this.#ws.readyState !== WebSocket.OPEN) return;
    this.#ws.pause();
    this.#resume = setTimeout(() => {
      this.#resume = undefined;
      this.#deliverHeld(() => this.#resume === undefined);
      if (this.#resume === undefined) this.#ws.resume();
    }, delayMs);
  }

  /** bytes that wait to be taken by the kernel, those that are not sealed yet too */
  get queuedBytes(): number {
    return this.#ws.bufferedAmount + (this.#batch?.bytes ?? 0);
  }

  /**
   * Queues text or a frame; `frame` is not changed and may be shared between links.
   * @param onFlushed called when the kernel has taken all of it; never if it was dropped or the link ends before
   */
  send(frame: Buffer | string, droppable: Droppable, onFlushed?: () => void): SendResult {
    if (this.#reason !== '' || this.#ws.readyState !== WebSocket.OPEN) return 'closed';
    const bytes = typeof frame === 'string' ? Buffer.byteLength(frame) : frame.length;
    const queued = this.queuedBytes + bytes;
    const { linkQueueBytesMax, ephemeralLinkQueueBytes } = this.#limits;
    const room = droppable === 'first' ? ephemeralLinkQueueBytes : linkQueueBytesMax;
    if (droppable !== false && queued > room) return 'dropped';
    if (queued > this.#limits.linkQueueBytesClose) {
      this.close('too_slow', '');
      return 'closed';
    }
    if (this.#batch === undefined || typeof frame === 'string') this.#write(frame, onFlushed);
    else this.#batch.add(frame, onFlushed);
    return 'sent';
  }

  /** Ends the link: nothing more is received or sent, `onClosed` follows. Later calls do nothing. */
  close(code: ErrorCode, detail: string): void {
    if (this.#reason !== '') return;
    this.#batch?.flush(); // what was sent before goes out before the goodbye
    this.#reason = detail === '' ? code : `${code}: ${detail}`;
    this.#ws.close(closeCodeOf(code), closeTextOf(code, detail));
    this.#cutSoon();
  }

  #cutSoon(): void {
    this.#cut ??= setTimeout(() => this.#ws.terminate(), this.#limits.closeMs);
  }
}
