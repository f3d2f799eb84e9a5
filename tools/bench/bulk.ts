/**
 * A bulk beside a conversation: while a newcomer fetches a long history over a link with the delay of a network, somebody
 * publishes a hundred messages a second at the relay that serves it, and a client follows them at the newcomer. Then the
 * same without a bulk. What a message takes from one to the other is compared.
 */
import { randomUUID } from 'node:crypto';
import net from 'node:net';
import { Client } from '../../src/api/client/client.ts';
import { findDaemon } from '../../src/api/client/find.ts';
import { Stream } from '../../src/api/client/stream.ts';
import { INSPECTED, Inspector } from '../../src/blackbox/testing/inspector.ts';
import { createSigner, generatePrivateKey } from '../../src/crypto/index.ts';
import { dataFolderOf, newestArrival } from './daemon.ts';
import { Leaf } from './leaf.ts';
import { makeMessage, pushFrame } from './messages.ts';
import { type Pair, startPair } from './pair.ts';
import { sleep, until } from './processes.ts';
import { percentile } from './statistics.ts';
import { seqOf } from './system.ts';

const PACE_PER_SECOND = 100;
/** What a link of a network takes in one direction, ms: the least of what the simulator gives its links. */
const DELAY_MS = 10;
const CALM_MS = 5000;
const TIMEOUT_MS = 600_000;

export type BulkFigures = {
  /** of the fetched messages */
  readonly perSecond: number;
  /** ms from a publisher at the relay to a client at the newcomer, without and with a bulk */
  readonly calmP50: number;
  readonly calmP99: number;
  readonly bulkP50: number;
  readonly bulkP99: number;
};

export type BulkMemory = {
  /** MiB in use after forced collections: at a tenth of the transfer and at its end */
  readonly tenth: number;
  readonly end: number;
};

/** A link of a network: what goes in comes out a little later, in order. Resolves with its port. */
async function delayed(port: number): Promise<{ port: number; close(): void }> {
  const pipe = (from: net.Socket, to: net.Socket): void => {
    from.on('data', (piece) => setTimeout(() => to.destroyed || to.write(piece), DELAY_MS));
    from.on('error', () => undefined);
    from.on('close', () => to.destroy());
  };
  const server = net.createServer({ noDelay: true }, (near) => {
    const far = net.connect({ port, host: '127.0.0.1', noDelay: true });
    pipe(near, far);
    pipe(far, near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as net.AddressInfo).port, close: () => server.close() };
}

/** Publishes at the relay, and sees it at the newcomer. */
class Conversation {
  readonly #channel: string;
  readonly #leaf: Leaf;
  readonly #author = createSigner(generatePrivateKey());
  readonly #sentMs: number[] = [];
  readonly #arrivedMs: number[] = [];

  constructor(channel: string, leaf: Leaf) {
    this.#channel = channel;
    this.#leaf = leaf;
  }

  get sent(): number {
    return this.#sentMs.length;
  }

  /** Notes when messages of the channel come, until the stream ends. Resolves when the client has been let in. */
  async follow(stream: Stream): Promise<void> {
    const feed = stream.subscribe({ channels: [this.#channel] });
    await feed.next(); // caught up
    const run = async (): Promise<void> => {
      for await (const item of feed)
        if (item.kind === 'message')
          this.#arrivedMs[seqOf(Buffer.from(item.message.body))] ??= performance.now();
    };
    run().catch(() => undefined); // the stream was closed
  }

  /** Sends at a fixed rate as long as `goesOn`. @returns the numbers of the messages: from, to */
  async pace(goesOn: () => boolean): Promise<readonly [number, number]> {
    const from = this.#sentMs.length;
    const begin = performance.now();
    for (let i = 0; goesOn(); i++) {
      const dueMs = begin + (i * 1000) / PACE_PER_SECOND;
      while (performance.now() < dueMs) await sleep(1);
      const { wire } = makeMessage(this.#author, this.#sentMs.length, {
        channel: this.#channel,
        timeMs: Date.now(),
      });
      this.#sentMs.push(performance.now());
      this.#leaf.send(pushFrame([wire]));
    }
    return [from, this.#sentMs.length];
  }

  /** ms that these messages took, once all of them are here. */
  async latencies([from, to]: readonly [number, number]): Promise<number[]> {
    const numbers = Array.from({ length: to - from }, (_, i) => from + i);
    await until('all live messages are here', () =>
      numbers.every((seq) => this.#arrivedMs[seq] !== undefined),
    );
    return numbers.map((seq) => (this.#arrivedMs[seq] as number) - (this.#sentMs[seq] as number));
  }
}

/** Asks the newcomer now and then how many messages it has: to open its database would keep this process from sending. */
async function arrivalsReach(client: Client, goal: () => number): Promise<void> {
  while ((await client.status()).lastArrival < goal()) await sleep(200);
}

async function measure(pair: Pair, messages: number): Promise<BulkFigures> {
  const daemon = findDaemon(dataFolderOf(pair.folder));
  const channel = `live-${randomUUID()}`; // the relay keeps what was published there in other rounds
  const client = new Client(daemon);
  await client.join(channel);
  const stream = await Stream.open(daemon);
  try {
    pair.relay.signal('SIGCONT');
    const begin = performance.now();
    const leaf = await Leaf.link(pair.relayPort, {}, { holds: [], isSealed: false });
    const talk = new Conversation(channel, leaf);
    await talk.follow(stream);
    await until('the newcomer has begun', async () => (await client.status()).lastArrival > 0);
    let isDone = false;
    const done = arrivalsReach(client, () => messages + talk.sent - PACE_PER_SECOND).then(() => {
      isDone = true;
    });
    const bulk = await talk.pace(() => !isDone);
    await done;
    const ms = performance.now() - begin;
    const bulkMs = await talk.latencies(bulk);
    await sleep(1000);
    const calmEnd = performance.now() + CALM_MS;
    const calmMs = await talk.latencies(await talk.pace(() => performance.now() < calmEnd));
    leaf.close();
    return {
      perSecond: (messages * 1000) / ms,
      calmP50: percentile(calmMs, 0.5),
      calmP99: percentile(calmMs, 0.99),
      bulkP50: percentile(bulkMs, 0.5),
      bulkP99: percentile(bulkMs, 0.99),
    };
  } finally {
    stream.close();
    client.close();
  }
}

/** One round with a fresh newcomer. @param history made by `createHistory` */
export async function measureBulk(history: string, messages: number): Promise<BulkFigures> {
  const pair = await startPair({ history, road: delayed });
  try {
    return await measure(pair, messages);
  } finally {
    await pair.stop();
  }
}

/** The same without a conversation, and with an inspector that makes the newcomer collect its garbage. */
export async function measureBulkMemory(history: string, messages: number): Promise<BulkMemory> {
  const pair = await startPair({ history, road: delayed, env: INSPECTED });
  try {
    const inspector = await Inspector.attach({
      get output() {
        return pair.newcomer.log();
      },
    });
    const heapAt = async (count: number): Promise<number> => {
      await until(`${count} messages are fetched`, () => newestArrival(pair.folder) >= count, {
        timeoutMs: TIMEOUT_MS,
        everyMs: 20,
      });
      return (await inspector.heap()) / 2 ** 20;
    };
    pair.relay.signal('SIGCONT');
    const [tenth, end] = [await heapAt(messages / 10), await heapAt(messages)];
    inspector.close();
    return { tenth, end };
  } finally {
    await pair.stop();
  }
}
