/**
 * The inbox of an agent as a stream of events (server-sent events over node:http, so that a bridge needs no package).
 * What is not acknowledged comes again on the next connection; this module connects once and says when it ended.
 */
import http from 'node:http';
import { MeshError } from '../../core/errors.ts';
import type { AttachedJson, InboxEvent, InboxItemJson } from './agent-types.ts';
import { disconnected, type FoundDaemon, unreachable } from './find.ts';
import { fromProblem } from './problem.ts';

export interface InboxFeedOptions {
  /** 1 to 32 of `[a-z0-9-]`; a newer connection under the same name ends the older one */
  readonly client: string;
  readonly signal: AbortSignal;
  /** hears that the daemon has taken the connection, before the first event */
  readonly onOpen?: () => void;
}

/** Twice what the largest message can be as JSON, with each byte of it escaped (derived from messageBytesMax). */
const EVENT_CHARS_MAX = 1024 * 1024;

/** Splits server-sent events (WHATWG HTML, 9.2) as our daemon writes them: `event`, `id` and one `data` line each. */
export class EventParser {
  #rest = '';
  #seen = 0;

  /** @returns the events that `text` completes. Throws RangeError for an event that is too long. */
  push(text: string): { readonly event: string; readonly data: string }[] {
    this.#rest += text;
    const found: { event: string; data: string }[] = [];
    for (;;) {
      const end = this.#rest.indexOf('\n\n', Math.max(0, this.#seen - 1));
      if (end < 0) break;
      const fields = new Map<string, string>();
      for (const line of this.#rest.slice(0, end).split('\n')) {
        const at = line.indexOf(': ');
        if (at > 0) fields.set(line.slice(0, at), line.slice(at + 2));
      }
      this.#rest = this.#rest.slice(end + 2);
      this.#seen = 0;
      const data = fields.get('data');
      if (data !== undefined) found.push({ event: fields.get('event') ?? 'message', data });
    }
    this.#seen = this.#rest.length;
    if (this.#seen > EVENT_CHARS_MAX) throw new RangeError('an event of the daemon is too long');
    return found;
  }
}

/** Events of a newer daemon are passed over. */
function toInboxEvent({ event, data }: { event: string; data: string }): InboxEvent | undefined {
  if (event === 'attached') return { kind: 'attached', attached: JSON.parse(data) as AttachedJson };
  if (event === 'item') return { kind: 'item', item: JSON.parse(data) as InboxItemJson };
  return undefined;
}

function connect(daemon: FoundDaemon, { client, signal }: InboxFeedOptions): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = http.request(`${daemon.url}/v1/inbox/events?client=${encodeURIComponent(client)}`, {
      agent: false,
      headers: { authorization: `Bearer ${daemon.token}`, accept: 'text/event-stream' },
      signal,
    });
    request.on('error', (error) => reject(signal.aborted ? error : unreachable(daemon, error)));
    request.on('response', resolve);
    request.end();
  });
}

async function refusal(daemon: FoundDaemon, response: http.IncomingMessage): Promise<MeshError> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
    return fromProblem(JSON.parse(Buffer.concat(chunks).toString('utf8')));
  } catch (error) {
    return unreachable(daemon, error);
  }
}

/**
 * Attaches to the inbox and yields what comes. Ends quietly with the signal; throws the daemon's refusal, or
 * `no_daemon` when the connection is gone.
 */
export async function* openInbox(
  daemon: FoundDaemon,
  options: InboxFeedOptions,
): AsyncGenerator<InboxEvent, void> {
  const { signal, onOpen } = options;
  try {
    const response = await connect(daemon, options);
    if (response.statusCode !== 200) throw await refusal(daemon, response);
    onOpen?.();
    response.setEncoding('utf8');
    const parser = new EventParser();
    for await (const chunk of response as AsyncIterable<string>) {
      for (const found of parser.push(chunk)) {
        const event = toInboxEvent(found);
        if (event !== undefined) yield event;
      }
    }
  } catch (error) {
    if (signal.aborted) return;
    throw error instanceof MeshError ? error : disconnected(daemon, error);
  }
  if (!signal.aborted) throw disconnected(daemon, new Error('the stream of events ended'));
}
