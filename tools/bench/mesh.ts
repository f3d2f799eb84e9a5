/** Drives real daemons: `mesh start` as a process of its own, with the options of {@link OPTIONS} and no others. */
import net from 'node:net';
import path from 'node:path';
import Database from 'better-sqlite3';
import { createSigner, generatePrivateKey } from '../../src/crypto/index.ts';
import { Leaf } from './leaf.ts';
import { makeMessage, pushFrame } from './messages.ts';
import { freePort, makeFolder, Process, removeFolder, until } from './processes.ts';
import type { Prepared, Publisher, Running, System } from './system.ts';

const MESH = path.resolve(import.meta.dirname, '..', '..', 'bin', 'mesh.mjs');
export const CHANNEL = 'bench';

/** Options that differ from their defaults, and why. */
export const OPTIONS: Readonly<Record<string, string>> = {
  HOST: '127.0.0.1', // nothing leaves this machine
  MESH_BOOTSTRAP_URL: '', // and nobody is contacted
  MESH_API_PORT: '0', // any free one
  MESH_RATE_LEAF: '0', // one publisher stands for many
  MESH_RATE_RELAY: '0',
  MESH_RATE_AUTHOR: '0',
  MESH_RATE_COMMON: '0',
};

export interface DaemonOptions {
  readonly folder: string;
  readonly port: number;
  /** URLs that it dials */
  readonly peers?: readonly string[];
  /** for Node, before the script: profiling */
  readonly nodeArgs?: readonly string[];
}

/** Whether the port for peers answers `GET /healthz`. */
export function isHealthy(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () =>
      socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
    );
    socket.once('data', (data) => {
      resolve(data.toString().startsWith('HTTP/1.1 200'));
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}

/** Starts a daemon; it answers on its ports when this resolves. */
export async function startDaemon(options: DaemonOptions): Promise<Process> {
  const { folder, port, peers = [], nodeArgs = [] } = options;
  const env = { ...OPTIONS, HOME: folder, PORT: String(port), MESH_PEERS: peers.join() };
  const extra = process.env.BENCH_NODE_ARGS?.split(' ') ?? [];
  const args = [...extra, ...nodeArgs, MESH, 'start', '--data', path.join(folder, 'data')];
  const daemon = new Process(args, env, folder);
  await until(`the daemon in ${folder} answers`, () => {
    if (!daemon.isRunning) throw new Error(`the daemon ended: ${daemon.log().slice(-2000)}`);
    return isHealthy(port);
  });
  return daemon;
}

export function databaseOf(folder: string): string {
  return path.join(folder, 'data', 'store.db');
}

/** Asks a daemon's database beside the daemon, so that it costs the daemon nothing. */
function askDatabase(folder: string, sql: string): number {
  const db = new Database(databaseOf(folder), { readonly: true });
  try {
    return db.prepare(sql).pluck().get() as number;
  } finally {
    db.close();
  }
}

/** How many messages a daemon has stored. */
export function countStored(folder: string): number {
  return askDatabase(folder, 'SELECT count(*) FROM message');
}

/** The highest arrival number: equal to their count where nothing was ever removed, and found at once. */
export function newestArrival(folder: string): number {
  return askDatabase(folder, 'SELECT ifnull(max(arrival), 0) FROM message');
}

/** Sends what was given during one turn as one frame, as a leaf's outbox does. */
class LeafPublisher implements Publisher {
  readonly #leaf: Leaf;
  #gathered: Prepared[] = [];

  constructor(leaf: Leaf) {
    this.#leaf = leaf;
  }

  get dead(): boolean {
    return this.#leaf.dead;
  }

  send(message: Prepared): void {
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

async function start(): Promise<Running> {
  const folder = makeFolder('mesh');
  const port = await freePort();
  const author = createSigner(generatePrivateKey());
  let daemon: Process;
  const begin = async (): Promise<number> => {
    const from = performance.now();
    daemon = await startDaemon({ folder, port });
    return performance.now() - from;
  };
  const coldMs = await begin();
  const make = (seq: number): Prepared =>
    makeMessage(author, seq, { channel: CHANNEL, timeMs: Date.now() }).wire;
  return {
    coldMs,
    settle: 300,
    get pids() {
      return [daemon.pid];
    },
    prepare: (count, from = 0) => Array.from({ length: count }, (_, i) => make(from + i)),
    publisher: async (_node, onAck) =>
      new LeafPublisher(await Leaf.link(port, onAck === undefined ? {} : { onStored: onAck }, [])),
    subscriber: (_node, onMessage) => Leaf.link(port, { onMessage }, [CHANNEL]),
    idle: () => Leaf.link(port, {}, [CHANNEL]),
    count: () => countStored(folder),
    kill9: () => daemon.stop('SIGKILL'),
    restart: begin,
    alive: () => daemon.isRunning,
    stop: async () => {
      await daemon.stop();
      removeFolder(folder);
    },
  };
}

export const mesh: System = {
  name: 'mesh',
  caps: { durable: true, unique: true, ack: true, idle: true, catchup: false, mesh: false },
  start,
};
