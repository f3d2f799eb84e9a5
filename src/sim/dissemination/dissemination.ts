/**
 * Watches how messages spread: the tree of relays that each took, its copies, the relays that they crossed, and how much
 * longer they took than a flood would have. It looks at frames that carry messages and at nothing else; what it keeps of
 * a message is dropped two minutes after that left, and of the oldest ones before if there is too much.
 */
import type { Event } from '../../core/contract.ts';
import type { Frame } from '../../core/wire/frame.ts';
import { FRAME_TYPES } from '../../core/wire/frames.ts';
import type { StoredMessage } from '../../store/store.ts';
import type { Host } from '../host.ts';
import type { Network } from '../network.ts';
import type { Observer } from '../observer.ts';
import type { Publication, Registry } from '../registry.ts';
import { FRAME_HEAD_BYTES } from '../wire.ts';
import { type DisseminationFigures, Totals, type UsedTree } from './figures.ts';
import { Floods } from './flood.ts';
import { Passage } from './passage.ts';

/** What is watched: a `World`. */
export interface Watched {
  readonly network: Network;
  readonly registry: Registry;
  hosts(): readonly Host[];
}

/** As long as relays on the way remember a message: what comes later is catch-up. */
const WINDOW_MS = 120_000;
/** Arrivals kept, all messages together, some 100 bytes each: 400 messages at 1,000 peers (guess). */
const ARRIVALS_MAX = 400_000;

const CARRYING: ReadonlySet<number | undefined> = new Set(
  [...FRAME_TYPES].filter(([, type]) => type === 'push' || type === 'fetched').map(([number]) => number),
);

const isRelay = (host: Host): boolean => host.core?.isRelay === true;

export class Dissemination implements Observer {
  readonly #world: Watched;
  readonly #floods: Floods;
  /** ids in frames that are on their way */
  readonly #carried = new WeakMap<Uint8Array, readonly string[]>();
  /** in the order in which they left */
  readonly #passages = new Map<string, Passage>();
  readonly #begun = new WeakSet<Publication>();
  readonly #totals = new Totals();
  /** the same for groups of messages, by the name of their group */
  readonly #groups = new Map<string, Totals>();
  #nameGroup: (publication: Publication) => string = () => '';
  #arrivals = 0;
  /** links that were closed in order, or with their peer */
  #closed = 0;

  constructor(world: Watched) {
    this.#world = world;
    const { network } = world;
    this.#floods = new Floods(
      () => network.dialler.wires(),
      () => network.profile,
    );
    network.observers.push(this);
  }

  get #nowMs(): number {
    return this.#world.network.schedule.nowMs;
  }

  sending(host: Host, frame: Frame, _to: readonly Host[], bytes: Uint8Array): void {
    if (frame.type !== 'push' && frame.type !== 'fetched') return;
    this.#carried.set(
      bytes,
      frame.messages.map(({ idText }) => idText),
    );
    for (const { idText, wire } of frame.messages) {
      const publication = this.#world.registry.byId(idText);
      if (publication?.host === host && !this.#begun.has(publication))
        this.#begin(idText, publication, wire.length);
    }
  }

  #begin(id: string, publication: Publication, bytes: number): void {
    this.#begun.add(publication);
    this.#settle();
    const { network } = this.#world;
    const { channel } = publication.command;
    const holders = this.#world.hosts().filter((one) => isRelay(one) && one.core?.holds?.(channel) === true);
    this.#passages.set(
      id,
      new Passage({
        publication,
        leftMs: this.#nowMs,
        holders: new Set(holders),
        flood: this.#floods.from(publication.host, network.dialler.changes + this.#closed),
        sendMs: (bytes + FRAME_HEAD_BYTES) / network.profile.bytesPerMs,
        isAuthorRelay: isRelay(publication.host),
      }),
    );
  }

  /** Adds up what is over. */
  #settle(): void {
    for (const [id, passage] of this.#passages) {
      const isOver = this.#nowMs - passage.start.leftMs > WINDOW_MS;
      if (!isOver && this.#arrivals <= ARRIVALS_MAX) return;
      this.#passages.delete(id);
      this.#arrivals -= passage.arrivals.size;
      for (const totals of this.#totalsOf(passage)) totals.add(passage);
    }
  }

  #totalsOf(passage: Passage): Totals[] {
    const group = this.#groupOf(passage);
    if (group === '') return [this.#totals];
    const known = this.#groups.get(group) ?? new Totals();
    this.#groups.set(group, known);
    return [this.#totals, known];
  }

  /** Figures of their own for groups of messages. @param nameGroup the name of a message's group, '' for none */
  group(nameGroup: (publication: Publication) => string): void {
    this.#nameGroup = nameGroup;
  }

  event(host: Host, event: Event): void {
    if (event.kind === 'link-closed') this.#closed++;
    if (event.kind !== 'frame-received' || !CARRYING.has(event.bytes[1])) return;
    const ids = this.#carried.get(event.bytes);
    const from = ids && this.#world.network.links.otherEnd(event.link);
    if (ids === undefined || from === undefined) return;
    for (const id of ids) {
      const passage = this.#passages.get(id);
      if (passage === undefined) continue;
      const before = passage.arrivals.size;
      passage.arrive(host, from, this.#nowMs, isRelay(host));
      this.#arrivals += passage.arrivals.size - before;
    }
  }

  crashed(host: Host): void {
    this.#closed++;
    for (const passage of this.#passages.values()) passage.forget(host);
  }

  shown(host: Host, channel: string, row: StoredMessage): void {
    const { idText } = row.message.message;
    const publication = this.#world.registry.byId(idText);
    if (channel === '' || publication === undefined || publication.host === host || !host.isHonest) return;
    const passage = this.#passages.get(idText);
    if (passage !== undefined && this.#nowMs - passage.start.leftMs <= WINDOW_MS) passage.shown(host);
    else if (this.#begun.has(publication)) this.#totals.late();
  }

  /** What is over, and those under way as far as they have come. @param group undefined for all messages */
  #all(group?: string): Totals {
    const over = group === undefined ? this.#totals : this.#groups.get(group);
    const all = over?.copy() ?? new Totals();
    for (const passage of this.#passages.values())
      if (group === undefined || this.#groupOf(passage) === group) all.add(passage);
    return all;
  }

  #groupOf({ start }: Passage): string {
    return this.#nameGroup(start.publication);
  }

  /** All messages of a group so far. */
  figuresOf(group: string): DisseminationFigures {
    return this.#all(group).figures();
  }

  /** All messages so far. */
  figures(): DisseminationFigures {
    return this.#all().figures();
  }

  /** The way of the message that touched most relays; undefined before the first one. */
  tree(): UsedTree | undefined {
    return this.#all().tree;
  }
}

const watching = new WeakMap<Watched, Dissemination>();

/** What watches a world, from the first call on. */
export function disseminationOf(world: Watched): Dissemination {
  const known = watching.get(world) ?? new Dissemination(world);
  watching.set(world, known);
  return known;
}
