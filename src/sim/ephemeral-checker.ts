/**
 * Ephemerals leave no trace and cannot be forged: no store gets one, whatever peers send; what an honest peer passes on or
 * shows is signed by an author who may write there; and none is shown twice, or after a newer one of its run.
 */
import { compare } from '../core/bytes.ts';
import { mayWrite } from '../core/channel/channel.ts';
import type { Effect } from '../core/contract.ts';
import { isEphemeralMessage, runKey } from '../core/message/ephemeral.ts';
import { createMessageContext, isEphemeral, type Message } from '../core/message/message.ts';
import { compareTime } from '../core/message/time.ts';
import { signatureCheck } from '../core/message/verified.ts';
import type { Frame } from '../core/wire/frame.ts';
import { sha256 } from '../crypto/hash.ts';
import { type Checked, type Checker, storedMessages } from './checker.ts';
import type { PersistRequest } from './disk.ts';
import type { Host } from './host.ts';
import { SIM_NETWORK } from './network.ts';

const MESSAGES = createMessageContext(SIM_NETWORK, sha256);

export class EphemeralChecker implements Checker {
  readonly #world: Checked;
  /** by host and run */
  readonly #shown = new Map<string, Message>();

  constructor(world: Checked) {
    this.#world = world;
  }

  /** A run is remembered in memory only, and for two minutes: who starts anew may show it again. */
  started(host: Host): void {
    for (const key of this.#shown.keys()) if (key.startsWith(`${host.name}\0`)) this.#shown.delete(key);
  }

  committed(host: Host, requests: readonly PersistRequest[]): void {
    for (const { ops } of requests)
      for (const op of ops)
        if ('message' in op && isEphemeral(op.message.message.kind))
          this.#fail(host, `stores ${op.message.message.idText} (${op.kind})`);
  }

  sending(host: Host, frame: Frame): void {
    if (frame.type !== 'ephemeral') return;
    for (const { message } of frame.items) this.#check(host, message, 'passes on');
  }

  effect(host: Host, effect: Effect): void {
    if (effect.kind !== 'ephemeral') return;
    const { message } = effect.message;
    this.#check(host, message, 'shows');
    const key = `${host.name}\0${runKey(message)}`;
    const last = this.#shown.get(key);
    if (last !== undefined && (compareTime(message.time, last.time) || compare(message.id, last.id)) <= 0)
      this.#fail(host, `shows ${message.idText} behind one that is as new`);
    this.#shown.set(key, message);
  }

  #check(host: Host, message: Message, does: string): void {
    if (!isEphemeralMessage(message)) this.#fail(host, `${does} ${message.idText}, which is none`);
    if (!this.#world.isSigned(signatureCheck(MESSAGES, message)))
      this.#fail(host, `${does} ${message.idText}, which its author did not sign`);
    if (!mayWrite(message.channel, message.author))
      this.#fail(host, `${does} ${message.idText}, whose author may not write there`);
  }

  #fail(host: Host, what: string): never {
    throw this.#world.failure('ephemeral', `${host.name} ${what}`, [host.name]);
  }

  end(): void {
    for (const host of this.#world.honest())
      for (const { message } of storedMessages(host))
        if (isEphemeral(message.message.kind)) this.#fail(host, `has stored ${message.message.idText}`);
  }
}
