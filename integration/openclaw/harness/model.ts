/**
 * A model provider that does what the messages say: an OpenAI chat-completions server with a script in the
 * text.
 *
 * - `SAY[words]` answers with them; several in one request are joined with `+`.
 * - `LONG[n]` answers with n characters of words.
 * - `CALL[tool {"json": 1}]` calls a tool, then answers with what it returned after `RESULT `.
 * - `HOLD[key]` thinks until the test releases the key.
 * - `BREAK` fails for good, `NOTHING` answers without a word, `QUIET` says that it has nothing to say.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ModelRequest {
  /** what the users said since the last answer */
  readonly text: string;
  readonly system: string;
  readonly tools: readonly string[];
}

interface ChatMessage {
  readonly role: string;
  readonly content?: unknown;
  readonly tool_calls?: unknown;
}

interface ChatBody {
  readonly messages?: readonly ChatMessage[];
  readonly tools?: readonly { readonly function?: { readonly name?: string } }[];
  readonly model?: string;
}

type Delta = Readonly<Record<string, unknown>>;

function flat(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part: unknown) => (part as { text?: string }).text ?? '').join('');
}

/** All matches of `NAME[...]`, the innermost brackets. */
function marks(text: string, name: string): string[] {
  return [...text.matchAll(new RegExp(`${name}\\[((?:[^\\[\\]]|\\[[^\\]]*\\])*)\\]`, 'g'))].map(
    (match) => match[1] ?? '',
  );
}

function words(chars: number): string {
  return 'word '
    .repeat(Math.ceil(chars / 5))
    .slice(0, chars)
    .trim();
}

export class FakeModel {
  readonly requests: ModelRequest[] = [];
  readonly #held = new Map<string, PromiseWithResolvers<void>>();
  readonly #server: http.Server;

  private constructor() {
    this.#server = http.createServer((request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<FakeModel> {
    const model = new FakeModel();
    await new Promise<void>((resolve) => model.#server.listen(0, '127.0.0.1', resolve));
    return model;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  /** Lets what thinks with this key answer, now and later. */
  release(key: string): void {
    this.#gate(key).resolve();
  }

  /** Requests whose users said this. */
  asked(part: string): readonly ModelRequest[] {
    return this.requests.filter(({ text }) => text.includes(part));
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #gate(key: string): PromiseWithResolvers<void> {
    const gate = this.#held.get(key) ?? Promise.withResolvers<void>();
    this.#held.set(key, gate);
    return gate;
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    if (request.method !== 'POST') {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ object: 'list', data: [{ id: 'script', object: 'model' }] }));
      return;
    }
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as ChatBody;
    const messages = body.messages ?? [];
    const lastAnswer = messages.findLastIndex(
      ({ role, tool_calls: calls }) => role === 'assistant' && !calls,
    );
    const recent = messages.slice(lastAnswer + 1);
    const text = recent
      .filter(({ role }) => role === 'user')
      .map(({ content }) => flat(content))
      .join('\n');
    const system = messages
      .filter(({ role }) => role === 'system' || role === 'developer')
      .map(({ content }) => flat(content))
      .join('\n');
    this.requests.push({ text, system, tools: (body.tools ?? []).map((tool) => tool.function?.name ?? '') });
    for (const key of marks(text, 'HOLD')) await this.#gate(key).promise;
    if (response.destroyed) return;
    if (text.includes('BREAK')) {
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify({ error: { message: 'the model is broken', type: 'invalid_request_error' } }),
      );
      return;
    }
    const results = recent.filter(({ role }) => role === 'tool').map(({ content }) => flat(content));
    stream(response, body.model ?? 'script', this.#deltas(text, results));
  }

  #deltas(text: string, results: readonly string[]): readonly Delta[] {
    const call = marks(text, 'CALL').at(0);
    if (call !== undefined && results.length === 0) {
      const [name = '', ...rest] = call.split(' ');
      const calls = [
        { index: 0, id: 'call_1', type: 'function', function: { name, arguments: rest.join(' ') || '{}' } },
      ];
      return [{ role: 'assistant', tool_calls: calls }];
    }
    if (text.includes('NOTHING')) return [{ role: 'assistant', content: '' }];
    if (text.includes('QUIET')) return [{ role: 'assistant', content: 'NO_REPLY' }];
    const long = marks(text, 'LONG').at(-1);
    const said = marks(text, 'SAY').join('+');
    const answer =
      results.length > 0 ? `RESULT ${results.join('\n')}` : long === undefined ? said : words(Number(long));
    return [{ role: 'assistant', content: answer === '' ? 'nothing to do' : answer }];
  }
}

function stream(response: http.ServerResponse, model: string, deltas: readonly Delta[]): void {
  const base = {
    id: `chatcmpl-${Math.random().toString(36).slice(2)}`,
    object: 'chat.completion.chunk',
    created: 0,
    model,
  };
  const send = (value: object): void =>
    void response.write(`data: ${JSON.stringify({ ...base, ...value })}\n\n`);
  const finish = deltas.some((delta) => 'tool_calls' in delta) ? 'tool_calls' : 'stop';
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  for (const delta of deltas) send({ choices: [{ index: 0, delta, finish_reason: null }] });
  send({ choices: [{ index: 0, delta: {}, finish_reason: finish }] });
  send({ choices: [], usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 } });
  response.end('data: [DONE]\n\n');
}
