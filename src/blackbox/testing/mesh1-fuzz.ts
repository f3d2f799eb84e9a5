/**
 * Damaged texts of mesh/1 against a running daemon whose bans and rates are lifted. Originals are genuine frames of the
 * channel that the daemon holds; after each window a request must still be answered.
 */
import { WebSocket } from 'ws';
import { utf8 } from '../../core/bytes.ts';
import { decodeMessage, type Message } from '../../core/message/message.ts';
import { Random } from '../../core/random.ts';
import { damagedText, pick } from '../../core/wire/damage.fixture.ts';
import { encodeMesh1Message, encodeSyncResponse, mesh1Fields } from '../../core/wire/mesh1.ts';
import { Author, context } from './author.ts';
import { LIFTED } from './fuzz-rounds.ts';
import { INSPECTED, Inspector } from './inspector.ts';
import { MeshProcess } from './mesh-process.ts';
import { until } from './wait.ts';

const WINDOW = 250;
const HELLO =
  '{"type":"handshake","version":1,"peer_id":"peer-fuzz","capabilities":{"relay":true,"store":true}}';
const REQUEST = '{"type":"sync_request","channel_id":"lobby","after_message_id":null,"limit":1}';

export interface Mesh1FuzzOutcome {
  readonly sent: number;
  readonly refused: number;
  readonly closed: number;
  readonly heap: readonly [number, number];
  /** messages that the daemon took of all that */
  readonly stored: number;
}

/** One link; what it hears is counted and forgotten. */
class Texter {
  readonly socket: WebSocket;
  refused = 0;
  answers = 0;
  isClosed = false;

  private constructor(url: string) {
    this.socket = new WebSocket(url);
    this.socket.on('message', (data: Buffer) => {
      const text = data.toString();
      if (text.startsWith('{"type":"error"')) this.refused++;
      else if (text.startsWith('{"type":"sync_response"')) this.answers++;
    });
    this.socket.on('error', () => undefined); // the close that follows tells it
    this.socket.on('close', () => {
      this.isClosed = true;
    });
  }

  static async link(mesh: MeshProcess): Promise<Texter> {
    const texter = new Texter(mesh.url);
    await until('a socket opens', () => texter.socket.readyState === WebSocket.OPEN);
    texter.socket.send(HELLO);
    return texter;
  }

  /** Resolves once the daemon has answered what was sent before, or ended the link. */
  async settle(): Promise<void> {
    const wanted = this.answers + 1;
    this.socket.send(REQUEST);
    await until('a request is answered', () => this.answers >= wanted || this.isClosed);
  }
}

function createOriginals(): string[] {
  const author = new Author();
  const fields = Array.from({ length: 10 }, (_, i) => {
    const { wire } = author.write({ body: `original ${i}`, payload: utf8('{"a":[1,{"b":2}]}') });
    return mesh1Fields(decodeMessage(context, wire) as Message) as string;
  });
  return [
    ...fields.map(encodeMesh1Message),
    encodeSyncResponse('lobby', fields.slice(0, 3)),
    REQUEST,
    '{"type":"subscribe","channel_id":"lobby"}',
    '{"type":"unsubscribe","channel_id":"lobby"}',
    '{"type":"error","code":"unauthorized","message":"no"}',
  ];
}

/** Sends `rounds` texts, most of them damaged, over one link after the other. */
export async function fuzzMesh1(rounds: number, seed: number): Promise<Mesh1FuzzOutcome> {
  const mesh = await MeshProcess.start({ env: { ...LIFTED, ...INSPECTED } });
  const inspector = await Inspector.attach(mesh);
  const originals = createOriginals();
  const random = new Random(utf8(`fuzz mesh/1, seed ${seed}`));
  const outcome = { refused: 0, closed: 0 };
  let texter = await Texter.link(mesh);
  let early = 0;
  for (let sent = 0; sent < rounds; sent += WINDOW) {
    for (let i = 0; i < WINDOW; i++) {
      let text = pick(random, originals);
      for (let k = random.below(4); k > 0; k--) text = damagedText(random, text, pick(random, originals));
      texter.socket.send(text);
    }
    await texter.settle();
    outcome.refused += texter.refused;
    texter.refused = 0;
    if (texter.isClosed) {
      outcome.closed++;
      texter = await Texter.link(mesh);
    }
    if (early === 0 && sent >= rounds / 10) early = await inspector.heap();
  }
  texter.socket.terminate();
  await mesh.hasLinks(0);
  const late = await inspector.heap();
  const stored = (await mesh.read('lobby')).length;
  inspector.close();
  await mesh.stop();
  return { sent: rounds, ...outcome, heap: [early, late], stored };
}
