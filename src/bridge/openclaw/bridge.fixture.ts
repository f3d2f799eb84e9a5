/** An item of the inbox as tests need it, and time that only moves when a test lets it. */
import type {
  AckedJson,
  AckJson,
  AnsweredJson,
  AnswerJson,
  InboxItemJson,
} from '../../api/client/agent-types.ts';
import type { PublishEphemeralJson, TakenJson } from '../../api/client/ephemeral-types.ts';
import { MeshError } from '../../core/errors.ts';
import type { Desk } from './desk.ts';
import type { Pace } from './retry.ts';

export const FRIEND = `${'B'.repeat(42)}E`;
export const ME = `${'A'.repeat(42)}E`;

export interface ItemFields {
  readonly attempt?: number;
  readonly handover?: string;
  readonly channel?: string;
  readonly body?: string;
  readonly hops?: number;
  readonly name?: string | null;
}

export function makeItem(number: number, fields: ItemFields = {}): InboxItemJson {
  const { attempt = 1, channel = 'lobby', body = 'hello', hops = 0, name = 'fred' } = fields;
  const id = `message-${number}`;
  return {
    number,
    handover: fields.handover ?? id,
    attempt,
    identity: ME,
    why: 'mention',
    hops,
    from: { identity: FRIEND, name },
    thread: null,
    message: {
      id,
      arrival: number,
      channel,
      author: FRIEND,
      time: '2026-11-20T12:00:00.000Z',
      counter: 0,
      body,
      payload: null,
      refs: [],
      expires: null,
      own: false,
      delivery: null,
    },
  };
}

/** Waits pass at once and are counted. */
export class TestPace implements Pace {
  waitedMs = 0;
  waits = 0;
  /** runs before each wait */
  onWait: () => void = () => undefined;

  nowMs = (): number => this.waitedMs;
  random = (): number => 0.5;

  wait = async (ms: number): Promise<void> => {
    this.onWait();
    this.waits += 1;
    this.waitedMs += ms;
  };
}

/** A daemon that keeps what it is told, publishes each part once, and may be away. */
export class TestDesk implements Pick<Desk, 'answer' | 'acknowledge' | 'show'> {
  readonly published: AnswerJson[] = [];
  readonly acks: AckJson[] = [];
  readonly shown: PublishEphemeralJson[] = [];
  /** calls that fail because nobody answers */
  away = 0;

  #call(): void {
    if (this.away === 0) return;
    this.away -= 1;
    throw new MeshError('no_daemon');
  }

  async answer(answer: AnswerJson): Promise<AnsweredJson> {
    this.#call();
    const key = (other: AnswerJson): string => `${other.number} ${other.part} ${other.notice === true}`;
    const isNew = !this.published.some((other) => key(other) === key(answer));
    if (isNew) this.published.push(answer);
    return { id: `answer ${key(answer)}`, state: 'queued', isNew };
  }

  /** Fails while the daemon is away, and is none of the calls that `away` counts. */
  async show(ephemeral: PublishEphemeralJson): Promise<TakenJson> {
    if (this.away > 0) throw new MeshError('no_daemon');
    this.shown.push(ephemeral);
    return { channel: ephemeral.channel, run: ephemeral.run ?? '' };
  }

  async acknowledge(ack: AckJson): Promise<AckedJson> {
    this.#call();
    this.acks.push(ack);
    return { number: ack.number, state: 'answered' };
  }
}
