/** Drives the ceiling of `limit-server.ts`. */
import { randomBytes } from 'node:crypto';
import net from 'node:net';
import path from 'node:path';
import Database from 'better-sqlite3';
import { createSigner, generatePrivateKey } from '../../src/crypto/index.ts';
import { freePort, makeFolder, Process, removeFolder, until } from './processes.ts';
import { LoadSocket, textFrame } from './socket.ts';
import { bodyOf, type Prepared, type Running, type System, seqOf } from './system.ts';

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

async function start(): Promise<Running> {
  const folder = makeFolder('limit');
  const port = await freePort();
  const signer = createSigner(generatePrivateKey());
  const author = Buffer.from(signer.publicKey).toString('base64url');
  const database = path.join(folder, 'limit.db');
  let server: Process;
  const begin = async (): Promise<number> => {
    const from = performance.now();
    const env = { LIMIT_PORT: String(port), LIMIT_DATABASE: database, LIMIT_AUTHOR: author };
    server = new Process([SERVER], env, folder);
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

export const limit: System = {
  name: 'limit-full-sodium',
  caps: { durable: true, unique: true, ack: true, idle: true, catchup: false, mesh: false },
  start,
};
