/**
 * What set reconciliation costs: bytes of its messages in both directions, messages and queries, for two stores with 10,000
 * messages of which one side lacks some. The announcement of what only the initiator has is counted with 32 bytes an id.
 *
 * Run: node tools/measure-reconcile.ts [pieces initiator responder]...   (list thresholds of the two sides)
 */
import type { Query, QueryAnswer } from '../src/core/persistence.ts';
import { Random } from '../src/core/random.ts';
import { decodeMessage, type Range } from '../src/core/sync/negentropy/codec.ts';
import {
  initiate,
  type Progress,
  proceed,
  respond,
  STYLE,
  type Style,
} from '../src/core/sync/negentropy/reconcile.ts';
import { play, type Steps } from '../src/core/sync/negentropy/store-steps.ts';
import { createMemoryStore } from '../src/store/memory.ts';
import {
  createAuthor,
  NETWORK,
  received,
  sha256,
  tagOf,
  unsignedMessage,
  WALL_MS,
} from '../src/store/testing/messages.ts';

type Ask = (query: Query) => QueryAnswer;

const COUNT = 10_000;
const author = createAuthor(1);

/** Messages at even distances, some at the same time. @param perMinute of them */
function makeMessages(perMinute: number) {
  return Array.from({ length: COUNT }, (_, nonce) => {
    const minute = Math.floor(nonce / perMinute);
    const timeMs = WALL_MS + minute * 60_000 + Math.floor(((nonce % perMinute) * 60_000) / perMinute);
    return unsignedMessage(author, { time: { timeMs }, nonce });
  });
}

type Messages = ReturnType<typeof makeMessages>;

function storeOf(messages: Messages): Ask {
  const store = createMemoryStore({ network: NETWORK, sha256 });
  store.transact([messages.map((message) => received(message))]);
  return (query) => store.read(query);
}

/** Which messages one side lacks, by number. */
function scattered(count: number): Set<number> {
  const random = new Random(sha256(new Uint8Array([count & 255, count >> 8])));
  const out = new Set<number>();
  while (out.size < count) out.add(random.below(COUNT));
  return out;
}

function rangesOf(bytes: Uint8Array): readonly Range[] {
  const decoded = decodeMessage(bytes);
  if (!decoded.ok) throw new Error(decoded.reason);
  return decoded.ranges;
}

interface Cost {
  bytes: number;
  announced: number;
  messages: number;
  queries: number;
}

function reconcile(initiator: Ask, responder: Ask, style: Style): Cost & { found: number } {
  const window = { tag: tagOf('dev'), fromMinute: 0, untilMinute: 2 ** 42 };
  const scope = { sha256, window, style };
  const cost = { bytes: 0, announced: 0, messages: 0, queries: 0 };
  const run = <T>(steps: Steps<T>, ask: Ask): T => {
    let result: T | undefined;
    const read = (query: Query, then: (answer: QueryAnswer) => void): void => {
      cost.queries++;
      then(ask(query));
    };
    play(steps, read, (value) => {
      result = value;
    });
    return result as T;
  };
  const found = new Set<string>();
  for (let message: Uint8Array | undefined = run(initiate(scope), initiator); message; ) {
    const back: Uint8Array = run(respond(scope, rangesOf(message)), responder);
    cost.bytes += message.length + back.length;
    cost.messages += 2;
    if (cost.messages > 1000) throw new Error('it does not end');
    const progress: Progress = run(proceed(scope, rangesOf(back)), initiator);
    cost.announced += 32 * progress.have.length;
    for (const id of [...progress.have, ...progress.need]) found.add(id.join());
    message = progress.message;
  }
  return { ...cost, found: found.size };
}

const numbers = process.argv.slice(2).map(Number);
const styles: Style[] = [];
for (let i = 0; i + 2 < numbers.length; i += 3) {
  const [pieces = 16, initiator = 32, responder = 32] = numbers.slice(i, i + 3);
  styles.push({ ...STYLE, pieces, listBelow: { initiator, responder } });
}
if (styles.length === 0) styles.push(STYLE);

const kilobytes = (bytes: number): string => (bytes / 1000).toFixed(2).padStart(8);

for (const [name, perMinute] of [
  ['10 a minute', 10],
  ['all in one hour', COUNT / 60],
] as const) {
  const messages = makeMessages(perMinute);
  const full = storeOf(messages);
  const lacking = [0, 10, 100, 1000].map((count) => [`${count} scattered`, scattered(count)] as const);
  const newest = new Set(Array.from({ length: 1000 }, (_, i) => COUNT - 1000 + i));
  const cases = [...lacking, ['1000 newest', newest] as const].map(([what, missing]) => {
    const one = storeOf(messages.filter((_, i) => !missing.has(i)));
    return { what, missing, one };
  });
  for (const style of styles) {
    const { pieces, listBelow } = style;
    console.log(`\n${name}: ${pieces} pieces, lists below ${listBelow.initiator} and ${listBelow.responder}`);
    console.log(
      'lacking            initiator lacks them   responder lacks them  (kB, with announcement, messages, queries)',
    );
    for (const { what, missing, one } of cases) {
      const columns = [
        [one, full],
        [full, one],
      ].map(([initiator, responder]) => {
        const cost = reconcile(initiator as Ask, responder as Ask, style);
        if (cost.found !== missing.size) throw new Error(`${what}: found ${cost.found} of ${missing.size}`);
        return `${kilobytes(cost.bytes)}${kilobytes(cost.bytes + cost.announced)} ${String(cost.messages).padStart(3)} ${String(cost.queries).padStart(4)}`;
      });
      console.log(`${what.padEnd(16)} ${columns.join('   ')}`);
    }
  }
}
