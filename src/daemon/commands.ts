/**
 * What clients wait for: replies to their commands, and states of their messages. Both are bounded, and both end with
 * the daemon: nobody waits for ever.
 */
import type { DeliveryState, Reply, RequestId } from '../core/contract.ts';
import { MeshError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';

/** Waits for a state over all clients (guess: 16 streams of the API that wait for as much as they may). */
const WAITS_MAX = 65_536;
const TIMER_MS_MAX = 2 ** 31 - 1;

const RANK: Readonly<Record<DeliveryState, number>> = { queued: 0, relayed: 1, stored: 2 };

/** True if `state` is as good as `wanted` or better. */
export function hasReached(state: DeliveryState, wanted: DeliveryState): boolean {
  return RANK[state] >= RANK[wanted];
}

type Answered = Exclude<Reply, { kind: 'failed' }>;
type Settle = { readonly resolve: (reply: Answered) => void; readonly reject: (error: Error) => void };

/** Commands in progress, by request number. */
export class Commands {
  readonly #open = new Map<RequestId, Settle>();
  #next = 1;
  #isClosed = false;

  /**
   * @param send hands the command with this number to the core
   * @returns the core's answer; rejects with its code, `too_many_requests` or `stopping`
   */
  ask(send: (request: RequestId) => void): Promise<Answered> {
    if (this.#isClosed) return Promise.reject(new MeshError('stopping'));
    if (this.#open.size >= LIMITS.publishesMax) return Promise.reject(new MeshError('too_many_requests'));
    const request = this.#next++;
    return new Promise((resolve, reject) => {
      this.#open.set(request, { resolve, reject });
      send(request);
    });
  }

  answer(request: RequestId, reply: Reply): void {
    const settle = this.#open.get(request);
    if (settle === undefined) return; // the daemon's own command, or one that was given up at the stop
    this.#open.delete(request);
    if (reply.kind === 'failed') settle.reject(new MeshError(reply.code, reply.detail));
    else settle.resolve(reply);
  }

  close(): void {
    this.#isClosed = true;
    for (const { reject } of this.#open.values()) reject(new MeshError('stopping'));
    this.#open.clear();
  }
}

type Wait = { readonly wanted: DeliveryState; readonly end: (result: DeliveryState | Error) => void };

/** Waits for the delivery state of own messages, by message id. */
export class Waits {
  readonly #byId = new Map<string, Set<Wait>>();
  #count = 0;
  #isClosed = false;

  /** The core told a new state. */
  tell(id: string, state: DeliveryState): void {
    for (const wait of this.#byId.get(id) ?? []) if (hasReached(state, wait.wanted)) wait.end(state);
  }

  /**
   * @param timeoutMs from now, 0 to wait not at all
   * @returns the state reached; rejects `wait_timeout`, `too_many_requests`, `stopping`, or the signal's reason
   */
  wait(id: string, wanted: DeliveryState, timeoutMs: number, signal?: AbortSignal): Promise<DeliveryState> {
    if (this.#isClosed) return Promise.reject(new MeshError('stopping'));
    if (this.#count >= WAITS_MAX) return Promise.reject(new MeshError('too_many_requests'));
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const onAbort = () =>
        wait.end(signal?.reason instanceof Error ? signal.reason : new MeshError('stopping'));
      const onTimeout = () =>
        wait.end(new MeshError('wait_timeout', `${id} is not ${wanted} after ${timeoutMs} ms.`));
      const timer = setTimeout(onTimeout, Math.min(timeoutMs, TIMER_MS_MAX));
      const wait: Wait = {
        wanted,
        end: (result) => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', onAbort);
          this.#remove(id, wait);
          if (result instanceof Error) reject(result);
          else resolve(result);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#add(id, wait);
    });
  }

  /** Ends all waits with `reason`. */
  close(reason: MeshError): void {
    this.#isClosed = true;
    for (const waits of [...this.#byId.values()]) for (const wait of [...waits]) wait.end(reason);
  }

  #add(id: string, wait: Wait): void {
    const waits = this.#byId.get(id) ?? new Set();
    this.#byId.set(id, waits.add(wait));
    this.#count += 1;
  }

  #remove(id: string, wait: Wait): void {
    const waits = this.#byId.get(id);
    if (waits?.delete(wait) !== true) return;
    this.#count -= 1;
    if (waits.size === 0) this.#byId.delete(id);
  }
}
