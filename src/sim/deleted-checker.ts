/**
 * What is deleted stays deleted: from the moment when a host's disk has a delete that counts, it neither takes nor shows nor
 * sends the content of what it deletes; and no host calls a message deleted that its author did not delete.
 *
 * The truth is what clients asked for: deletes that their authors published.
 */
import { equal } from '../core/bytes.ts';
import type { Event, Token } from '../core/contract.ts';
import { AMENDS, countsFor, isDeletable, isDelete, targetsOf } from '../core/message/amend.ts';
import type { Message } from '../core/message/message.ts';
import type { PersistOp, PersistResult } from '../core/persistence.ts';
import type { Frame } from '../core/wire/frame.ts';
import type { StoredMessage } from '../store/store.ts';
import type { Checked, Checker } from './checker.ts';
import type { PersistRequest } from './disk.ts';
import type { Host } from './host.ts';

function deletesIn(op: PersistOp): Message[] {
  if (op.kind !== 'message' && op.kind !== 'own-message' && op.kind !== 'put-off') return [];
  const { message } = op.message;
  return isDelete(message) ? [message] : [];
}

export class DeletedChecker implements Checker {
  readonly #world: Checked;
  /** id texts of what a host knows to be deleted, each with its delete */
  readonly #deleted = new Map<Host, Map<string, Message>>();
  /** tokens of commits that a core has not heard of yet, with the deletes in them */
  readonly #unheard = new Map<Host, Map<Token, Message[]>>();

  constructor(world: Checked) {
    this.#world = world;
  }

  #unheardBy(host: Host): Map<Token, Message[]> {
    const known = this.#unheard.get(host) ?? new Map<Token, Message[]>();
    this.#unheard.set(host, known);
    return known;
  }

  event(host: Host, event: Event): void {
    if (event.kind === 'persisted') this.#unheardBy(host).delete(event.token);
  }

  crashed(host: Host): void {
    this.#unheard.delete(host);
  }

  #of(host: Host): Map<string, Message> {
    const known = this.#deleted.get(host) ?? new Map<string, Message>();
    this.#deleted.set(host, known);
    return known;
  }

  /** @returns the delete by which a host knows that this message is deleted */
  #deleteOf(host: Host, message: Message): Message | undefined {
    const deletion = this.#of(host).get(message.idText);
    return deletion && isDeletable(message) && countsFor(deletion, message) ? deletion : undefined;
  }

  committed(
    host: Host,
    requests: readonly PersistRequest[],
    results: readonly (readonly PersistResult[])[],
  ): void {
    for (const [i, { token, ops }] of requests.entries()) {
      for (const [j, op] of ops.entries()) this.#see(host, op, results[i]?.[j]);
      this.#unheardBy(host).set(token, ops.flatMap(deletesIn));
    }
  }

  #see(host: Host, op: PersistOp, result: PersistResult | undefined): void {
    if (op.kind === 'tombstone') return this.#checkBuried(host, op.header.header);
    if (op.kind !== 'message' && op.kind !== 'own-message' && op.kind !== 'put-off') return;
    const { message } = op.message;
    if (result?.kind === 'message' && result.inserted) this.#take(host, message);
    if (!isDelete(message) || !this.#knows(host, message)) return;
    for (const id of targetsOf(message.refs, AMENDS.deletes)) {
      const target = this.#targetOf(id);
      if (target && isDeletable(target) && countsFor(message, target))
        this.#of(host).set(target.idText, message);
    }
  }

  #targetOf(id: Uint8Array): Message | undefined {
    return this.#world.registry.publications.find(({ message }) => message && equal(message.id, id))?.message;
  }

  #take(host: Host, message: Message): void {
    const deletion = this.#deleteOf(host, message);
    if (deletion === undefined) return;
    if (this.#knows(host, deletion)) this.#fail(host, message, 'stores');
    // Both were pruned, and a longer retention brought it back before its delete.
    this.#of(host).delete(message.idText);
  }

  #knows(host: Host, { id }: Message): boolean {
    const answer = host.store.read({ kind: 'has', ids: [id] });
    return answer.kind === 'has' && answer.holdings[0] !== 'unknown';
  }

  #checkBuried(host: Host, header: { idText: string; bytes: Uint8Array; signature: Uint8Array }): void {
    const message = this.#world.registry.byId(header.idText)?.message;
    const isGenuine =
      message && equal(message.bytes, header.bytes) && equal(message.signature, header.signature);
    if (isGenuine) return;
    throw this.#world.failure('deleted', `${host.name} keeps a header that nobody signed: ${header.idText}`, [
      host.name,
    ]);
  }

  shown(host: Host, _channel: string, { message }: StoredMessage): void {
    if (this.#deleteOf(host, message.message)) this.#fail(host, message.message, 'shows');
  }

  sending(host: Host, frame: Frame): void {
    if (frame.type !== 'push' && frame.type !== 'fetched') return;
    for (const message of frame.messages) {
      const deletion = this.#deleteOf(host, message);
      if (deletion && !this.#isUnheard(host, deletion)) this.#fail(host, message, 'sends');
    }
  }

  #isUnheard(host: Host, deletion: Message): boolean {
    return [...this.#unheardBy(host).values()].some((all) => all.includes(deletion));
  }

  #fail(host: Host, { idText, channel }: Message, what: string): never {
    const detail = `${host.name} ${what} ${idText} of ${channel}, though it knows its delete`;
    throw this.#world.failure('deleted', detail, [host.name]);
  }

  end(): void {
    for (const host of this.#world.honest()) {
      for (const [idText, deletion] of this.#of(host))
        if (host.store.readMessage(idText) && this.#knows(host, deletion))
          this.#fail(host, host.store.readMessage(idText)?.message.message as Message, 'holds');
      for (const { message } of this.#world.registry.publications)
        if (message) this.#checkJustified(host, message);
    }
  }

  #checkJustified(host: Host, message: Message): void {
    const answer = host.store.read({ kind: 'has', ids: [message.id] });
    if (answer.kind !== 'has' || answer.holdings[0] !== 'deleted') return;
    const isDeleted = this.#world.registry.committedIn(message.channel).some((one) => {
      if (!one.message || !isDelete(one.message)) return false;
      const isNamed = targetsOf(one.message.refs, AMENDS.deletes).some((id) => equal(id, message.id));
      return isNamed && countsFor(one.message, message);
    });
    if (isDeleted) return;
    throw this.#world.failure('deleted', `${host.name} calls ${message.idText} deleted, which it is not`, [
      host.name,
    ]);
  }
}
