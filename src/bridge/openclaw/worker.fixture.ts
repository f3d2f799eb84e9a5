/** A worker over a daemon and a runtime that do what a test says. */
import { expect, vi } from 'vitest';
import type { InboxItemJson } from '../../api/client/agent-types.ts';
import { TestDesk, TestPace } from './bridge.fixture.ts';
import type { Desk } from './desk.ts';
import type { DeliveredPayload } from './payload.ts';
import { type HandedOver, type HandOverHooks, InboxWorker } from './worker.ts';

export const ended: HandedOver = { admitted: true, isQueued: false, silent: false, failed: false };
export const final = (text: string): DeliveredPayload => ({ text, isTerminal: true, isToolWarning: false });

export type Turn = (hooks: HandOverHooks, item: InboxItemJson) => Promise<HandedOver>;

/** A turn that says these texts, one after the other. */
export const answering =
  (...texts: string[]): Turn =>
  async (hooks) => {
    hooks.begin();
    for (const text of texts) await hooks.deliver(final(text), 'final');
    return ended;
  };

export class WorkerBench {
  readonly desk = new TestDesk();
  readonly pace = new TestPace();
  readonly ending = new AbortController();
  /** what the next items come to */
  readonly turns: Turn[] = [];
  /** names under which the runtime was given items */
  readonly handed: string[] = [];
  busy: () => boolean = () => false;
  sessionOf: (item: InboxItemJson) => string = (item) => item.message.channel;
  /** how often the daemon was asked to hand over again */
  reattached = 0;
  readonly worker = new InboxWorker({
    desk: this.desk as unknown as Desk,
    runtime: {
      sessionOf: (item) => this.sessionOf(item),
      handOver: async (item, hooks) => {
        this.handed.push(item.handover);
        const turn = this.turns.shift() ?? (async () => ended);
        return turn(hooks, item);
      },
      isBusy: () => this.busy(),
    },
    signal: this.ending.signal,
    reattach: () => {
      this.reattached += 1;
    },
    pace: this.pace,
    log: { info: () => undefined, warn: () => undefined },
    textLimit: 1000,
    split: (text, charsMax) => text.match(new RegExp(`[^]{1,${charsMax}}`, 'g')) ?? [],
  });

  /** The acknowledgements, once there are so many. */
  async acks(count: number): Promise<string[]> {
    await vi.waitFor(() => expect(this.desk.acks.length).toBeGreaterThanOrEqual(count));
    return this.desk.acks.map(({ number, attempt, outcome }) => `${number}/${attempt} ${outcome}`);
  }
}
