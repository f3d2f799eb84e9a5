/**
 * Server-sent events over node:http (WHATWG HTML, 9.2) as our daemon writes them, so that a client needs no package. This
 * module connects once and says when the stream ended.
 */
import http from 'node:http';
import { MeshError } from '../../core/errors.ts';
import { disconnected, type FoundDaemon, unreachable } from './find.ts';
import { fromProblem } from './problem.ts';

/** Twice what the largest message can be as JSON, with each byte of it escaped (derived from messageBytesMax). */
const EVENT_CHARS_MAX = 1024 * 1024;

export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

/** Splits the text of a stream into events: `event`, `id` and one `data` line each. */
export class EventParser {
  /** what belongs to no event yet; joined only where a line ends, so that a long line is not copied for each piece */
  #pieces: string[] = [];
  #length = 0;

  /** @returns the events that `text` completes. Throws RangeError for an event that is too long. */
  push(text: string): ServerEvent[] {
    this.#pieces.push(text);
    this.#length += text.length;
    const found = text.includes('\n') ? this.#takeEvents() : [];
    if (this.#length > EVENT_CHARS_MAX) throw new RangeError('an event of the daemon is too long');
    return found;
  }

  #takeEvents(): ServerEvent[] {
    const blocks = this.#pieces.join('').split('\n\n');
    const rest = blocks.pop() ?? '';
    this.#pieces = [rest];
    this.#length = rest.length;
    return blocks.map(parseEvent).filter((found) => found !== undefined);
  }
}

/** An event without data is none. */
function parseEvent(block: string): ServerEvent | undefined {
  const fields = new Map<string, string>();
  for (const line of block.split('\n')) {
    const at = line.indexOf(': ');
    if (at > 0) fields.set(line.slice(0, at), line.slice(at + 2));
  }
  const data = fields.get('data');
  return data === undefined ? undefined : { event: fields.get('event') ?? 'message', data };
}

export interface EventsOptions {
  /** path and query below the daemon's URL */
  readonly path: string;
  readonly signal: AbortSignal;
  /** hears that the daemon has taken the connection, before the first event */
  readonly onOpen?: (() => void) | undefined;
}

function connect(daemon: FoundDaemon, { path, signal }: EventsOptions): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = http.request(daemon.url + path, {
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
 * Yields the events of a path. Ends quietly with the signal; throws the daemon's refusal, or `no_daemon` when the
 * connection is gone.
 */
export async function* openEvents(
  daemon: FoundDaemon,
  options: EventsOptions,
): AsyncGenerator<ServerEvent, void> {
  const { signal, onOpen } = options;
  try {
    const response = await connect(daemon, options);
    if (response.statusCode !== 200) throw await refusal(daemon, response);
    onOpen?.();
    response.setEncoding('utf8');
    const parser = new EventParser();
    for await (const chunk of response as AsyncIterable<string>) yield* parser.push(chunk);
  } catch (error) {
    if (signal.aborted) return;
    throw error instanceof MeshError ? error : disconnected(daemon, error);
  }
  if (!signal.aborted) throw disconnected(daemon, new Error('the stream of events ended'));
}
