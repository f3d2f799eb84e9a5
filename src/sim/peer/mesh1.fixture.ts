/** A mesh/1 peer at the other end of a link, played by hand. */
import { toBase64url, utf8 } from '../../core/bytes.ts';
import { type Author, authorOf } from '../../core/message/message.fixture.ts';
import type { Message } from '../../core/message/message.ts';
import type { Bench } from '../../core/peer.fixture.ts';
import type { ConnectOptions, Remote } from '../../core/remote.fixture.ts';

export type Json = Readonly<Record<string, unknown>>;

export interface Hello {
  readonly peerId?: string;
  readonly relay?: boolean;
  readonly store?: boolean;
}

export const bot = authorOf('bot of mesh/1');

export class OldPeer {
  readonly remote: Remote;
  readonly #bench: Bench;
  #frames: Json[] = [];

  constructor(bench: Bench, name: string, hello: Hello = {}, options: ConnectOptions = {}) {
    this.#bench = bench;
    this.remote = bench.open(name, options);
    const { peerId = 'peer-0a1b2c3d', relay = false, store = false } = hello;
    this.say({ type: 'handshake', version: 1, peer_id: peerId, capabilities: { relay, store } });
    bench.run(0);
  }

  say(frame: Json): void {
    this.remote.text(JSON.stringify(frame));
    this.#bench.run(0);
  }

  /** Takes the frames of one type that came, in order, or all of them. */
  heard(type?: string): Json[] {
    for (const text of this.remote.texts.splice(0)) this.#frames.push(JSON.parse(text) as Json);
    const isTaken = (frame: Json): boolean => type === undefined || frame.type === type;
    const taken = this.#frames.filter(isTaken);
    this.#frames = this.#frames.filter((frame) => !isTaken(frame));
    return taken;
  }

  /** Takes the bodies of the messages that came by themselves. */
  bodies(): unknown[] {
    return this.heard('message').map(({ body }) => body);
  }

  /** Says a message that carries a mesh/2 one. */
  carry(message: Message, changes: Json = {}): void {
    this.say({ type: 'message', ...carrying(message), ...changes });
  }
}

/** Fields of a message that carries a mesh/2 one. */
export function carrying(message: Message): Json {
  return {
    message_id: message.idText,
    channel_id: message.channel,
    sender_id: toBase64url(message.author),
    body: message.body,
    payload: { $m2: toBase64url(message.wire) },
    timestamp: new Date(message.time.timeMs).toISOString(),
  };
}

/** A message as a mesh/1 peer with a key says it. */
export function original(
  bench: Bench,
  changes: { id?: string; body?: string; channel?: string; payload?: unknown } = {},
  author: Author = bot,
) {
  const { id = '00000000-0000-4000-8000-000000000001', body = 'hello', channel = 'dev', payload } = changes;
  const post = {
    message_id: id,
    channel_id: channel,
    sender_id: toBase64url(author.publicKey),
    body,
    timestamp: new Date(Math.floor(bench.now.wallMs)).toISOString(),
  };
  const text = JSON.stringify({
    body,
    channel_id: channel,
    message_id: id,
    payload: payload === undefined ? null : JSON.stringify(payload),
    sender_id: post.sender_id,
    timestamp: post.timestamp,
  });
  const signature = Buffer.from(author.sign(utf8(text))).toString('base64');
  return { ...post, ...(payload === undefined ? {} : { payload }), signature };
}
