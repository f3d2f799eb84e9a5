/** People who write now and then: mostly where they listen, in messages of all sizes. */
import type { Random } from '../core/random.ts';
import type { World } from './world.ts';

export interface Talk {
  readonly channels: readonly string[];
  /** channels of each peer by its name */
  readonly interests: ReadonlyMap<string, readonly string[]>;
  readonly durationMs: number;
  /** from one message to the next, over all peers, at most */
  readonly everyMs: number;
  /** share of messages into any of the channels, listened to or not; a tenth without it */
  readonly strayShare?: number;
  /** peers that write; all that are up without it */
  readonly names?: readonly string[];
}

/** Lets peers that are up publish, from now on until the time is over. */
export function startTalk(world: World, random: Random, talk: Talk): void {
  const endMs = world.nowMs + talk.durationMs;
  const pick = <T>(items: readonly T[]): T => items[random.below(items.length)] as T;
  let count = 0;
  const next = () => {
    if (world.nowMs >= endMs) return;
    const up = world.up().filter(({ name }) => talk.names?.includes(name) ?? true);
    if (up.length > 0) {
      const { name } = pick(up);
      const own = talk.interests.get(name) ?? talk.channels;
      const channel = random.unit() < 1 - (talk.strayShare ?? 0.1) ? pick(own) : pick(talk.channels);
      // Bodies of all sizes up to a few kilobytes, as people write.
      const length = random.unit() < 0.1 ? random.below(8000) : random.below(300);
      world.publish(name, channel, `${++count} ${'x'.repeat(length)}`);
    }
    world.network.schedule.after(random.below(talk.everyMs), next);
  };
  next();
}
