/**
 * One publisher, one relay, some subscribers. First as fast as a window allows, for CPU per message; then a hundred
 * messages a second, for latency.
 */
import { cpuNs, memoryMiB, nextTurn, sleep } from './processes.ts';
import { percentile } from './statistics.ts';
import type { Prepared, Publisher, Running, Subscriber, System } from './system.ts';

/** Messages that the slowest subscriber may lag behind. */
const WINDOW = 1024;
/** Messages sent in one turn of the publisher's event loop. */
const BURST = 64;
const PACE_PER_SECOND = 100;
/** Messages that are made in one turn of it. */
const PREPARED = 256;
/** No delivery for so long means that something is lost, ms. */
const STALLED_MS = 15_000;

export interface RelayOptions {
  readonly subscribers: number;
  /** links besides that want none of the messages */
  readonly idle?: number;
  /** whether each message goes to one of the subscribers, and not to all */
  readonly isSplit?: boolean;
  /** messages before the measurement, as fast as they go, so that compilers are warm */
  readonly warmUp: number;
  /** messages of the measurement */
  readonly messages: number;
  readonly paceMs: number;
}

/** Figures of one round; a type, so that a row has an index signature. */
export type RelayFigures = {
  readonly perSecond: number;
  /** CPU of the system's processes, microseconds */
  readonly cpuPerMessage: number;
  readonly p50: number;
  readonly p99: number;
  /** of the event loop at full speed, ms */
  readonly delayP99: number;
  readonly delayMax: number;
  readonly memory: number;
};

/** What the subscribers have seen. */
export class Tally {
  readonly counts: Int32Array;
  readonly #seen: Uint8Array[];
  readonly #isSplit: boolean;
  readonly sentMs: Float64Array;
  readonly latencies: number[] = [];
  isSampling = false;
  total = 0;

  constructor(subscribers: number, most: number, isSplit = false) {
    this.#isSplit = isSplit;
    this.counts = new Int32Array(subscribers);
    this.#seen = Array.from({ length: subscribers }, () => new Uint8Array(most));
    this.sentMs = new Float64Array(most);
  }

  arrived(subscriber: number, seq: number): void {
    const seen = this.#seen[subscriber] as Uint8Array;
    if (seen[seq] === 1) return;
    seen[seq] = 1;
    this.counts[subscriber] = (this.counts[subscriber] as number) + 1;
    this.total++;
    if (this.isSampling) this.latencies.push(performance.now() - (this.sentMs[seq] as number));
  }

  /** messages that everybody has, in number, who shall have them */
  get slowest(): number {
    if (this.#isSplit) return this.total;
    return this.counts.reduce((least, count) => Math.min(least, count), Number.POSITIVE_INFINITY);
  }
}

/**
 * Makes messages some at a time: a leaf that answers no ping for three seconds loses its link, and on a busy machine making
 * all of them takes longer.
 */
export async function prepareAll(running: Running, count: number, from = 0): Promise<Prepared[]> {
  const made: Prepared[] = [];
  while (made.length < count) {
    made.push(...running.prepare(Math.min(PREPARED, count - made.length), from + made.length));
    await nextTurn();
  }
  return made;
}

export class Load {
  #messages: readonly Prepared[];
  /** number of the first of them */
  #first = 0;
  readonly #publisher: Publisher;
  readonly #tally: Tally;
  sent = 0;

  constructor(messages: readonly Prepared[], publisher: Publisher, tally: Tally) {
    this.#messages = messages;
    this.#publisher = publisher;
    this.#tally = tally;
  }

  /** Puts more in the place of what was sent. */
  supply(messages: readonly Prepared[]): void {
    this.#messages = messages;
    this.#first = this.sent;
  }

  sendOne(): void {
    this.#tally.sentMs[this.sent] = performance.now();
    this.#publisher.send(this.#messages[this.sent - this.#first] as Prepared);
    this.sent++;
  }

  /** Sends until `end` messages are out, and waits until everybody has them. */
  async run(end: number): Promise<void> {
    const tally = this.#tally;
    let total = tally.total;
    let changedMs = performance.now();
    while (tally.slowest < end) {
      if (this.#publisher.dead) throw new Error('the publisher lost its connection');
      const room = Math.min(BURST, end - this.sent, WINDOW - (this.sent - tally.slowest));
      for (let i = 0; i < room; i++) this.sendOne();
      await nextTurn();
      if (tally.total !== total) changedMs = performance.now();
      else if (performance.now() - changedMs > STALLED_MS)
        throw new Error(`of ${this.sent} messages only ${tally.slowest} arrived`);
      total = tally.total;
    }
  }

  /** Sends at a fixed rate for `paceMs`. */
  async pace(paceMs: number): Promise<void> {
    const begin = performance.now();
    const count = Math.floor((paceMs * PACE_PER_SECOND) / 1000);
    for (let i = 0; i < count; i++) {
      const dueMs = begin + (i * 1000) / PACE_PER_SECOND;
      while (performance.now() < dueMs) await sleep(1);
      this.sendOne();
    }
    await sleep(500);
  }
}

const cpuOf = (system: Running): number => system.pids.reduce((sum, pid) => sum + cpuNs(pid), 0);

interface Opened {
  readonly subscribers: readonly Subscriber[];
  readonly publisher: Publisher;
}

async function open(running: Running, options: RelayOptions, tally: Tally): Promise<Opened> {
  const subscribers = [];
  for (let i = 0; i < options.subscribers; i++)
    subscribers.push(await running.subscriber(0, (seq) => tally.arrived(i, seq)));
  for (let i = 0; i < (options.idle ?? 0); i++) subscribers.push(await running.idle(0));
  await sleep(Math.max(running.settle ?? 0, 200));
  return { subscribers, publisher: await running.publisher(0) };
}

async function measure(running: Running, options: RelayOptions): Promise<RelayFigures> {
  const { warmUp, messages, paceMs, isSplit = false } = options;
  const most = warmUp + messages + Math.ceil((paceMs * PACE_PER_SECOND) / 1000);
  const tally = new Tally(options.subscribers, most, isSplit);
  const { subscribers, publisher } = await open(running, options, tally);
  const load = new Load(await prepareAll(running, most), publisher, tally);
  await load.run(warmUp);
  await sleep(300);

  await running.ask?.('start');
  const [cpuBefore, begin] = [cpuOf(running), performance.now()];
  await load.run(warmUp + messages);
  const [cpu, ms] = [cpuOf(running) - cpuBefore, performance.now() - begin];
  const delay = await running.ask?.('delay');

  await sleep(100);
  tally.isSampling = true;
  await load.pace(paceMs);
  const memory = running.pids.reduce((sum, pid) => sum + memoryMiB(pid), 0);
  publisher.close();
  for (const subscriber of subscribers) subscriber.close();
  return {
    perSecond: (messages * 1000) / ms,
    cpuPerMessage: cpu / 1000 / messages,
    p50: percentile(tally.latencies, 0.5),
    p99: percentile(tally.latencies, 0.99),
    delayP99: delay?.delayP99 ?? Number.NaN,
    delayMax: delay?.delayMax ?? Number.NaN,
    memory,
  };
}

/** One round with a fresh system. */
export async function measureRelay(system: System, options: RelayOptions): Promise<RelayFigures> {
  const running = await system.start({ subscribers: options.subscribers });
  try {
    return await measure(running, options);
  } finally {
    await running.stop();
  }
}
