/** Drives the ceiling of `limit-server.ts`. */
import { randomBytes } from 'node:crypto';
import net from 'node:net';
import path from 'node:path';
import Database from 'better-sqlite3';
import { createSigner, generatePrivateKey } from '../../src/crypto/index.ts';
import { freePort, makeFolder, Process, removeFolder, until } from './processes.ts';
import { LoadSocket, textFrame } from './socket.ts';
import { bodyOf, type Capabilities, type Prepared, type Running, type System, seqOf } from './system.ts';

const SERVER = path.join(import.meta.dirname, 'limit-server.ts');
/** With it a message is 400 bytes of JSON, give or take the digits of its number. */
const BODY_BYTES = 152;
const BODY_FIELD = Buffer.from('"body":"');

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

interface Way {
  readonly verifier: 'sodium' | 'node';
  readonly synchronous: 'FULL' | 'NORMAL';
}

async function start({ verifier, synchronous }: Way): Promise<Running> {
  const folder = makeFolder('limit');
  const port = await freePort();
  const signer = createSigner(generatePrivateKey());
  const author = Buffer.from(signer.publicKey).toString('base64url');
  const database = path.join(folder, 'limit.db');
  let server: Process;
  const begin = async (): Promise<number> => {
    const from = performance.now();
    const env = {
      LIMIT_PORT: String(port),
      LIMIT_DATABASE: database,
      LIMIT_AUTHOR: author,
      LIMIT_VERIFIER: verifier,
      LIMIT_SYNCHRONOUS: synchronous,
    };
    server = new Process([SERVER], env, folder, true);
    await until('the ceiling listens', () => isOpen(port));
    return performance.now() - from;
  };
  const subscribe = async (onMessage: (seq: number) => void) => {
    const socket = await LoadSocket.connect(port, {
      onMessage: (text) => onMessage(seqOf(text.subarray(text.indexOf(BODY_FIELD) + BODY_FIELD.length))),
    });
    socket.write(textFrame('{"subscribe":true}'));
    return socket;
  };
  const coldMs = await begin();
  const make = (seq: number): Prepared => {
    const fields = [randomBytes(16).toString('hex'), 'bench', author, Date.now(), bodyOf(seq, BODY_BYTES)];
    const signature = Buffer.from(signer.sign(Buffer.from(JSON.stringify(fields)))).toString('base64');
    const [id, channel, , time, body] = fields;
    return textFrame(JSON.stringify({ id, channel, author, time, body, signature }));
  };
  return {
    coldMs,
    get pids() {
      return [server.pid];
    },
    prepare: (count, from = 0) => Array.from({ length: count }, (_, i) => make(from + i)),
    publisher: async (_node, onAck) => {
      const socket = await LoadSocket.connect(port, {
        onMessage: (text) => onAck?.((JSON.parse(text.toString()) as { ack: number }).ack),
      });
      return {
        send: (message) => socket.write(message as Buffer),
        close: () => socket.close(),
        get dead() {
          return socket.closed;
        },
      };
    },
    subscriber: (_node, onMessage) => subscribe(onMessage),
    idle: () => subscribe(() => undefined),
    ask: (question) => server.ask(question),
    count: () => {
      const db = new Database(database, { readonly: true });
      const count = db.prepare('SELECT count(*) FROM message').pluck().get() as number;
      db.close();
      return count;
    },
    kill9: () => server.stop('SIGKILL'),
    restart: begin,
    alive: () => server.isRunning,
    stop: async () => {
      await server.stop();
      removeFolder(folder);
    },
  };
}

const caps: Capabilities = {
  durable: true,
  unique: true,
  ack: true,
  idle: true,
  catchup: false,
  mesh: false,
};

const create = (name: string, way: Way): System => ({ name, caps, start: () => start(way) });

/** What is always there: `node:crypto`, and SQLite's own choice for a WAL, which may lose the last commits with the power. */
export const limit = create('limit', { verifier: 'node', synchronous: 'NORMAL' });
export const limitFull = create('limit-full', { verifier: 'node', synchronous: 'FULL' });
/** With the verifier and the durability that the daemon has by itself. */
export const limitFullSodium = create('limit-full-sodium', { verifier: 'sodium', synchronous: 'FULL' });
