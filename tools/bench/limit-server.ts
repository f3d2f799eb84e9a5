/**
 * The ceiling: the least that a relay must do which verifies and stores before it acknowledges, in one process and on
 * the same libraries as the daemon. It takes JSON messages from WebSockets, verifies each, and at the end of the
 * event loop's turn stores all that came in one SQLite transaction (WAL), writes them to every subscriber with one write, and
 * acknowledges. `LIMIT_VERIFIER` is libsodium (`sodium`) or `node:crypto` (`node`), `LIMIT_SYNCHRONOUS` what SQLite is told.
 *
 * It is no product: no handshake, no ids that belong to keys, no check of what is signed but one key, no limits, no
 * catch-up. So a product lies above it, and how far above is the figure that the bench prints.
 */
import { createPublicKey, verify } from 'node:crypto';
import http from 'node:http';
import { createRequire } from 'node:module';
import Database from 'better-sqlite3';
import { type WebSocket, WebSocketServer } from 'ws';

interface Incoming {
  readonly subscribe?: true;
  readonly id: string;
  readonly channel: string;
  readonly author: string;
  readonly time: number;
  readonly body: string;
  readonly signature: string;
}

interface Accepted {
  readonly id: Buffer;
  readonly channel: string;
  readonly time: number;
  readonly text: Buffer;
}

const env = process.env as Record<string, string>;
const { LIMIT_PORT, LIMIT_DATABASE, LIMIT_AUTHOR, LIMIT_VERIFIER, LIMIT_SYNCHRONOUS } = env;

/** Whether a signature of the one author covers `data`. */
type Verify = (signature: Buffer, data: Buffer) => boolean;

function createVerify(): Verify {
  if (LIMIT_VERIFIER === 'node') {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: LIMIT_AUTHOR as string };
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    return (signature, data) => verify(null, data, key, signature);
  }
  const sodium = createRequire(import.meta.url)('sodium-native') as {
    crypto_sign_verify_detached(signature: Buffer, data: Buffer, publicKey: Buffer): boolean;
  };
  const publicKey = Buffer.from(LIMIT_AUTHOR as string, 'base64url');
  return (signature, data) => sodium.crypto_sign_verify_detached(signature, data, publicKey);
}

const isGenuine = createVerify();

const db = new Database(LIMIT_DATABASE as string);
db.pragma('journal_mode = WAL');
db.pragma(`synchronous = ${LIMIT_SYNCHRONOUS}`);
db.exec(
  'CREATE TABLE IF NOT EXISTS message (id BLOB PRIMARY KEY, channel TEXT, time INTEGER, text BLOB) WITHOUT ROWID',
);
const insert = db.prepare('INSERT OR IGNORE INTO message VALUES (?, ?, ?, ?)');
const begin = db.prepare('BEGIN');
const commit = db.prepare('COMMIT');

const subscribers = new Set<WebSocket>();
const acknowledge = new Map<WebSocket, number>();
let accepted: Accepted[] = [];

/** What a message's signature covers. */
function signedText({ id, channel, author, time, body }: Incoming): Buffer {
  return Buffer.from(JSON.stringify([id, channel, author, time, body]));
}

/** Head of a text frame from a server. */
function frameHead(length: number): Buffer {
  const head = Buffer.alloc(length < 126 ? 2 : 4);
  head[0] = 0x81;
  head[1] = length < 126 ? length : 126;
  if (length >= 126) head.writeUInt16BE(length, 2);
  return head;
}

/** Stores, passes on and acknowledges everything of this turn. */
function flush(): void {
  const batch = accepted;
  accepted = [];
  begin.run();
  for (const { id, channel, time, text } of batch) insert.run(id, channel, time, text);
  commit.run();
  const parts: Buffer[] = [];
  for (const { text } of batch) parts.push(frameHead(text.length), text);
  const frames = Buffer.concat(parts);
  for (const subscriber of subscribers) socketOf(subscriber).write(frames);
  for (const [sender, count] of acknowledge) sender.send(`{"ack":${count}}`);
  acknowledge.clear();
}

/** The TCP socket below: several frames go out with one write. */
function socketOf(ws: WebSocket): import('node:net').Socket {
  return (ws as unknown as { _socket: import('node:net').Socket })._socket;
}

function receive(sender: WebSocket, text: Buffer): void {
  const message = JSON.parse(text.toString()) as Incoming;
  if (message.subscribe) {
    subscribers.add(sender);
    sender.once('close', () => subscribers.delete(sender));
    return;
  }
  const signature = Buffer.from(message.signature, 'base64');
  if (!isGenuine(signature, signedText(message))) return;
  if (accepted.length === 0) setImmediate(flush);
  const { channel, time } = message;
  accepted.push({ id: Buffer.from(message.id, 'hex'), channel, time, text });
  acknowledge.set(sender, (acknowledge.get(sender) ?? 0) + 1);
}

const server = http.createServer();
new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (ws) => {
  socketOf(ws).setNoDelay(true);
  ws.on('message', (data) => receive(ws, data as Buffer));
});
server.listen(Number(LIMIT_PORT), '127.0.0.1');
