/** A long run at full speed: whether anything that a message leaves behind stays. */
import { meshWith } from './mesh.ts';
import { Load, prepareAll, Tally } from './relay.ts';
import type { Running } from './system.ts';

/** By then all that is remembered for a while (65,536 seen messages) and the store are as full as they become. */
export const MARK = 100_000;
/** Messages that are made at a time, while the relay waits. */
const PIECE = 20_000;
/** So that the store is full at the mark: with the default of 64 MB it is after half as many again. */
export const FLAT_OPTIONS = { MESH_CARRY_BYTES: '16MiB' } as const;

export type FlatFigures = {
  /** MiB after forced collections: heap and what its objects hold, and the resident set */
  readonly heapAtMark: number;
  readonly heapAtEnd: number;
  readonly residentAtMark: number;
  readonly residentAtEnd: number;
};

async function measure(running: Running, messages: number): Promise<FlatFigures> {
  const tally = new Tally(1, messages);
  await running.subscriber(0, (seq) => tally.arrived(0, seq));
  const publisher = await running.publisher(0);
  const load = new Load([], publisher, tally);
  const memory = async () => {
    const answer = await running.ask?.('memory');
    if (answer === undefined) throw new Error('the system cannot be asked for its memory');
    return { heap: answer.heap / 2 ** 20, resident: answer.resident / 2 ** 20 };
  };
  const runTo = async (end: number) => {
    while (load.sent < end) {
      const next = Math.min(load.sent + PIECE, end);
      load.supply(await prepareAll(running, next - load.sent, load.sent));
      await load.run(next);
    }
    return memory();
  };
  const [mark, end] = [await runTo(MARK), await runTo(messages)];
  return {
    heapAtMark: mark.heap,
    heapAtEnd: end.heap,
    residentAtMark: mark.resident,
    residentAtEnd: end.resident,
  };
}

/** One run with a fresh daemon. */
export async function measureFlat(messages: number): Promise<FlatFigures> {
  const running = await meshWith({ env: FLAT_OPTIONS }).start();
  try {
    return await measure(running, messages);
  } finally {
    await running.stop();
  }
}
