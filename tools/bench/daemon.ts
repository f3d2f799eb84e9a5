/** Real daemons: `mesh start` as a process of its own, with the options of {@link OPTIONS} and no others. */
import net from 'node:net';
import path from 'node:path';
import Database from 'better-sqlite3';
import { Process, until } from './processes.ts';

const MESH = path.resolve(import.meta.dirname, '..', '..', 'bin', 'mesh.mjs');
/** Every daemon joins it at its first start. */
export const FIRST_CHANNEL = 'lobby';

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

/** For profiles: `BENCH_NODE_ARGS="--cpu-prof --cpu-prof-dir=profiles"`. */
const NODE_ARGS = process.env.BENCH_NODE_ARGS?.split(' ') ?? [];

export interface DaemonOptions {
  readonly folder: string;
  readonly port: number;
  /** URLs that it dials */
  readonly peers?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly isProbed?: boolean;
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
  const { folder, port, peers = [], isProbed } = options;
  const env = { ...OPTIONS, ...options.env, HOME: folder, PORT: String(port), MESH_PEERS: peers.join() };
  const args = [...NODE_ARGS, MESH, 'start', '--data', dataFolderOf(folder)];
  const daemon = new Process(args, env, folder, isProbed);
  await until(`the daemon in ${folder} answers`, () => {
    if (!daemon.isRunning) throw new Error(`the daemon ended: ${daemon.log().slice(-2000)}`);
    return isHealthy(port);
  });
  return daemon;
}

export function dataFolderOf(folder: string): string {
  return path.join(folder, 'data');
}

export function databaseOf(folder: string): string {
  return path.join(dataFolderOf(folder), 'store.db');
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
