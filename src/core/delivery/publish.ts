/**
 * Publishing: from a client's command to a durable, signed message.
 *
 * Invariants:
 * 1. A message leaves this peer, and its command is answered, only once it is durable.
 * 2. An idempotency key names one message for ever: the same request gets the same id, a different one is refused.
 * 3. Messages of one identity in one channel are chained in the order of their commands.
 */

import { concat, equal, idFromText, utf8 } from '../bytes.ts';
import { channelKind } from '../channel/channel.ts';
import type { Context } from '../context.ts';
import type { PublishCommand, Reply, RequestId } from '../contract.ts';
import type { ErrorCode } from '../errors.ts';
import type { CarryOp } from '../interest/kept.ts';
import { LIMITS } from '../limits.ts';
import { AMENDS, amendsOf } from '../message/amend.ts';
import {
  buildMessage,
  encodeSignedBytes,
  isEphemeral,
  isExpired,
  MESSAGE_KIND,
  messageId,
  signingInput,
} from '../message/message.ts';
import { signatureCheck, VerifiedMessage } from '../message/verified.ts';
import type { Footprint } from '../peer-types.ts';
import type { PersistOp } from '../persistence.ts';
import { CborWriter } from '../wire/cbor.ts';
import type { Clocks } from './clocks.ts';

export interface PublishHost {
  /** whether there is no room for more */
  readonly isFull: () => boolean;
  readonly carry: (tag: string, timeMs: number) => CarryOp | undefined;
  /** that is on the disk */
  readonly noted: (op: CarryOp) => void;
  /** durable: it may leave */
  readonly published: (message: VerifiedMessage, tag: string) => void;
}

interface Waiting {
  readonly fingerprint: Uint8Array;
  readonly requests: RequestId[];
}

/** A command's place in the order of its channel; `go` is set once its key has been looked up. */
interface Turn {
  go: (() => void) | undefined;
}

export class Publisher {
  readonly #ctx: Context;
  readonly #clocks: Clocks;
  readonly #host: PublishHost;
  readonly #identities = new Set<string>();
  /** commands under way by identity and idempotency key */
  readonly #keyed = new Map<string, Waiting>();
  /** by identity and channel: commands from the first one on whose key is being looked up */
  readonly #turns = new Map<string, Turn[]>();
  #underWay = 0;

  constructor(ctx: Context, clocks: Clocks, host: PublishHost) {
    this.#ctx = ctx;
    this.#clocks = clocks;
    this.#host = host;
  }

  restore(identities: readonly string[]): void {
    for (const identity of identities) this.#identities.add(identity);
  }

  #reply(request: RequestId, reply: Reply): void {
    this.#ctx.emit({ kind: 'reply', request, reply });
  }

  #fail(request: RequestId, code: ErrorCode, detail = ''): void {
    this.#reply(request, { kind: 'failed', code, detail });
  }

  footprint(): Footprint {
    return { publishes: { size: this.#underWay, max: LIMITS.publishesMax } };
  }

  publish(request: RequestId, command: PublishCommand): void {
    const problem = this.#check(command);
    if (problem) return this.#fail(request, problem.code, problem.detail);
    if (this.#underWay >= LIMITS.publishesMax) return this.#fail(request, 'too_many_requests');
    const fingerprint = this.#fingerprint(command);
    if (command.idempotencyKey === '') {
      if (this.#host.isFull()) return this.#reply(request, full);
      this.#underWay++;
      const create = (): void => this.#create(command, fingerprint, [request]);
      const line = this.#turns.get(lineOf(command));
      if (!line) return create();
      line.push({ go: create });
      return;
    }
    const key = `${command.identity} ${command.idempotencyKey}`;
    const waiting = this.#keyed.get(key);
    if (waiting) {
      const same = equal(waiting.fingerprint, fingerprint);
      if (same) waiting.requests.push(request);
      else this.#reply(request, conflict);
      return;
    }
    const requests = [request];
    this.#keyed.set(key, { fingerprint, requests });
    this.#underWay++;
    const go = this.#getInLine(command);
    this.#ctx.read(
      { kind: 'idempotency', identity: command.identity, key: command.idempotencyKey },
      ({ found }) => {
        if (!found && this.#host.isFull()) return go(() => this.#done(command, requests, full));
        if (!found) return go(() => this.#create(command, fingerprint, requests));
        const same = equal(found.fingerprint, fingerprint);
        const reply: Reply = same ? { kind: 'published', id: found.id, isNew: false } : conflict;
        go(() => this.#done(command, requests, reply));
      },
      () => go(() => this.#done(command, requests, { kind: 'failed', code: 'store_failed', detail: '' })),
    );
  }

  /** Takes the next place of the channel. @returns what to call with what is to be done once its turn has come */
  #getInLine(command: PublishCommand): (run: () => void) => void {
    const key = lineOf(command);
    const line = this.#turns.get(key) ?? [];
    this.#turns.set(key, line);
    const turn: Turn = { go: undefined };
    line.push(turn);
    return (run) => {
      turn.go = run;
      for (let first = line[0]; first?.go; first = line[0]) {
        line.shift();
        first.go();
      }
      if (line.length === 0) this.#turns.delete(key);
    };
  }

  #check(command: PublishCommand): { code: ErrorCode; detail: string } | undefined {
    if (!this.#identities.has(command.identity))
      return { code: 'not_found', detail: 'no such identity here' };
    if (!isPublishable(command)) return { code: 'bad_channel', detail: '' };
    if (!command.body.isWellFormed()) return { code: 'bad_text', detail: '' };
    if (command.refs.length > LIMITS.refsMax)
      return { code: 'bad_request', detail: `at most ${LIMITS.refsMax} refs` };
    if (utf8(command.idempotencyKey).length > LIMITS.idempotencyKeyBytesMax)
      return { code: 'bad_request', detail: `idempotency key over ${LIMITS.idempotencyKeyBytesMax} bytes` };
    if (utf8(command.body).length + command.payload.length > LIMITS.messageBytesMax - 1024)
      return { code: 'message_too_large', detail: '' };
    if (isExpired(command.expiresMs, this.#ctx.now.wallMs))
      return { code: 'bad_request', detail: 'expires lies in the past' };
    return undefined;
  }

  /** SHA-256 over what the client asked for. */
  #fingerprint(command: PublishCommand): Uint8Array {
    const { kind } = command;
    const w = new CborWriter()
      .array(kind === undefined ? 6 : 7)
      .text(command.identity)
      .text(command.channel)
      .text(command.body);
    w.bytes(command.payload).uint(command.expiresMs).array(command.refs.length);
    for (const ref of command.refs) w.array(2).uint(ref.relation).bytes(ref.id);
    if (kind !== undefined) w.uint(kind);
    return this.#ctx.config.sha256(concat(utf8('mesh/2 request\0'), w.finish()));
  }

  #create(command: PublishCommand, fingerprint: Uint8Array, requests: readonly RequestId[]): void {
    this.#clocks.load(command.identity, command.channel, (ok) => {
      if (!ok) return this.#done(command, requests, { kind: 'failed', code: 'store_failed', detail: '' });
      const { time, prev } = this.#clocks.next(command.identity, command.channel);
      const bytes = encodeSignedBytes(this.#ctx.messages, {
        kind: kindOf(command),
        author: idFromText(command.identity) as Uint8Array,
        channel: command.channel,
        time,
        prev,
        refs: command.refs,
        expiresMs: command.expiresMs,
        nonce: 0,
        body: command.body,
        payload: command.payload,
      });
      const id = messageId(this.#ctx.messages, bytes);
      this.#clocks.published(command.identity, command.channel, time, id);
      const data = signingInput(this.#ctx.messages, id);
      this.#ctx.sign([{ key: command.identity, data }], ([signature]) => {
        if (signature) this.#verify(command, fingerprint, requests, bytes, signature);
        else this.#abandon(command, requests, 'internal');
      });
    });
  }

  /** Own signatures are checked like anybody's: a message that others would refuse must never be acknowledged. */
  #verify(
    command: PublishCommand,
    fingerprint: Uint8Array,
    requests: readonly RequestId[],
    bytes: Uint8Array,
    signature: Uint8Array,
  ): void {
    const { body, payload } = command;
    const message = buildMessage(this.#ctx.messages, { bytes, signature, body, payload });
    this.#ctx.verify([signatureCheck(this.#ctx.messages, message)], ([proof]) => {
      const verified = proof && VerifiedMessage.fromVerification(this.#ctx.messages, message, proof);
      if (verified) this.#persist(command, fingerprint, requests, verified);
      else this.#abandon(command, requests, 'internal');
    });
  }

  #persist(
    command: PublishCommand,
    fingerprint: Uint8Array,
    requests: readonly RequestId[],
    message: VerifiedMessage,
  ): void {
    const tag = this.#ctx.tagOf(command.channel);
    const { idempotencyKey } = command;
    const ops: PersistOp[] = [{ kind: 'own-message', message, tag, idempotencyKey, fingerprint }];
    const carry = this.#host.carry(tag, message.message.time.timeMs);
    if (carry) ops.push(carry);
    this.#ctx.persist(
      ops,
      ([result]) => {
        if (carry) this.#host.noted(carry);
        if (result?.kind === 'repeated') {
          this.#clocks.forget(command.identity, command.channel);
          const reply: Reply = result.same ? { kind: 'published', id: result.id, isNew: false } : conflict;
          return this.#done(command, requests, reply);
        }
        if (result?.kind === 'superseded') {
          this.#clocks.forget(command.identity, command.channel);
          return this.#done(command, requests, superseded);
        }
        this.#host.published(message, tag);
        this.#done(command, requests, { kind: 'published', id: message.message.idText, isNew: true });
      },
      (code) => this.#abandon(command, requests, code),
    );
  }

  #abandon(command: PublishCommand, requests: readonly RequestId[], code: ErrorCode): void {
    this.#clocks.forget(command.identity, command.channel);
    this.#done(command, requests, { kind: 'failed', code, detail: '' });
  }

  #done(command: PublishCommand, requests: readonly RequestId[], reply: Reply): void {
    this.#underWay--;
    if (command.idempotencyKey !== '') this.#keyed.delete(`${command.identity} ${command.idempotencyKey}`);
    requests.forEach((request, i) => {
      this.#reply(request, i > 0 && reply.kind === 'published' ? { ...reply, isNew: false } : reply);
    });
  }
}

/** Whether it goes into an open channel, or is a record of the identity's own feed. */
function isPublishable({ identity, channel, kind, expiresMs }: PublishCommand): boolean {
  if (kind === undefined) return channelKind(channel) === 'open';
  return channel === `@${identity}` && kind <= 0xffff && !isEphemeral(kind) && expiresMs === 0;
}

/** What deletes is of a kind of its own: nobody shows it as an empty post. */
function kindOf({ kind, channel, refs, expiresMs, body, payload }: PublishCommand): number {
  if (kind !== undefined) return kind;
  const isEmpty = body === '' && payload.length === 0;
  const amends = amendsOf({ kind: MESSAGE_KIND.post, channel, refs, expiresMs, isEmpty });
  return amends === AMENDS.deletes ? MESSAGE_KIND.deletion : MESSAGE_KIND.post;
}

const lineOf = (command: PublishCommand): string => `${command.identity} ${command.channel}`;

const full: Reply = { kind: 'failed', code: 'store_full', detail: '' };

const superseded: Reply = {
  kind: 'failed',
  code: 'clock_back',
  detail: 'A record of this kind is dated later.',
};

const conflict: Reply = {
  kind: 'failed',
  code: 'idempotency_conflict',
  detail: 'Channel, text, payload, refs or expiry differ from what was sent under this key.',
};
