/**
 * A stream: one WebSocket over which a client publishes many messages without waiting for each, and follows feeds.
 *
 * Invariants:
 * 1. Frames go out in the order of the calls, and the daemon keeps that order.
 * 2. When the socket ends, every publish that has no answer and every subscription ends with an error: the caller knows
 *    which messages are confirmed. After an orderly stop of the daemon (1001) the error of a publish is `stopping`: it was
 *    not taken. After anything else it is `no_daemon`: nobody knows.
 * 3. A subscription that nobody reads stops the whole socket after `itemsMax` items, answers to publishes included.
 */
import { WebSocket } from 'ws';
import { MeshError } from '../../core/errors.ts';
import type { EphemeralJson } from './ephemeral-types.ts';
import { disconnected, type FoundDaemon, unreachable } from './find.ts';
import { fromProblem, PublishedError } from './problem.ts';
import { ItemQueue } from './queue.ts';
import type {
  ChangeJson,
  ClientFrame,
  MessageJson,
  PublishedJson,
  PublishJson,
  ServerFrame,
  WaitState,
} from './types.ts';

/** Items of one subscription waiting for their reader (guess). */
const ITEMS_MAX = 1000;
/** Bytes in our send buffer above which `drained` waits (guess). */
const SEND_BUFFER_BYTES = 256 * 1024;

export type StreamItem =
  | { readonly kind: 'message'; readonly message: MessageJson }
  | { readonly kind: 'change'; readonly change: ChangeJson }
  | { readonly kind: 'ephemeral'; readonly ephemeral: EphemeralJson }
  | { readonly kind: 'caught-up'; readonly arrival: number };

export interface StreamPublishOptions {
  readonly idempotencyKey?: string | undefined;
  readonly wait?: WaitState | undefined;
  readonly timeoutSeconds?: number | undefined;
}

interface PendingPublish {
  readonly wait: WaitState | undefined;
  /** durable, while it is waited for */
  published?: PublishedJson;
  readonly resolve: (published: PublishedJson) => void;
  readonly reject: (error: Error) => void;
}

export class Stream {
  readonly #daemon: FoundDaemon;
  readonly #socket: WebSocket;
  readonly #publishes = new Map<string, PendingPublish>();
  readonly #feeds = new Map<string, ItemQueue<StreamItem>>();
  #drainers: (() => void)[] = [];
  #lastRef = 0;
  #full = 0;
  #ended: Error | undefined;
  /** what publishes without an answer end with */
  #refusal: Error | undefined;

  private constructor(daemon: FoundDaemon, socket: WebSocket) {
    this.#daemon = daemon;
    this.#socket = socket;
    socket.on('message', (data) => this.#receive(String(data)));
    socket.on('error', (error) => this.#end(disconnected(daemon, error)));
    socket.on('close', (code) => {
      const error = disconnected(daemon, new Error(`closed with ${code}`));
      const detail = 'It stopped before it took this message.';
      this.#end(error, code === 1001 ? new MeshError('stopping', detail, { cause: error }) : error);
    });
  }

  /** Opens a stream. Throws the daemon's refusal, or `no_daemon`. */
  static open(daemon: FoundDaemon): Promise<Stream> {
    const url = `${daemon.url.replace('http:', 'ws:')}/v1/stream`;
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      headers: { authorization: `Bearer ${daemon.token}` },
    });
    return new Promise((resolve, reject) => {
      socket.once('open', () => {
        socket.removeAllListeners();
        resolve(new Stream(daemon, socket));
      });
      socket.once('error', (error) => reject(unreachable(daemon, error)));
      socket.once('unexpected-response', (request, response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          request.destroy();
          try {
            reject(fromProblem(JSON.parse(Buffer.concat(chunks).toString('utf8'))));
          } catch (error) {
            reject(unreachable(daemon, error));
          }
        });
      });
    });
  }

  #nextRef(): string {
    this.#lastRef += 1;
    return String(this.#lastRef);
  }

  #sendFrame(frame: ClientFrame): void {
    this.#socket.send(JSON.stringify(frame), () => {
      if (this.#socket.bufferedAmount > SEND_BUFFER_BYTES) return;
      const drainers = this.#drainers;
      this.#drainers = [];
      for (const drained of drainers) drained();
    });
  }

  /**
   * Publishes a message. Resolves when it is durable, or with `wait` when it has that state; rejects with the error of
   * the daemon (`PublishedError` for a wait that timed out). The caller bounds how many are open at once.
   */
  publish(message: PublishJson, options: StreamPublishOptions = {}): Promise<PublishedJson> {
    if (this.#refusal) return Promise.reject(this.#refusal);
    const ref = this.#nextRef();
    const { idempotencyKey, wait, timeoutSeconds } = options;
    return new Promise((resolve, reject) => {
      this.#publishes.set(ref, { wait, resolve, reject });
      this.#sendFrame({
        op: 'publish',
        ref,
        ...message,
        ...(idempotencyKey !== undefined && { idempotencyKey }),
        ...(wait !== undefined && { wait }),
        ...(timeoutSeconds !== undefined && { timeout: timeoutSeconds }),
      });
    });
  }

  /** Resolves when the send buffer is small: wait for it between many publishes. */
  drained(): Promise<void> {
    if (this.#ended || this.#socket.bufferedAmount <= SEND_BUFFER_BYTES) return Promise.resolve();
    return new Promise((resolve) => this.#drainers.push(resolve));
  }

  /**
   * Follows channels (all if left out) from the arrival number `after`, or only new messages if it is left out; with
   * `changes` what edits and deletes change of messages that came before them too, with `ephemerals` drafts and activities,
   * once it is live.
   */
  subscribe(
    options: { channels?: readonly string[]; after?: number; changes?: boolean; ephemerals?: boolean } = {},
  ): AsyncIterableIterator<StreamItem> {
    const ref = this.#nextRef();
    const queue = new ItemQueue<StreamItem>({
      itemsMax: ITEMS_MAX,
      onFull: (full) => this.#rest(full),
      onReturn: () => {
        this.#feeds.delete(ref);
        if (!this.#ended) this.#sendFrame({ op: 'unsubscribe', ref });
      },
    });
    if (this.#ended) {
      queue.end(this.#ended);
      return queue;
    }
    this.#feeds.set(ref, queue);
    this.#sendFrame({ op: 'subscribe', ref, ...options });
    return queue;
  }

  #rest(full: boolean): void {
    this.#full += full ? 1 : -1;
    if (this.#full > 0) this.#socket.pause();
    else this.#socket.resume();
  }

  #receive(text: string): void {
    let frame: ServerFrame;
    try {
      frame = JSON.parse(text) as ServerFrame; // the daemon's word, as with requests
    } catch (error) {
      this.#end(disconnected(this.#daemon, error));
      this.#socket.close();
      return;
    }
    this.#handle(frame);
  }

  #handle(frame: ServerFrame): void {
    switch (frame.op) {
      case 'message':
        this.#feeds.get(frame.ref)?.push({ kind: 'message', message: frame.message });
        return;
      case 'change':
        this.#feeds.get(frame.ref)?.push({ kind: 'change', change: frame.change });
        return;
      case 'ephemeral':
        this.#feeds.get(frame.ref)?.push({ kind: 'ephemeral', ephemeral: frame.ephemeral });
        return;
      case 'caught-up':
        this.#feeds.get(frame.ref)?.push({ kind: 'caught-up', arrival: frame.arrival });
        return;
      case 'published': {
        const publish = this.#publishes.get(frame.ref);
        if (publish?.wait === undefined) this.#settle(frame);
        else publish.published = { id: frame.id, state: frame.state };
        return;
      }
      case 'state':
        this.#settle(frame);
        return;
      case 'unsubscribed':
        return;
      case 'error':
        this.#fail(frame.ref, fromProblem(frame.problem));
        return;
      default:
        frame satisfies never; // an operation of a newer daemon: not for us
    }
  }

  #settle(frame: {
    readonly ref: string;
    readonly id: string;
    readonly state: PublishedJson['state'];
  }): void {
    this.#publishes.get(frame.ref)?.resolve({ id: frame.id, state: frame.state });
    this.#publishes.delete(frame.ref);
  }

  #fail(ref: string | null, error: MeshError): void {
    if (ref === null) {
      this.#end(error); // the daemon did not understand a frame of ours: nothing after it can be trusted
      this.#socket.close();
      return;
    }
    this.#publishes.get(ref)?.reject(error);
    this.#publishes.delete(ref);
    this.#feeds.get(ref)?.end(error);
    this.#feeds.delete(ref);
  }

  #end(error: MeshError, refusal = error): void {
    if (this.#ended) return;
    this.#ended = error;
    this.#refusal = refusal;
    for (const { published, reject } of this.#publishes.values())
      reject(published === undefined ? refusal : new PublishedError(error, published));
    for (const queue of this.#feeds.values()) queue.end(error);
    for (const drained of this.#drainers) drained();
    this.#publishes.clear();
    this.#feeds.clear();
    this.#drainers = [];
  }

  /** Ends the stream; what is still open is rejected. Resolves when the socket is closed. */
  close(): Promise<void> {
    this.#end(disconnected(this.#daemon, new Error('closed by us')));
    if (this.#socket.readyState === WebSocket.CLOSED) return Promise.resolve();
    return new Promise((resolve) => {
      this.#socket.once('close', () => resolve());
      this.#socket.resume();
      this.#socket.close(1000);
    });
  }
}
