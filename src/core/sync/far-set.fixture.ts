/** A set of messages at the other end of a link, reconciled by hand: frame by frame, as the test says. */
import type { Bytes } from '../bytes.ts';
import { sha256 } from '../message/message.fixture.ts';
import { tagOf } from '../peer.fixture.ts';
import { MINUTE_END, type Position } from '../persistence.ts';
import type { Remote } from '../remote.fixture.ts';
import type { Frame } from '../wire/frame.ts';
import { decodeMessage, type Range } from './negentropy/codec.ts';
import { initiate, type Progress, proceed, respond, type Scope, STYLE } from './negentropy/reconcile.ts';
import { run, VectorStore } from './negentropy/vector-store.fixture.ts';

type FrameOf<T extends Frame['type']> = Extract<Frame, { type: T }>;
type Asked = FrameOf<'reconcile'>;

/** Any fingerprint that is nobody's. */
export const OTHER_PRINT: Bytes = new Uint8Array(16).fill(1);

function rangesOf(message: Bytes): readonly Range[] {
  const decoded = decodeMessage(message);
  if (!decoded.ok) throw new Error(`sent what is no reconciliation: ${decoded.reason}`);
  return decoded.ranges;
}

export interface FarSetOptions {
  readonly channel?: string;
  readonly floorHour?: number | undefined;
}

export class FarSet {
  readonly remote: Remote;
  readonly tag: string;
  /** from which hour on it is compared: what we say as the initiator, and show as the side that was dialled */
  floorHour: number;
  readonly #store: VectorStore;

  /** @param items what the other end holds of the channel */
  constructor(remote: Remote, items: readonly Position[], options: FarSetOptions = {}) {
    const { channel = 'dev', floorHour = 1 } = options;
    this.remote = remote;
    this.tag = tagOf(channel);
    this.floorHour = floorHour;
    this.#store = new VectorStore(items, { pieces: STYLE.pieces });
  }

  #scope(floorHour: number, untilMinute: number): Scope {
    return { sha256, window: { tag: this.tag, fromMinute: floorHour * 60, untilMinute }, style: STYLE };
  }

  /** Says that the channel is held here. */
  tell(): void {
    const set = [{ tag: this.tag, floorHour: this.floorHour }];
    this.remote.send({ type: 'holds', reset: false, set, unset: [] });
  }

  /** Shows a fingerprint of the channel. */
  show(fingerprint = OTHER_PRINT, untilMinute = MINUTE_END): void {
    const sums = [{ tag: this.tag, floorHour: this.floorHour, fingerprint }];
    this.remote.send({ type: 'sums', untilMinute, sums });
  }

  /** As the initiator: asks. @param changes of the first message */
  ask(number: number, changes: Partial<Asked> = {}): void {
    const { tag, floorHour } = this;
    const untilMinute = MINUTE_END;
    const message = run(initiate(this.#scope(floorHour, untilMinute)), this.#store);
    this.remote.send({ type: 'reconcile', number, untilMinute, tag, floorHour, message, ...changes });
  }

  /** As the initiator: what it makes of an answer. */
  take(answer: FrameOf<'reconciled'> | undefined): Progress {
    if (answer === undefined) throw new Error('nothing was answered');
    return run(proceed(this.#scope(this.floorHour, MINUTE_END), rangesOf(answer.message)), this.#store);
  }

  /** As the responder: answers. @param changes of the answer */
  answer(asked: Asked | undefined, changes: Partial<FrameOf<'reconciled'>> = {}): void {
    if (asked === undefined) throw new Error('nothing was asked');
    const scope = this.#scope(asked.floorHour, asked.untilMinute);
    const message = run(respond(scope, rangesOf(asked.message)), this.#store);
    this.remote.send({ type: 'reconciled', number: asked.number, message, ...changes });
  }

  offer(ids: readonly Bytes[]): void {
    this.remote.send({ type: 'offer', tag: this.tag, ids });
  }
}
