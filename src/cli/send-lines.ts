/**
 * `mesh send --lines`: a message per line over one connection, many under way at once.
 *
 * Invariants:
 * 1. Messages reach the daemon in the order of the lines, and results are printed in that order.
 * 2. At most {@link WINDOW} lines are under way, so memory does not grow with the input.
 * 3. A line that is refused is reported with its number and stops nothing. When the daemon goes away, what is
 *    confirmed was printed, the first line without an answer is named, and how to go on without sending a line twice.
 */
import { MeshError, PublishedError, type PublishedJson } from '../api/client/index.ts';
import { Stream } from '../api/client/stream.ts';
import type { CommandContext } from './command.ts';
import { withClient } from './connect.ts';
import { mentionsOf } from './contacts.ts';
import { EXIT } from './exit.ts';
import { type Line, readLines } from './lines.ts';
import { paint, print, warn } from './print.ts';
import { Progress } from './progress.ts';
import { reportError } from './report.ts';
import type { SendPlan } from './send-plan.ts';
import { count, jsonLine } from './text.ts';

/** Lines under way: two windows of the daemon, so that it never waits for us (derived from its 512). */
const WINDOW = 1024;

/** Lines in a row that were refused alike. The first one is told in full, the rest in one line once it has ended. */
interface Row {
  readonly key: string;
  /** number of the line that was told */
  readonly first: number;
  last: number;
}

type Result = { readonly published: PublishedJson } | { readonly error: unknown };

interface UnderWay {
  readonly number: number;
  /** never rejects: an error waits for its turn */
  readonly result: Promise<Result>;
}

class LineSender {
  readonly #context: CommandContext;
  readonly #plan: SendPlan;
  readonly #stream: Stream;
  readonly #progress: Progress;
  readonly #underWay: UnderWay[] = [];
  #done = 0;
  #failed = 0;
  #timedOut = 0;
  #row: Row | undefined;

  constructor(stream: Stream, plan: SendPlan, context: CommandContext) {
    this.#stream = stream;
    this.#plan = plan;
    this.#context = context;
    this.#progress = new Progress(context.io);
  }

  async #publish(line: Line): Promise<Result> {
    if ('error' in line) return { error: line.error };
    const { message, wait, timeoutSeconds, idempotencyKey: key } = this.#plan;
    const idempotencyKey = key === undefined ? undefined : `${key}:${line.number}`;
    try {
      const options = { wait, timeoutSeconds, idempotencyKey };
      return { published: await this.#stream.publish({ ...message, body: line.text }, options) };
    } catch (error) {
      return { error };
    }
  }

  async send(line: Line): Promise<void> {
    await this.#stream.drained();
    this.#underWay.push({ number: line.number, result: this.#publish(line) });
    if (this.#underWay.length >= WINDOW) await this.#settle();
  }

  async finish(): Promise<void> {
    while (this.#underWay.length > 0) await this.#settle();
    this.#progress.clear();
    this.endRow();
  }

  /** Tells how many further lines were refused like the one that was told. */
  endRow(): void {
    const row = this.#row;
    this.#row = undefined;
    if (row === undefined || row.last === row.first) return;
    const { io } = this.#context;
    this.#progress.clear();
    const n = row.last - row.first;
    const lines = n === 1 ? `line ${row.last}` : `lines ${row.first + 1} to ${row.last}`;
    const name = paint(io, io.stderr, 'red', `mesh: ${lines}:`);
    warn(io, `${name} the same as line ${row.first}, ${count(n, 'line')} more.`);
  }

  /** Waits for the oldest line under way and tells what became of it. Throws when the daemon is gone. */
  async #settle(): Promise<void> {
    const oldest = this.#underWay.shift();
    if (oldest === undefined) return;
    const result = await oldest.result;
    if ('published' in result) {
      this.endRow();
      await this.#show(result.published);
    } else await this.#fail(oldest.number, result.error);
    this.#progress.update(() => `${this.#done} sent${this.#failed > 0 ? `, ${this.#failed} refused` : ''}`);
  }

  async #show({ id, state }: PublishedJson): Promise<void> {
    this.#done += 1;
    await print(this.#context.io, this.#context.global.json ? jsonLine({ id, state }) : `${id} ${state}`);
  }

  async #fail(number: number, error: unknown): Promise<void> {
    this.#progress.clear();
    if (error instanceof PublishedError) await this.#show(error);
    else if (error instanceof MeshError && (error.code === 'no_daemon' || error.code === 'stopping'))
      throw new MeshError('no_daemon', `${error.detail} ${this.#howToGoOn(number, error)}`, { cause: error });
    if (error instanceof PublishedError && error.code === 'wait_timeout') this.#timedOut += 1;
    else this.#failed += 1;
    if (!this.#context.global.json && this.#joinsRow(number, error)) return;
    reportError(this.#context.io, error, {
      json: this.#context.global.json,
      context: `line ${number}`,
      more: { line: number },
    });
  }

  /** Whether a line is refused as the one before it was; if not, a row begins with it. */
  #joinsRow(number: number, error: unknown): boolean {
    const key = error instanceof MeshError ? `${error.code} ${error.detail}` : '';
    if (this.#row !== undefined && key !== '' && this.#row.key === key) {
      this.#row.last = number;
      return true;
    }
    this.endRow();
    this.#row = { key, first: number, last: number };
    return false;
  }

  /** @param number the first line without an answer: all before it have one */
  #howToGoOn(number: number, error: MeshError): string {
    const known = `${this.#done} lines were sent`;
    const again = 'To go on, run the same command again: with its --idempotency-key no line is sent twice.';
    const isKeyed = this.#plan.idempotencyKey !== undefined;
    if (error.code === 'stopping') {
      const rest = isKeyed ? again : `To go on, send the lines from ${number} on.`;
      return `${known}; line ${number} and what follows were not. ${rest}`;
    }
    const last = number + this.#underWay.length;
    const unsure = `${known}; line ${number} and what follows have no answer.`;
    if (isKeyed) return `${unsure} ${again}`;
    return `${unsure} Lines ${number} to ${last} may have been stored all the same: compare with "mesh read" before you send them again. With --idempotency-key a second run would send no line twice.`;
  }

  get exitCode(): number {
    if (this.#failed > 0) return EXIT.failure;
    return this.#timedOut > 0 ? EXIT.waitTimeout : EXIT.ok;
  }
}

/** Sends each line of standard input; the exit code is 0 only if all were taken. */
export async function sendLines(plan: SendPlan, context: CommandContext): Promise<number> {
  return withClient(context, async (client) => {
    const message = { ...plan.message, ...(await mentionsOf(client, plan)) };
    const stream = await Stream.open(client.daemon);
    const sender = new LineSender(stream, { ...plan, message }, context);
    try {
      for await (const line of readLines(context.io.stdin())) await sender.send(line);
      await sender.finish();
      return sender.exitCode;
    } finally {
      sender.endRow();
      await stream.close();
    }
  });
}
