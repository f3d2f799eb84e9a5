/**
 * Ephemerals of local identities: from a client's command to a signed message. A client may hand over a draft for every
 * word; of one run only the newest waits, and as many are signed as others take of this author.
 */
import { idFromText, toBase64url, utf8 } from '../bytes.ts';
import { channelKind } from '../channel/channel.ts';
import type { Context } from '../context.ts';
import type { EphemeralCommand, Reply, RequestId } from '../contract.ts';
import { EPHEMERAL_TEXT_MAX, LIMITS } from '../limits.ts';
import { ephemeralParts, isEphemeralMessage } from '../message/ephemeral.ts';
import {
  buildMessage,
  encodeSignedBytes,
  type Message,
  type MessageFields,
  messageId,
  NO_PREV,
  RELATION,
  signingInput,
} from '../message/message.ts';
import { nextTime, TIME_ZERO, type Time } from '../message/time.ts';
import { signatureCheck, VerifiedMessage } from '../message/verified.ts';
import { TokenBuckets } from '../token-buckets.ts';

/** What one author may send: the rate of the relays, half of their burst, because several pass through one bucket each. */
const RATE = { perSecond: LIMITS.ephemeralPerSecond, burst: LIMITS.ephemeralBurst / 2 };

export class EphemeralSource {
  readonly #ctx: Context;
  readonly #published: (message: VerifiedMessage) => void;
  readonly #identities = new Set<string>();
  readonly #buckets = new TokenBuckets<string>(LIMITS.ephemeralAuthorsMax);
  /** by run, in the order in which the runs came */
  readonly #waiting = new Map<string, EphemeralCommand>();
  /** one clock for all of them: a later one has a later time, whatever it belongs to */
  #time: Time = TIME_ZERO;

  /** @param published told of each that is signed and may leave */
  constructor(ctx: Context, published: (message: VerifiedMessage) => void) {
    this.#ctx = ctx;
    this.#published = published;
  }

  restore(identities: readonly string[]): void {
    for (const identity of identities) this.#identities.add(identity);
  }

  /** Answers at once: nobody hears what becomes of an ephemeral. */
  take(request: RequestId, command: EphemeralCommand): void {
    const reply = this.#refusal(command) ?? { kind: 'taken' };
    if (reply.kind === 'taken') {
      this.#waiting.set(keyOf(command), command);
      this.pump();
    }
    this.#ctx.emit({ kind: 'reply', request, reply });
  }

  #refusal(command: EphemeralCommand): Reply | undefined {
    const failed = (code: Extract<Reply, { kind: 'failed' }>['code'], detail = ''): Reply => {
      return { kind: 'failed', code, detail };
    };
    if (!this.#identities.has(command.identity)) return failed('not_found', 'no such identity here');
    if (channelKind(command.channel) !== 'open') return failed('bad_channel');
    if (!command.content.text.isWellFormed()) return failed('bad_text');
    if (command.refs.length >= LIMITS.refsMax)
      return failed('bad_request', `at most ${LIMITS.refsMax - 1} refs`);
    if (utf8(command.content.text).length > EPHEMERAL_TEXT_MAX)
      return failed('message_too_large', `at most ${EPHEMERAL_TEXT_MAX} bytes of text`);
    if (this.#waiting.size >= LIMITS.ephemeralWaitingMax && !this.#waiting.has(keyOf(command)))
      return failed('too_many_requests', `${this.#waiting.size} runs wait already`);
    return undefined;
  }

  /** Signs what the rates of the authors allow. */
  pump(): void {
    const now = this.#ctx.now.monotonicMs;
    for (const [key, command] of this.#waiting) {
      if (this.#buckets.take(command.identity, RATE, now) === 0) continue;
      this.#waiting.delete(key);
      this.#sign(command);
    }
    if (this.#waiting.size > 0) this.#ctx.arm('ephemeral-own', 1000 / LIMITS.ephemeralPerSecond);
  }

  #sign({ identity, channel, run, refs, content }: EphemeralCommand): void {
    this.#time = nextTime(Math.floor(this.#ctx.now.wallMs), this.#time, TIME_ZERO);
    const { kind, body, payload } = ephemeralParts(content);
    const fields: MessageFields = {
      kind,
      author: idFromText(identity) as Uint8Array,
      channel,
      time: this.#time,
      prev: NO_PREV,
      refs: [{ relation: RELATION.run, id: run }, ...refs],
      expiresMs: this.#time.timeMs + LIMITS.ephemeralMs,
      nonce: 0,
      body,
      payload,
    };
    const bytes = encodeSignedBytes(this.#ctx.messages, fields);
    const data = signingInput(this.#ctx.messages, messageId(this.#ctx.messages, bytes));
    this.#ctx.sign([{ key: identity, data }], ([signature]) => {
      if (!signature) return;
      const message = buildMessage(this.#ctx.messages, { bytes, signature, body, payload });
      if (isEphemeralMessage(message)) this.#verify(message);
    });
  }

  /** Own signatures are checked like anybody's. */
  #verify(message: Message): void {
    this.#ctx.verify([signatureCheck(this.#ctx.messages, message)], ([proof]) => {
      const verified = proof && VerifiedMessage.fromVerification(this.#ctx.messages, message, proof);
      if (verified) this.#published(verified);
    });
  }

  tick(): void {
    this.#buckets.tick(RATE, this.#ctx.now.monotonicMs);
  }

  get waiting(): number {
    return this.#waiting.size;
  }
}

function keyOf({ identity, channel, run, content }: EphemeralCommand): string {
  return `${content.kind} ${identity} ${toBase64url(run)} ${channel}`;
}
