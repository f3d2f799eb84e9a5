/**
 * Shows in an item's channel that the agent is at work on it: when its turn begins, again before that is forgotten, and when
 * it is over. Nobody needs it: what cannot be said is not said, and nothing waits for it.
 */
import { randomBytes } from 'node:crypto';
import type { InboxItemJson } from '../../api/client/agent-types.ts';
import type { RunState } from '../../api/client/ephemeral-types.ts';
import type { Desk } from './desk.ts';
import { BRIDGE_LIMITS } from './names.ts';

export interface TypingOptions {
  readonly desk: Pick<Desk, 'show'>;
  /** calls again and again; @returns what ends that */
  readonly repeat?: (ms: number, run: () => void) => () => void;
}

function everyMs(ms: number, run: () => void): () => void {
  const handle = setInterval(run, ms);
  handle.unref();
  return () => clearInterval(handle);
}

export class Typing {
  readonly #desk: Pick<Desk, 'show'>;
  readonly #repeat: (ms: number, run: () => void) => () => void;
  /** what ends it, by number of the item */
  readonly #shown = new Map<number, () => void>();

  constructor({ desk, repeat = everyMs }: TypingOptions) {
    this.#desk = desk;
    this.#repeat = repeat;
  }

  /** A turn has begun for the item. Said twice it is said once. */
  begin(item: InboxItemJson): void {
    if (this.#shown.has(item.number)) return;
    const run = randomBytes(32).toString('base64url');
    const say = (state: RunState): void => {
      const { channel, id } = item.message;
      const activity = { channel, run, state, kind: 'activity', doing: 'typing', reply: id } as const;
      this.#desk.show(activity).catch(() => undefined);
    };
    const { typingMs, turnMs } = BRIDGE_LIMITS;
    let left = Math.floor(turnMs / typingMs);
    const stop = this.#repeat(typingMs, () => {
      left -= 1;
      if (left > 0) say('open');
      else this.end(item);
    });
    this.#shown.set(item.number, () => {
      stop();
      say('ended');
    });
    say('open');
  }

  /** The turn is over, however it ended. */
  end(item: InboxItemJson): void {
    const end = this.#shown.get(item.number);
    this.#shown.delete(item.number);
    end?.();
  }
}
