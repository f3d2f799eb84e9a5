/**
 * What must hold in every simulated network. The checkers watch while it runs and look at everything once more at the
 * end; each is tested against a peer that breaks its rule.
 *
 * 1. forged: what is stored or passed on is, byte for byte, what an honest client published, or what the holder of a
 *    malicious key signed; records that are passed on are signed by the relay that they are about.
 * 2. shown-twice: no feed brings a message twice or goes back.
 * 3. convergence: after a quiet time everybody interested in a channel has the same messages, all acknowledged ones
 *    among them (`convergence.ts`, asked for by scenarios).
 * 4. durability: what was acknowledged, or said to be stored by a peer, is in that peer's store from then on, as long
 *    as its retention covers it (`keeping.ts`).
 * 5. commit-order: no own message is sent, and nobody is told that a message is stored, before the disk has it.
 * 6. offence: honest peers find nothing to blame each other for, whatever happens to links and disks, and whatever
 *    malicious peers send them.
 * 7. memory: no map or queue grows beyond its limit (`memory-checker.ts`).
 * 8. ephemeral: no store gets a message of an ephemeral kind, and what is passed on or shown of them is signed and shown
 *    once (`ephemeral-checker.ts`).
 * 9. deleted: what its author deleted is neither taken nor shown nor sent by who knows the delete (`deleted-checker.ts`).
 * 10. comes-back: what retention or expiry removed stays away (`comes-back-checker.ts`).
 * 11. superseded: what another record of its feed supersedes is neither kept nor shown nor taken again
 *    (`superseded-checker.ts`).
 */
import { toBase64url } from '../core/bytes.ts';
import type { Effect } from '../core/contract.ts';
import type { Message } from '../core/message/message.ts';
import type { PersistResult } from '../core/persistence.ts';
import type { Frame } from '../core/wire/frame.ts';
import type { StoredMessage } from '../store/store.ts';
import { type Checked, type Checker, storedMessages } from './checker.ts';
import { ComesBackChecker } from './comes-back-checker.ts';
import { DeletedChecker } from './deleted-checker.ts';
import type { PersistRequest } from './disk.ts';
import { EphemeralChecker } from './ephemeral-checker.ts';
import type { Host } from './host.ts';
import { MemoryChecker } from './memory-checker.ts';
import { PassedOnChecker } from './passed-on-checker.ts';
import { SupersededChecker } from './superseded-checker.ts';

export class ForgedChecker implements Checker {
  readonly #world: Checked;

  constructor(world: Checked) {
    this.#world = world;
  }

  committed(
    host: Host,
    requests: readonly PersistRequest[],
    results: readonly (readonly PersistResult[])[],
  ): void {
    for (const [i, { ops }] of requests.entries()) {
      for (const [j, op] of ops.entries()) {
        if (op.kind === 'put-off') this.#check(host, op.message.message);
        const result = results[i]?.[j];
        if (result?.kind !== 'message' || !result.inserted) continue;
        if (op.kind === 'own-message') this.#own(host, op.message.message);
        else if (op.kind === 'message') this.#check(host, op.message.message);
      }
    }
  }

  end(): void {
    for (const host of this.#world.honest()) {
      for (const row of storedMessages(host)) this.#check(host, row.message.message);
    }
  }

  #own(host: Host, message: Message): void {
    const isOwn = host.isOwn(toBase64url(message.author));
    if (isOwn && this.#world.registry.commit(host, message)) return;
    throw this.#world.failure('forged', `${host.name} made ${message.idText}, which nobody asked for`, [
      host.name,
    ]);
  }

  #check(host: Host, message: Message): void {
    if (this.#world.isGenuine(message)) return;
    const isKnown = this.#world.registry.byId(message.idText) !== undefined;
    const what = isKnown ? 'with other bytes than were published' : 'which nobody published';
    const detail = `${host.name} stored ${message.idText} ${what}: ${message.body.slice(0, 80)}`;
    throw this.#world.failure('forged', detail, [host.name]);
  }
}

export class ShownTwiceChecker implements Checker {
  readonly #world: Checked;
  readonly #shown = new Map<string, { ids: Set<string>; lastArrival: number }>();

  constructor(world: Checked) {
    this.#world = world;
  }

  shown(host: Host, channel: string, row: StoredMessage): void {
    const key = `${host.name}\0${channel}`;
    const feed = this.#shown.get(key) ?? { ids: new Set<string>(), lastArrival: 0 };
    this.#shown.set(key, feed);
    const { idText } = row.message.message;
    const isAgain = feed.ids.has(idText);
    if (isAgain || row.arrival <= feed.lastArrival) {
      const what = isAgain ? 'a second time' : `after arrival ${feed.lastArrival}`;
      const detail = `${host.name} shows ${idText} ${what} as arrival ${row.arrival}`;
      throw this.#world.failure('shown-twice', detail, [host.name]);
    }
    feed.ids.add(idText);
    feed.lastArrival = row.arrival;
  }

  /** A channel that is left or gets another policy forgets what was removed from it: that may come once more. */
  committed(host: Host, requests: readonly PersistRequest[]): void {
    for (const { ops } of requests)
      for (const op of ops) if (op.kind === 'leave' || op.kind === 'retention') this.#forgetRemoved(host);
  }

  /** What was damaged comes again with a new arrival number, as decision 0034 says. */
  damaged(host: Host, ids: readonly string[]): void {
    for (const [key, feed] of this.#shown)
      if (key.startsWith(`${host.name}\0`)) for (const id of ids) feed.ids.delete(id);
  }

  #forgetRemoved(host: Host): void {
    for (const [key, { ids }] of this.#shown) {
      if (!key.startsWith(`${host.name}\0`)) continue;
      for (const id of ids) if (host.store.readMessage(id) === undefined) ids.delete(id);
    }
  }

  /** ids that a channel's feed has shown at a host */
  shownIn(host: Host, channel: string): ReadonlySet<string> {
    return this.#shown.get(`${host.name}\0${channel}`)?.ids ?? new Set();
  }

  end(): void {
    for (const host of this.#world.honest()) {
      for (const { channel, joined } of host.store.channels()) {
        if (!joined) continue;
        const rows = host.store.readArrivals({ after: 0, limit: 1e6, wallMs: 0, channels: [channel] });
        const shown = this.shownIn(host, channel);
        const hidden = rows.find((row) => !shown.has(row.message.message.idText));
        if (hidden === undefined) continue;
        const detail = `${host.name} stores arrival ${hidden.arrival} of ${channel} and its feed never brought it`;
        throw this.#world.failure('shown-twice', detail, [host.name]);
      }
    }
  }
}

export class DurabilityChecker implements Checker {
  readonly #world: Checked;
  /** message ids that a host has promised to keep, by its name */
  readonly #promised = new Map<Host, Set<string>>();

  constructor(world: Checked) {
    this.#world = world;
  }

  effect(host: Host, effect: Effect): void {
    if (effect.kind === 'reply' && effect.reply.kind === 'published') {
      this.#promise(host, effect.reply.id, `${host.name} acknowledged`);
    } else if (effect.kind === 'delivery' && effect.state === 'stored') {
      const keeper = this.#world.hosts().find(({ peerId }) => peerId === effect.by);
      if (keeper === undefined || keeper === host) {
        const detail = `${host.name} says that ${effect.id} is stored by "${effect.by}", which is no other peer`;
        throw this.#world.failure('durability', detail, [host.name]);
      }
      // The word of a liar binds nobody: what it names as stored is the author's own to keep.
      if (!keeper.isHonest) return;
      this.#promise(keeper, effect.id, `${host.name} says that ${keeper.name} stored`);
    }
  }

  started(host: Host): void {
    this.#look(host, (id) => host.isMending(id));
  }

  end(): void {
    for (const host of this.#world.honest()) this.#look(host, () => false);
  }

  #promise(host: Host, id: string, what: string): void {
    const ids = this.#promised.get(host) ?? new Set<string>();
    this.#promised.set(host, ids.add(id));
    this.#require(host, id, what);
  }

  #look(host: Host, isExcused: (id: string) => boolean): void {
    for (const id of this.#promised.get(host) ?? [])
      if (!isExcused(id)) this.#require(host, id, `${host.name} promised to keep`);
  }

  #require(host: Host, id: string, what: string): void {
    if (host.store.readMessage(id) !== undefined) return;
    const publication = this.#world.registry.byId(id);
    if (publication !== undefined && !this.#world.keeps(host, publication)) return;
    const detail = `${what} ${id}, which is not in the store of ${host.name}`;
    throw this.#world.failure('durability', detail, [host.name]);
  }
}

export class CommitOrderChecker implements Checker {
  readonly #world: Checked;

  constructor(world: Checked) {
    this.#world = world;
  }

  sending(host: Host, frame: Frame): void {
    if (frame.type === 'stored') {
      for (const id of frame.ids) this.#require(host, toBase64url(id), 'says that it stored');
    } else if (frame.type === 'push' || frame.type === 'fetched') {
      for (const message of frame.messages) {
        if (host.isOwn(toBase64url(message.author)))
          this.#require(host, message.idText, 'sends its own message');
      }
    }
  }

  #require(host: Host, id: string, what: string): void {
    if (host.store.readMessage(id) !== undefined || host.isMending(id)) return;
    // It may have been removed since: by what deletes or supersedes it, or by age.
    const publication = this.#world.registry.byId(id);
    if (publication?.message && !this.#world.keeps(host, publication)) return;
    const detail = `${host.name} ${what} ${id} before its disk has it`;
    throw this.#world.failure('commit-order', detail, [host.name]);
  }

  end(): void {
    // Only moments are checked: at rest there is no order left to see.
  }
}

/** Codes by which one peer says that another broke the protocol. */
const BLAME: ReadonlySet<string> = new Set([
  'invalid_message',
  'unauthorized',
  'invalid_signature',
  'banned',
]);

export class OffenceChecker implements Checker {
  readonly #world: Checked;

  constructor(world: Checked) {
    this.#world = world;
  }

  effect(host: Host, effect: Effect): void {
    if (effect.kind !== 'report') return;
    if (effect.phrase !== 'offence' && !BLAME.has(effect.code ?? '')) return;
    // An answer that comes twice was asked for once: a middle box that repeats frames makes honest peers look pushy.
    if (effect.data.offence === 'unasked' && this.#world.repeatsFrames) return;
    const { peer, link } = effect.data;
    const named = this.#world.hosts().find(({ peerId }) => peerId === peer);
    const blamed = named ?? (typeof link === 'number' ? this.#world.otherEnd(link) : undefined);
    if (blamed?.isHonest === false) return;
    const other = blamed?.name ?? `link ${link}`;
    const detail = `${host.name} blames ${other}: ${effect.phrase} ${JSON.stringify(effect.data)}`;
    throw this.#world.failure('offence', detail, [host.name, other]);
  }

  end(): void {
    // Offences are counted when they happen.
  }
}

export function createCheckers(world: Checked): Checker[] {
  const kinds = [
    ForgedChecker,
    ShownTwiceChecker,
    DurabilityChecker,
    CommitOrderChecker,
    OffenceChecker,
    MemoryChecker,
    ComesBackChecker,
    PassedOnChecker,
    EphemeralChecker,
    DeletedChecker,
    SupersededChecker,
  ];
  return kinds.map((one) => new one(world));
}
