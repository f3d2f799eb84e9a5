/**
 * The real API on a free port with a {@link FakeGate} behind it, and raw HTTP for what a polite client would not send.
 */
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { type ClientOptions, WebSocket } from 'ws';
import type { ProblemJson, ServerFrame } from '../client/types.ts';
import { createGrants, type GrantEntry, loadOrCreateToken, OWNER } from '../grants.ts';
import { createApi } from '../server.ts';
import { FakeGate } from './fake-gate.ts';

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  readonly json: unknown;
}

export interface Ask {
  readonly method?: string;
  readonly body?: string | Buffer;
  readonly json?: unknown;
  /** undefined takes a header away */
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // some answers are no JSON; tests look at `text` then
  }
}

export class TestApi {
  readonly gate = new FakeGate();
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-api-'));
  /** what the API logged: level and phrase */
  readonly logged: string[] = [];
  readonly owner: GrantEntry;
  readonly api: ReturnType<typeof createApi>;
  port = 0;

  constructor(more: readonly GrantEntry[]) {
    this.owner = loadOrCreateToken(path.join(this.folder, 'token'), OWNER);
    const note = (level: string) => (_data: object, phrase: string) =>
      void this.logged.push(`${level} ${phrase}`);
    const log = { debug: () => undefined, info: note('info'), warn: note('warn'), error: note('error') };
    const grants = createGrants([this.owner, ...more]);
    this.api = createApi({ gate: this.gate, grants, version: '0.1.0', log });
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts, and leaves `api.json` as a daemon does. */
  async start(): Promise<this> {
    this.port = (await this.api.listen('127.0.0.1', 0, false)).port;
    const file = { url: this.url, pid: process.pid, version: '0.1.0', started: new Date().toISOString() };
    fs.writeFileSync(path.join(this.folder, 'api.json'), JSON.stringify(file), { mode: 0o600 });
    return this;
  }

  async stop(): Promise<void> {
    await this.api.close();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  headers(more: Ask['headers'] = {}): Record<string, string> {
    const all = { host: `127.0.0.1:${this.port}`, authorization: `Bearer ${this.owner.token}`, ...more };
    return Object.fromEntries(
      Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
    );
  }

  ask(target: string, ask: Ask = {}): Promise<Answer> {
    const body = ask.json === undefined ? ask.body : JSON.stringify(ask.json);
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const options = {
      port: this.port,
      host: '127.0.0.1',
      path: target,
      method: ask.method ?? (body === undefined ? 'GET' : 'POST'),
      headers: this.headers({ ...type, ...ask.headers }),
      setHost: false,
      agent: false as const,
    };
    return new Promise((resolve, reject) => {
      const request = http.request(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: parse(text) });
        });
      });
      request.on('error', reject);
      request.end(body);
    });
  }

  /** The code of the problem document that a request gets. */
  async codeOf(target: string, ask: Ask = {}): Promise<string> {
    const answer = await this.ask(target, ask);
    return answer.headers['content-type'] === 'application/problem+json'
      ? (answer.json as ProblemJson).code
      : `no problem: ${answer.status}`;
  }

  /** Opens a WebSocket on /v1/stream. */
  async stream(options: ClientOptions = {}): Promise<TestStream> {
    const socket = new WebSocket(`ws://127.0.0.1:${this.port}/v1/stream`, {
      headers: this.headers({ host: undefined }),
      perMessageDeflate: false,
      ...options,
    });
    const stream = new TestStream(socket);
    await new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    return stream;
  }
}

/** A client that keeps each frame it gets, and lets a test wait for the next. */
export class TestStream {
  readonly socket: WebSocket;
  readonly frames: ServerFrame[] = [];
  closeCode: number | undefined;
  #tell: (() => void)[] = [];

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data) => {
      this.frames.push(JSON.parse(String(data)));
      this.#changed();
    });
    socket.on('close', (code) => {
      this.closeCode = code;
      this.#changed();
    });
    socket.on('error', () => this.#changed());
  }

  #changed(): void {
    for (const tell of this.#tell.splice(0)) tell();
  }

  send(frame: unknown): void {
    this.socket.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame));
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#tell.push(resolve));
  }

  /** The next frame that nobody has taken yet. */
  async next(): Promise<ServerFrame> {
    await this.until(() => this.frames.length > 0 || this.closeCode !== undefined);
    const frame = this.frames.shift();
    if (frame === undefined) throw new Error(`the stream closed with ${this.closeCode}`);
    return frame;
  }

  async close(): Promise<void> {
    this.socket.close();
    await this.until(() => this.closeCode !== undefined);
  }
}

/** The API with a fake gate, started. The caller stops it. */
export function startTestApi(more: readonly GrantEntry[] = []): Promise<TestApi> {
  return new TestApi(more).start();
}
