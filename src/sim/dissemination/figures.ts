/** Figures of how messages spread, over all of them. */
import type { Passage } from './passage.ts';
import { type Spread, Tally } from './tally.ts';

/** Messages whose channel so many relays were interested in. */
export interface SizeFigures {
  /** from more than half of it up to it: 1, 2, 3 to 4, 5 to 8 and so on */
  readonly interestedMax: number;
  readonly messages: number;
  /** relays that had the message for each that was interested, by message */
  readonly touchedPerInterested: Spread;
  /** copies that arrived at relays for each of these relays */
  readonly copiesPerRelay: number;
}

export interface DisseminationFigures {
  /** messages that left their author's peer */
  readonly messages: number;
  /** relays that had a message: got a copy, or are its author's peer */
  readonly relaysTouched: Spread;
  /** relays that held its channel when it left, and the first one on its way, which keeps it */
  readonly relaysInterested: Spread;
  readonly touchedPerInterested: Spread;
  readonly bySize: readonly SizeFigures[];
  /** copies that arrived for each relay that any arrived at, and the same for leaves */
  readonly copiesPerRelay: number;
  readonly copiesPerLeaf: number;
  /** copies that arrived anywhere for each delivery */
  readonly copiesPerDelivery: number;
  /** of each delivery: relays that its first copy went through on its way to the peer that shows it */
  readonly relaysCrossed: Spread;
  /** of each delivery: from the moment at which the message left its author's peer to the first copy, virtual ms */
  readonly latencyMs: Spread;
  /** the same if everybody passed it on over every link that was open then */
  readonly floodMs: Spread;
  /** the one divided by the other */
  readonly latencyPerFlood: Spread;
  /** deliveries later than two minutes after the message left, by catch-up: in none of the above */
  readonly late: number;
  /** deliveries to peers that no chain of open links led to when the message left: in no time of the above */
  readonly unreachable: number;
}

/** The way of one message, to draw. */
export interface UsedTree {
  readonly id: string;
  readonly channel: string;
  /** names of peers; each got its first copy over such a link, in the order of arrival */
  readonly edges: readonly (readonly [from: string, to: string])[];
  readonly author: string;
  readonly relaysTouched: number;
  readonly relaysInterested: number;
}

interface Copies {
  copies: number;
  peers: number;
}

interface Size {
  messages: number;
  readonly relays: Copies;
  readonly touched: Tally;
}

const hundredths = (value: number): number => Math.round(100 * value) / 100;
const perPeer = ({ copies, peers }: Copies): number => hundredths(copies / Math.max(1, peers));

function usedTree(passage: Passage): UsedTree {
  const { author, arrivals, start, relaysTouched, relaysInterested } = passage;
  const inOrder = [...arrivals].sort(([, a], [, b]) => a.atMs - b.atMs);
  return {
    id: start.publication.message?.idText ?? '',
    channel: start.publication.command.channel,
    edges: inOrder.map(([host, { from }]) => [from.name, host.name]),
    author: author.name,
    ...{ relaysTouched, relaysInterested },
  };
}

const SPREADS = [
  'relaysTouched',
  'relaysInterested',
  'touchedPerInterested',
  'relaysCrossed',
  'latencyMs',
  'floodMs',
  'latencyPerFlood',
] as const;
type SpreadName = (typeof SPREADS)[number];

function perSpread<T>(make: (name: SpreadName) => T): Record<SpreadName, T> {
  return Object.fromEntries(SPREADS.map((name) => [name, make(name)])) as Record<SpreadName, T>;
}

/** Adds passages up. */
export class Totals {
  #messages = 0;
  #late = 0;
  #unreachable = 0;
  readonly #relays: Copies = { copies: 0, peers: 0 };
  readonly #leaves: Copies = { copies: 0, peers: 0 };
  readonly #sizes = new Map<number, Size>();
  #tree: UsedTree | undefined;
  #tallies = perSpread(() => new Tally());

  /** The way of the message that touched most relays, of the first one among equals. */
  get tree(): UsedTree | undefined {
    return this.#tree;
  }

  late(): void {
    this.#late++;
  }

  add(passage: Passage): void {
    const { relaysTouched, relaysInterested } = passage;
    const share = relaysTouched / Math.max(1, relaysInterested);
    this.#messages++;
    this.#unreachable += passage.unreachable;
    this.#tallies.relaysTouched.add(relaysTouched);
    this.#tallies.relaysInterested.add(relaysInterested);
    this.#tallies.touchedPerInterested.add(share);
    const size = this.#sizeOf(relaysInterested);
    size.messages++;
    size.touched.add(share);
    for (const { copies, isRelay } of passage.arrivals.values()) {
      for (const count of isRelay ? [this.#relays, size.relays] : [this.#leaves]) {
        count.copies += copies;
        count.peers++;
      }
    }
    for (const { crossed, latencyMs, floodMs } of passage.deliveries) {
      this.#tallies.relaysCrossed.add(crossed);
      this.#tallies.latencyMs.add(latencyMs);
      this.#tallies.floodMs.add(floodMs);
      this.#tallies.latencyPerFlood.add(latencyMs / floodMs);
    }
    if (relaysTouched > (this.#tree?.relaysTouched ?? 0)) this.#tree = usedTree(passage);
  }

  #sizeOf(interested: number): Size {
    const most = 2 ** Math.ceil(Math.log2(Math.max(1, interested)));
    const known = this.#sizes.get(most) ?? {
      messages: 0,
      relays: { copies: 0, peers: 0 },
      touched: new Tally(),
    };
    this.#sizes.set(most, known);
    return known;
  }

  copy(): Totals {
    const copy = new Totals();
    copy.#messages = this.#messages;
    copy.#late = this.#late;
    copy.#unreachable = this.#unreachable;
    Object.assign(copy.#relays, this.#relays);
    Object.assign(copy.#leaves, this.#leaves);
    for (const [most, { messages, relays, touched }] of this.#sizes)
      copy.#sizes.set(most, { messages, relays: { ...relays }, touched: touched.copy() });
    copy.#tree = this.#tree;
    copy.#tallies = perSpread((name) => this.#tallies[name].copy());
    return copy;
  }

  figures(): DisseminationFigures {
    const bySize = [...this.#sizes].sort(([a], [b]) => a - b);
    return {
      messages: this.#messages,
      ...perSpread((name) => this.#tallies[name].spread()),
      bySize: bySize.map(([interestedMax, size]) => ({
        interestedMax,
        messages: size.messages,
        touchedPerInterested: size.touched.spread(),
        copiesPerRelay: perPeer(size.relays),
      })),
      copiesPerRelay: perPeer(this.#relays),
      copiesPerLeaf: perPeer(this.#leaves),
      copiesPerDelivery: hundredths(
        (this.#relays.copies + this.#leaves.copies) / Math.max(1, this.#tallies.latencyMs.count),
      ),
      late: this.#late,
      unreachable: this.#unreachable,
    };
  }
}
