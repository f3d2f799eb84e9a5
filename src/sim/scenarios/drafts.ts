import type { Effect } from '../../core/contract.ts';
import { LIMITS } from '../../core/limits.ts';
import { readEphemeral } from '../../core/message/ephemeral.ts';
import type { Message } from '../../core/message/message.ts';
import type { Host } from '../host.ts';
import type { Observer } from '../observer.ts';
import { delayAt } from '../picture/curve.ts';
import { demand, demandEmptyOutboxes, publishMany, type Scenario } from '../scenario.ts';
import type { World } from '../world.ts';

const CHANNEL = 'dev';
/** agents that write an answer at once, all at the same daemon */
const WRITERS = 3;
/** Each hands over a draft for every word, many more than may leave. */
const WORD_MS = 50;
const WORD = 'word after word ';
/** Messages of the reader A while they write. */
const COUNT = 50;
const EVERY_MS = 200;
const WRITING_MS = COUNT * EVERY_MS;
/** How much later a message may come because of drafts: where there is room, and through narrow links (three of them on
 *  the way, each with half a second of drafts in its queue). */
const WIDE_MORE_MS = 100;
const NARROW_MORE_MS = 1000;
/** 60 kB a second: the drafts of three writers are more than twice that. */
const NARROW_BYTES_PER_MS = 60;

/** What local clients were shown, and how long messages took. */
class Watch implements Observer {
  readonly #world: World;
  readonly ephemerals = new Map<string, Message[]>();
  readonly ends: string[] = [];
  #delays: number[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  effect(host: Host, effect: Effect): void {
    if (effect.kind !== 'ephemeral') return;
    const seen = this.ephemerals.get(host.name) ?? [];
    this.ephemerals.set(host.name, seen);
    seen.push(effect.message.message);
  }

  event(...[host, event]: Parameters<Required<Observer>['event']>): void {
    if (event.kind === 'link-closed') this.ends.push(`${host.name}: ${event.reason}`);
  }

  shown(...[host, channel, row]: Parameters<Required<Observer>['shown']>): void {
    const publication = this.#world.registry.byId(row.message.message.idText);
    if (channel === '' || publication === undefined || publication.host === host) return;
    this.#delays.push(this.#world.nowMs - publication.askedMs);
  }

  /** The delay of all but one in a hundred since the last call. */
  takeDelayMs(): number {
    const sorted = this.#delays.toSorted((a, b) => a - b);
    this.#delays = [];
    return delayAt(sorted, 0.99);
  }
}

/** Every writer writes an answer, growing word by word, while A sends its messages. @returns what each has written */
function writeAll(world: World, round: number): string[] {
  const texts = Array.from({ length: WRITERS }, (_, n) => `writer ${n} in round ${round}: `);
  const run = (n: number) => 10 * round + n;
  const endMs = world.nowMs + WRITING_MS;
  for (const n of texts.keys()) {
    const next = () => {
      const isOver = world.nowMs >= endMs;
      texts[n] += WORD.repeat(3);
      world.say(
        'W',
        CHANNEL,
        { kind: 'draft', text: texts[n] ?? '', state: isOver ? 'ended' : 'open' },
        run(n),
        n,
      );
      if (!isOver) world.network.schedule.after(WORD_MS, next);
    };
    world.network.schedule.after(n, next);
  }
  publishMany(world, { name: 'A', channel: CHANNEL, count: COUNT, everyMs: EVERY_MS });
  world.run(LIMITS.ephemeralWaitMs);
  return texts;
}

/** Each reader has the whole text of each writer, and no author was shown more often than it may. */
function demandShown(world: World, watch: Watch, texts: readonly string[]): void {
  for (const name of ['A', 'B', 'C', 'W']) {
    const seen = watch.ephemerals.get(name) ?? [];
    for (const [n, text] of texts.entries()) {
      const author = world.host('W').options.identityKeys[n]?.publicKey;
      const own = seen.filter((message) => message.author.every((byte, i) => byte === author?.[i]));
      const last = own.map(readEphemeral).at(-1);
      demand(world, last?.state === 'ended' && last.text === text, `${name} has not the end of writer ${n}`, [
        name,
      ]);
      const most = (LIMITS.ephemeralPerSecond * WRITING_MS) / 1000 + LIMITS.ephemeralBurst;
      demand(world, own.length <= most, `${name} was shown ${own.length} drafts of writer ${n}, not ${most}`);
      demand(world, own.length > 2, `${name} was shown ${own.length} drafts of writer ${n} only`, [name]);
    }
  }
  demand(world, !watch.ephemerals.has('N'), 'N is shown drafts of a channel that it has not joined');
  watch.ephemerals.clear();
}

function addPeers(world: World): void {
  world.add('R1');
  world.add('R2', { fixed: ['R1'] });
  world.add('R3', { fixed: ['R2'] });
  world.add('W', { fixed: ['R1'], joined: [CHANNEL], identities: WRITERS });
  world.add('A', { fixed: ['R1'], joined: [CHANNEL] });
  world.add('B', { fixed: ['R2'], joined: [CHANNEL] });
  world.add('C', { fixed: ['R3'], joined: [CHANNEL] });
  world.add('N', { fixed: ['R3'], joined: ['elsewhere'] });
  world.restrict(['R1', 'R2'], ['R2', 'R3'], ['W', 'R1'], ['A', 'R1'], ['B', 'R2'], ['C', 'R3'], ['N', 'R3']);
  for (const name of ['R1', 'R2', 'R3', 'W', 'A', 'B', 'C', 'N']) world.start(name);
}

export const drafts: Scenario = {
  name: 'drafts',
  about:
    'agents write answers word by word: all readers see them live, nobody stores them, no message waits for them',
  peers: 8,
  run(world) {
    // Slow commits would be most of what the slowest messages wait for, and chance decides which of them meet one.
    world.network.profile = { ...world.network.profile, commitSlowShare: 0 };
    addPeers(world);
    world.run(20_000);
    const watch = new Watch(world);
    world.network.observers.push(watch);
    publishMany(world, { name: 'A', channel: CHANNEL, count: COUNT, everyMs: EVERY_MS });
    const aloneMs = watch.takeDelayMs();
    demandShown(world, watch, writeAllAndDemand(world, watch, 1, aloneMs + WIDE_MORE_MS));
    // The same where the links are too narrow for all drafts: what is old gives way, what counts arrives.
    const wide = world.network.profile;
    world.network.profile = { ...wide, bytesPerMs: NARROW_BYTES_PER_MS };
    demandShown(world, watch, writeAllAndDemand(world, watch, 2, aloneMs + NARROW_MORE_MS));
    world.network.profile = wide;
    world.converge(20_000);
    demandEmptyOutboxes(world, 60_000);
    demand(world, watch.ends.length === 0, `links ended: ${watch.ends.slice(0, 5).join('; ')}`);
  },
};

function writeAllAndDemand(world: World, watch: Watch, round: number, mostMs: number): string[] {
  const texts = writeAll(world, round);
  const delayMs = watch.takeDelayMs();
  demand(
    world,
    delayMs <= mostMs,
    `messages took ${Math.round(delayMs)} ms (99%), at most ${Math.round(mostMs)} may be`,
  );
  return texts;
}
