/**
 * Damaged frames against a running daemon whose bans and rates are lifted, so that all of them reach what lies behind the
 * decoder. Originals are frames of each type with the channel that the daemon holds, and genuine messages.
 */
import fc from 'fast-check';
import { utf8 } from '../../core/bytes.ts';
import { Random } from '../../core/random.ts';
import { damaged } from '../../core/wire/damage.fixture.ts';
import { anyFrame, FRAME_TYPES } from '../../core/wire/frames.fixture.ts';
import { encodeFrame, type Frame } from '../../core/wire/frames.ts';
import { Author, fetchedOf, pushOf } from './author.ts';
import { INSPECTED, Inspector } from './inspector.ts';
import { MeshProcess } from './mesh-process.ts';
import { RawPeer } from './raw-peer.ts';
import { until } from './wait.ts';

export const LIFTED = {
  MESH_BAN_THRESHOLD: '0',
  MESH_RATE_LEAF: '0',
  MESH_RATE_RELAY: '0',
  MESH_RATE_AUTHOR: '0',
  MESH_RATE_COMMON: '0',
  // A line of the log for each offence would cost this process more than the daemon.
  MESH_LOG_LEVEL: 'error',
  ...INSPECTED,
};
/** Frames on their way at once. */
const WINDOW = 250;
/** Small enough that damage hits what matters. */
const BYTES_MAX = 2000;

export interface FuzzOutcome {
  readonly sent: number;
  /** frames that were answered with an error */
  readonly refused: number;
  /** links that were closed for a frame; a new one went on each time */
  readonly closed: number;
  /** bytes in use after a forced collection, at one tenth and at the end */
  readonly heap: readonly [number, number];
  /** whether an honest link beside it still stores */
  readonly isAlive: boolean;
}

function createOriginals(seed: number): Uint8Array[] {
  const author = new Author();
  const messages = Array.from({ length: 20 }, (_, i) => author.write({ body: `original ${i}` }).wire);
  const frames = FRAME_TYPES.filter((type) => type !== 'auth').flatMap((type) =>
    fc.sample(anyFrame[type] as fc.Arbitrary<Frame>, { numRuns: 8, seed }).map(encodeFrame),
  );
  const pushes = messages.map((wire) => pushOf([wire]));
  return [...frames, ...pushes, fetchedOf(messages.slice(0, 3))].filter(({ length }) => length < BYTES_MAX);
}

/** Keys and times of genuine messages differ in each run, so the seed alone repeats nothing: the frames do. */
function failureText(sent: number, seed: number, window: readonly Uint8Array[]): string {
  const frames = window.map((bytes) => Buffer.from(bytes).toString('hex')).join('\n');
  return `seed ${seed}, no answer to the frames from ${sent} on:\n${frames}`;
}

/** Sends `rounds` frames, most of them damaged, over one link after the other. */
export async function fuzzDaemon(rounds: number, seed: number): Promise<FuzzOutcome> {
  const mesh = await MeshProcess.start({ env: LIFTED });
  const inspector = await Inspector.attach(mesh);
  const honest = await RawPeer.link(mesh);
  const originals = createOriginals(seed);
  const random = new Random(utf8(`fuzz a daemon, seed ${seed}`));
  let peer = await RawPeer.link(mesh);
  let closed = 0;
  let early = 0;
  let refused = 0;
  for (let sent = 0; sent < rounds; sent += WINDOW) {
    const window = Array.from({ length: WINDOW }, () => damaged(random, originals, () => random.below(4)));
    const answered = peer;
    for (const bytes of window) peer.send(bytes);
    try {
      await peer.settle();
    } catch (error) {
      // A frame may end its link. A link that is open and does not answer is stuck, and a daemon that died is dead.
      if (peer.closed === undefined) throw new Error(failureText(sent, seed, window), { cause: error });
      closed += 1;
      peer = await RawPeer.link(mesh);
    }
    refused += answered.errors.length;
    answered.frames.length = 0;
    honest.frames.length = 0;
    if (early === 0 && sent >= rounds / 10) early = await inspector.heap();
  }
  peer.close();
  await until('the link is gone', async () => (await mesh.linked()).length === 1);
  const late = await inspector.heap();
  const { idText, wire } = new Author().write({ body: 'after all that' });
  honest.send(pushOf([wire]));
  const isAlive = await until('the honest link still works', () => honest.stored.has(idText));
  inspector.close();
  await mesh.stop();
  return { sent: rounds, refused, closed, heap: [early, late], isAlive };
}
