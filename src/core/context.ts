/**
 * What every part of a peer shares while one event is handled: the clock, the effects gathered so far, randomness, and
 * the questions that wait for an answer. A part asks with {@link Context.read}, `verify`, `sign`, `agree` or `persist`
 * and passes what to do with the answer; the answer comes with a later event, in which links may be gone and clocks
 * have moved, so continuations look things up again.
 */
import { type Bytes, concat, toBase64url, utf8 } from './bytes.ts';
import { channelTag } from './channel/channel.ts';
import type { Agreement, Effect, Event, Now, Timer, Token } from './contract.ts';
import type { ErrorCode } from './errors.ts';
import { createMessageContext, type MessageContext } from './message/message.ts';
import type { SignatureCheck, Verification } from './message/verified.ts';
import type { PeerConfig } from './peer-types.ts';
import type { PersistOp, PersistResult, Query, QueryAnswer } from './persistence.ts';
import { Random } from './random.ts';

type Report = Extract<Effect, { kind: 'report' }>;
type AnswerTo<K extends Query['kind']> = Extract<QueryAnswer, { kind: K }>;
type Answer = Extract<Event, { token: Token }>;

/** Channel names whose tags are remembered, a cache and no more (guess). */
const TAG_CACHE_MAX = 4096;

export class Context {
  readonly config: PeerConfig;
  readonly messages: MessageContext;
  readonly random: Random;
  now: Now = { monotonicMs: 0, wallMs: 0 };
  #effects: Effect[] = [];
  #nextToken = 1;
  readonly #waiting = new Map<Token, (answer: Answer) => void>();
  readonly #tags = new Map<string, string>();
  /** what signed bytes begin with, by purpose: there is a handful of them */
  readonly #prefixes = new Map<string, Bytes>();
  readonly #armed = new Set<Timer['kind']>();

  constructor(config: PeerConfig) {
    this.config = config;
    this.messages = createMessageContext(config.network, config.sha256);
    this.random = new Random(config.seed);
  }

  emit(effect: Effect): void {
    this.#effects.push(effect);
  }

  /** The effects since the last call. */
  takeEffects(): Effect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  /** Bytes that a signature with `purpose` covers: "mesh/2 PURPOSE\0" network "\0" and the parts. */
  signed(purpose: string, ...parts: readonly Bytes[]): Bytes {
    let prefix = this.#prefixes.get(purpose);
    if (prefix === undefined) {
      prefix = utf8(`mesh/2 ${purpose}\0${this.config.network}\0`);
      this.#prefixes.set(purpose, prefix);
    }
    return concat(prefix, ...parts);
  }

  tagOf(channel: string): string {
    let tag = this.#tags.get(channel);
    if (tag === undefined) {
      tag = toBase64url(channelTag(this.config.sha256, this.config.network, channel));
      if (this.#tags.size >= TAG_CACHE_MAX) this.#tags.clear();
      this.#tags.set(channel, tag);
    }
    return tag;
  }

  timer(timer: Timer, delayMs: number): void {
    this.emit({ kind: 'timer', timer, delayMs });
  }

  /** Arms a timer of which only one runs at a time; {@link disarm} when it fires. */
  arm(kind: Exclude<Timer['kind'], 'second' | 'heartbeat'>, delayMs: number): void {
    if (this.#armed.has(kind)) return;
    this.#armed.add(kind);
    this.timer({ kind }, delayMs);
  }

  disarm(kind: Timer['kind']): void {
    this.#armed.delete(kind);
  }

  report(level: Report['level'], phrase: string, data: Report['data'] = {}, code?: ErrorCode): void {
    this.emit(code ? { kind: 'report', level, phrase, data, code } : { kind: 'report', level, phrase, data });
  }

  /** questions that wait for an answer */
  get waiting(): number {
    return this.#waiting.size;
  }

  #wait(then: (answer: Answer) => void): Token {
    const token = this.#nextToken++;
    this.#waiting.set(token, then);
    return token;
  }

  verify(
    checks: readonly SignatureCheck[],
    then: (proofs: readonly (Verification | undefined)[]) => void,
    isBulk = false,
  ): void {
    const token = this.#wait((answer) => {
      if (answer.kind === 'verified') then(answer.proofs);
    });
    this.emit({ kind: 'verify', token, checks, ...(isBulk && { isBulk }) });
  }

  sign(items: readonly { key: string; data: Bytes }[], then: (signatures: readonly Bytes[]) => void): void {
    const token = this.#wait((answer) => {
      if (answer.kind === 'signed') then(answer.signatures);
    });
    this.emit({ kind: 'sign', token, items });
  }

  agree(
    asked: Omit<Extract<Effect, { kind: 'agree' }>, 'kind' | 'token'>,
    then: (answer: Agreement) => void,
  ): void {
    const token = this.#wait((answer) => {
      if (answer.kind === 'agreed') then(answer.agreement);
    });
    this.emit({ kind: 'agree', token, ...asked });
  }

  /** @param failed called where the store could not answer */
  read<K extends Query['kind']>(
    query: Extract<Query, { kind: K }>,
    then: (answer: AnswerTo<K>) => void,
    failed: () => void = () => undefined,
  ): void {
    const token = this.#wait((answer) => {
      if (answer.kind !== 'read') return;
      if (answer.answer?.kind === query.kind) then(answer.answer as AnswerTo<K>);
      else failed();
    });
    this.emit({ kind: 'read', token, query });
  }

  persist(
    ops: readonly PersistOp[],
    then: (results: readonly PersistResult[]) => void = () => undefined,
    failed: (code: ErrorCode) => void = () => undefined,
    isBulk = false,
  ): void {
    const token = this.#wait((answer) => {
      if (answer.kind === 'persisted') then(answer.results);
      else if (answer.kind === 'persist-failed') failed(answer.code);
    });
    this.emit({ kind: 'persist', token, ops, ...(isBulk && { isBulk }) });
  }

  /** Continues what waited for this answer. An answer that nobody waits for is a programmer error of the interpreter. */
  resume(answer: Answer): void {
    const then = this.#waiting.get(answer.token);
    if (then === undefined) throw new Error(`nobody waits for ${answer.kind} ${answer.token}`);
    this.#waiting.delete(answer.token);
    then(answer);
  }
}
