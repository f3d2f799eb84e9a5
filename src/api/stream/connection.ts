/**
 * One WebSocket of GET /v1/stream: frames in, answers and feeds out.
 *
 * Invariants:
 * 1. Frames are taken up in the order in which they came. A publish reaches the gate in that order and without a pause
 *    between, and is answered when it is durable.
 * 2. While a limit is reached (publishes that are not durable, waits, answers that the client does not read) the
 *    socket is not read. What had come already (at most one chunk of the socket) waits in `#frames`.
 * 3. A feed is pulled only while the send buffer is small, so a slow reader costs one buffer and no queue.
 * 4. A frame that is wrong gets an error frame and stops nothing else.
 * 5. When the daemon stops, frames are refused with `stopping`. A close with 1001 says that each publish that was taken
 *    has its answer: what has none was not taken.
 *
 * There is no ping: a loopback socket ends with its process, and a reader that pauses for hours is no error.
 */
import type { WebSocket } from 'ws';
import { MeshError } from '../../core/errors.ts';
import type { PublishRequest } from '../../daemon/index.ts';
import { toProblem } from '../client/problem.ts';
import type { ClientFrame, PublishedJson } from '../client/types.ts';
import type { ApiState } from '../context.ts';
import { type Grant, requireScope } from '../grants.ts';
import { parseJson } from '../json-text.ts';
import { API_LIMITS } from '../limits.ts';
import { changeJson, messageJson } from '../message-json.ts';
import { toPublishRequest, waitForState, waitMs } from '../publish.ts';
import { check, frameSchema } from '../schemas.ts';
import { StreamOutbox } from './outbox.ts';

type PublishFrame = Extract<ClientFrame, { op: 'publish' }>;
type SubscribeFrame = Extract<ClientFrame, { op: 'subscribe' }>;

/** The `ref` of a frame that may be anything, so that even its error can be matched. */
function refOf(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || !('ref' in value)) return null;
  const { ref } = value;
  return typeof ref === 'string' && ref.length <= API_LIMITS.refLengthMax && ref.isWellFormed() ? ref : null;
}

export class StreamConnection {
  readonly #api: ApiState;
  readonly #grant: Grant;
  readonly #socket: WebSocket;
  readonly #outbox: StreamOutbox;
  readonly #frames: Buffer[] = [];
  readonly #feeds = new Map<string, AbortController>();
  readonly #closed = new AbortController();
  readonly #signal: AbortSignal;
  #publishing = 0;
  #waits = 0;
  #isPaused = false;
  #isPumping = false;

  constructor(api: ApiState, grant: Grant, socket: WebSocket) {
    this.#api = api;
    this.#grant = grant;
    this.#socket = socket;
    this.#outbox = new StreamOutbox(socket);
    this.#signal = AbortSignal.any([this.#closed.signal, api.stopping]);
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) socket.close(1003, 'frames are JSON text');
      else this.#frames.push(data);
      this.#pump();
    });
    socket.on('error', (error) => api.log.debug({ err: error }, 'stream failed'));
    socket.on('close', () => {
      this.#frames.length = 0;
      api.publishing.forget(this.#pump);
      this.#closed.abort();
    });
  }

  /** Says goodbye. */
  end(): void {
    this.#socket.resume(); // a paused socket would never see the answer to the close
    if (this.#publishing === 0) this.#socket.close(1001, 'the daemon is stopping');
    else this.#socket.close(1011, 'the daemon is stopping without all answers');
  }

  get #isBusy(): boolean {
    if (this.#publishing >= API_LIMITS.publishingMax || this.#waits >= API_LIMITS.waitingMax) return true;
    return this.#outbox.isStopped || this.#api.publishing.isFull;
  }

  /** Takes up frames while there is room, then reads on or stops reading. Called whenever room may have come. */
  readonly #pump = (): void => {
    if (this.#isPumping) return; // a frame that failed at once gave its slot back: the loop goes on by itself
    this.#isPumping = true;
    while (!this.#isBusy) {
      const frame = this.#frames.shift();
      if (frame === undefined) break;
      this.#take(frame);
    }
    this.#isPumping = false;
    const mustPause = this.#isBusy;
    if (mustPause && this.#api.publishing.isFull) this.#api.publishing.whenFree(this.#pump);
    if (mustPause && this.#outbox.isStopped) this.#outbox.whenDrained(this.#pump);
    if (mustPause === this.#isPaused) return;
    this.#isPaused = mustPause;
    if (mustPause) this.#socket.pause();
    else this.#socket.resume();
  };

  #take(bytes: Buffer): void {
    let ref: string | null = null;
    try {
      const value = parseJson(bytes);
      ref = refOf(value);
      this.#handle(check(frameSchema, value));
    } catch (error) {
      this.#fail(ref, error);
    }
  }

  #fail(ref: string | null, error: unknown): void {
    if (!(error instanceof MeshError))
      this.#api.log.error({ err: error, grant: this.#grant.id }, 'stream frame failed');
    this.#outbox.send({ op: 'error', ref, problem: toProblem(error) });
  }

  #handle(frame: ClientFrame): void {
    if (this.#api.stopping.aborted) throw new MeshError('stopping');
    switch (frame.op) {
      case 'subscribe':
        this.#subscribe(frame);
        return;
      case 'unsubscribe':
        this.#unsubscribe(frame.ref);
        return;
      case 'publish':
        this.#startPublish(frame);
        return;
      default:
        frame satisfies never;
    }
  }

  #startPublish(frame: PublishFrame): void {
    requireScope(this.#grant, 'messages:write');
    const request = toPublishRequest(this.#grant, frame, frame.idempotencyKey);
    this.#publishing += 1;
    this.#api.publishing.take();
    void this.#publish(frame, request);
  }

  async #publish(frame: PublishFrame, request: PublishRequest): Promise<void> {
    const { ref } = frame;
    let isDurable = false;
    try {
      const { id, state } = await this.#api.asks.run(() => this.#api.gate.publish(request));
      isDurable = true;
      this.#outbox.send({ op: 'published', ref, id, state });
      if (frame.wait !== undefined) this.#waits += 1;
      this.#releasePublish();
      if (frame.wait !== undefined) await this.#wait(frame, { id, state });
    } catch (error) {
      if (!isDurable) this.#releasePublish();
      this.#fail(ref, error);
    }
    this.#pump();
  }

  #releasePublish(): void {
    this.#publishing -= 1;
    this.#api.publishing.give();
    this.#pump();
  }

  async #wait(frame: PublishFrame, published: PublishedJson): Promise<void> {
    const state = frame.wait ?? 'stored';
    const options = { state, timeoutMs: waitMs(frame.timeout), signal: this.#signal };
    try {
      const reached = await waitForState(this.#api.gate, published, options);
      this.#outbox.send({ op: 'state', ref: frame.ref, ...reached });
    } finally {
      this.#waits -= 1;
    }
  }

  #subscribe(frame: SubscribeFrame): void {
    requireScope(this.#grant, 'messages:read');
    if (this.#feeds.has(frame.ref)) throw new MeshError('bad_request', 'ref: is a subscription already.');
    if (this.#feeds.size >= API_LIMITS.subscriptionsMax) {
      throw new MeshError(
        'too_many_requests',
        `This stream has ${API_LIMITS.subscriptionsMax} subscriptions.`,
      );
    }
    const controller = new AbortController();
    this.#feeds.set(frame.ref, controller);
    void this.#follow(frame, AbortSignal.any([controller.signal, this.#signal]));
  }

  #unsubscribe(ref: string): void {
    const controller = this.#feeds.get(ref);
    if (controller === undefined) throw new MeshError('not_found', 'There is no such subscription.');
    controller.abort();
    this.#feeds.delete(ref);
    this.#outbox.send({ op: 'unsubscribed', ref });
  }

  async #follow(frame: SubscribeFrame, signal: AbortSignal): Promise<void> {
    const { op: _, ref, ...what } = frame;
    try {
      for await (const item of this.#api.gate.feed({ ...what, signal })) {
        if (signal.aborted) return;
        if (item.kind === 'message')
          this.#outbox.send({ op: 'message', ref, message: messageJson(item.message) });
        else if (item.kind === 'change')
          this.#outbox.send({ op: 'change', ref, change: changeJson(item.change) });
        else if (item.kind === 'ephemeral')
          this.#outbox.send({ op: 'ephemeral', ref, ephemeral: item.ephemeral });
        else this.#outbox.send({ op: 'caught-up', ref, arrival: item.arrival });
        await this.#outbox.drained();
      }
    } catch (error) {
      if (signal.aborted) return;
      this.#feeds.delete(ref);
      this.#fail(ref, error);
    }
  }
}
