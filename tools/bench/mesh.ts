/** The daemon as a system under test: a relay that leaves publish at and subscribe to. */
import { createSigner, generatePrivateKey } from '../../src/crypto/index.ts';
import { countStored, FIRST_CHANNEL, newestArrival, startDaemon } from './daemon.ts';
import { fillHistory } from './history.ts';
import { Leaf, type LeafOptions } from './leaf.ts';
import { makeMessage, pushFrame } from './messages.ts';
import { freePort, makeFolder, type Process, removeFolder, sleep, until } from './processes.ts';
import type { Capabilities, CaughtUp, Prepared, Publisher, Running, StartOptions, System } from './system.ts';

const CHANNEL = 'bench';

/** Sends what was given during one turn as one frame, as a leaf's outbox does, or each message in a frame of its own. */
class LeafPublisher implements Publisher {
  readonly #leaf: Leaf;
  readonly #isGathering: boolean;
  #gathered: Prepared[] = [];

  constructor(leaf: Leaf, isGathering: boolean) {
    this.#leaf = leaf;
    this.#isGathering = isGathering;
  }

  get dead(): boolean {
    return this.#leaf.dead;
  }

  send(message: Prepared): void {
    if (!this.#isGathering) return this.#leaf.send(pushFrame([message]));
    if (this.#gathered.length === 0) queueMicrotask(() => this.#flush());
    this.#gathered.push(message);
  }

  #flush(): void {
    this.#leaf.send(pushFrame(this.#gathered));
    this.#gathered = [];
  }

  close(): void {
    this.#leaf.close();
  }
}

/** A link that tries again: a relay takes ten handshakes at a time. */
async function linkPatiently(port: number, options: LeafOptions): Promise<Leaf> {
  for (let i = 0; ; i++) {
    try {
      return await Leaf.link(port, {}, options);
    } catch (error) {
      if (i >= 20) throw error;
      await sleep(50);
    }
  }
}

/** A newcomer that fetches the history of the first channel of `relayPort`; from its start, so its start is counted. */
async function catchUp(relayPort: number, count: number): Promise<CaughtUp> {
  const folder = makeFolder('newcomer');
  const begin = performance.now();
  const peers = [`ws://127.0.0.1:${relayPort}`];
  const newcomer = await startDaemon({ folder, port: await freePort(), peers });
  const isDone = () => newestArrival(folder) >= count;
  await until('the newcomer has everything', isDone, { timeoutMs: 600_000, everyMs: 20 });
  const ms = performance.now() - begin;
  const got = countStored(folder);
  await newcomer.stop();
  removeFolder(folder);
  return { ms, got, bytes: 0 };
}

interface Way {
  /** whether the publisher puts the messages of one turn into one frame */
  readonly isGathering: boolean;
  /** whether the links of its leaves are sealed, as over a network */
  readonly isSealed: boolean;
  /** the daemon's own choice without it */
  readonly verifier?: 'node';
  /** options of the daemon */
  readonly env?: Readonly<Record<string, string>>;
  /** a daemon's folder that is there already, and stays */
  readonly folder?: string;
  /** channels that the messages are spread over in turn. More than one: each is held by one subscriber, so that a message is
   *  delivered once whatever their number. One: all hold it */
  readonly channels?: number;
}

/** Of one length, so that messages are. */
const channelName = (i: number): string => `c${String(i).padStart(4, '0')}`;

async function start(way: Way, { subscribers = 1 }: StartOptions): Promise<Running> {
  const { isGathering, isSealed, verifier = '', channels = 1 } = way;
  const folder = way.folder ?? makeFolder('mesh');
  const port = await freePort();
  const author = createSigner(generatePrivateKey());
  const names = channels === 1 ? [CHANNEL] : Array.from({ length: channels }, (_, i) => channelName(i));
  let daemon: Process;
  let linked = 0;
  const begin = async (): Promise<number> => {
    const from = performance.now();
    const env = { BENCH_VERIFIER: verifier, ...way.env };
    daemon = await startDaemon({ folder, port, env, isProbed: true });
    return performance.now() - from;
  };
  const coldMs = await begin();
  const make = (seq: number): Prepared =>
    makeMessage(author, seq, { channel: names[seq % channels] as string, timeMs: Date.now() }).wire;
  const share = (subscriber: number): readonly string[] =>
    channels === 1 ? names : names.filter((_, i) => i % subscribers === subscriber);
  return {
    coldMs,
    settle: 300,
    get pids() {
      return [daemon.pid];
    },
    prepare: (count, from = 0) => Array.from({ length: count }, (_, i) => make(from + i)),
    publisher: async (_node, onAck) => {
      const leaf = await Leaf.link(port, onAck === undefined ? {} : { onStored: onAck }, {
        holds: [],
        isSealed,
      });
      return new LeafPublisher(leaf, isGathering);
    },
    subscriber: (_node, onMessage) => Leaf.link(port, { onMessage }, { holds: share(linked++), isSealed }),
    idle: () => linkPatiently(port, { holds: ['quiet'], isSealed }),
    ask: (question) => daemon.ask(question),
    preload: async (_node, messages) => {
      await daemon.stop();
      fillHistory({ folder, messages, channels: [FIRST_CHANNEL], days: 7, isSigned: true });
      await begin();
    },
    catchup: (_node, count) => catchUp(port, count),
    count: () => countStored(folder),
    kill9: () => daemon.stop('SIGKILL'),
    restart: begin,
    alive: () => daemon.isRunning,
    stop: async () => {
      await daemon.stop();
      if (way.folder === undefined) removeFolder(folder);
    },
  };
}

const caps: Capabilities = { durable: true, unique: true, ack: true, idle: true, catchup: true, mesh: false };

const create = (name: string, way: Way): System => ({
  name,
  caps,
  start: (options = {}) => start(way, options),
});

/** A publisher as our outbox is one: many messages in a frame when many are waiting. */
const PLAIN: Way = { isGathering: true, isSealed: false };
export const mesh = create('mesh', PLAIN);
/** The same where libsodium is missing. */
export const meshNode = create('mesh, node:crypto', { ...PLAIN, verifier: 'node' });
/** The same as {@link mesh} with one message in each frame, which is what many slow publishers send together. */
export const meshSingle = create('mesh, single frames', { ...PLAIN, isGathering: false });
/** The same as {@link mesh} over links that are sealed, as those over a network without TLS. */
export const meshSealed = create('mesh, sealed', { ...PLAIN, isSealed: true });
/** The same as {@link mesh} in another state or with other options. */
export const meshWith = (way: Partial<Way>): System => create('mesh', { ...PLAIN, ...way });
