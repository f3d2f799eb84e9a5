/**
 * What a simulation did, in figures and in plain words.
 */
import type { Effect } from '../core/contract.ts';
import type { Frame } from '../core/wire/frame.ts';
import { FRAME_TYPES } from '../core/wire/frames.ts';
import type { StoredMessage } from '../store/store.ts';
import { type Dissemination, type DisseminationFigures, disseminationOf } from './dissemination/index.ts';
import { shortWords } from './dissemination/words.ts';
import type { Host } from './host.ts';
import { describeVerdict, type Verdict, Verdicts } from './malice/verdicts.ts';
import type { Observer } from './observer.ts';
import { delayAt } from './picture/curve.ts';
import { VisitCount, type VisitFigures } from './visit-count.ts';
import type { World } from './world.ts';

export interface Report {
  readonly scenario: string;
  readonly seed: number;
  readonly peers: number;
  readonly starts: number;
  /** publications asked for, acknowledged, refused */
  readonly asked: number;
  readonly acknowledged: number;
  readonly refused: number;
  /** of the acknowledged ones, how many the author knows to be stored elsewhere */
  readonly stored: number;
  /** messages shown at honest peers other than their author's */
  readonly deliveries: number;
  /** from the request to the display, virtual ms */
  readonly delayMs: { readonly median: number; readonly p99: number; readonly max: number };
  /** deliveries that were due: made, or missing at the end */
  readonly deliveriesDue: number;
  /** copies of messages sent for each delivery */
  readonly copiesPerDelivery: number;
  /** copies of a message sent to a relay that got it at all */
  readonly copiesPerRelay: number;
  readonly dissemination: DisseminationFigures;
  /** between relays that are no neighbours */
  readonly visits: VisitFigures;
  /** frames sent by type */
  readonly framesByType: Readonly<Record<string, number>>;
  readonly frames: number;
  readonly framesDropped: number;
  readonly bytes: number;
  readonly steps: number;
  readonly virtualMs: number;
  readonly realMs: number;
  /** what malicious peers did and what honest ones held against them */
  readonly malicious: readonly Verdict[];
  /** what the scenario found out, in words */
  readonly notes: readonly string[];
  /** what the scenario counted */
  readonly counts: Readonly<Record<string, number>>;
  /** hash of everything that happened */
  readonly trace: string;
}

interface Copies {
  sent: number;
  readonly ids: Set<string>;
}

/** Counts while the world runs. */
export class Reporter implements Observer {
  readonly #world: World;
  readonly #delays: number[] = [];
  /** copies sent to each host */
  readonly #copiesTo = new Map<Host, Copies>();
  readonly #crashes = new Map<Host, number>();
  readonly #stored = new Set<string>();
  readonly #verdicts: Verdicts;
  readonly #visits = new VisitCount();
  readonly dissemination: Dissemination;
  #starts = 0;
  #copies = 0;

  constructor(world: World) {
    this.#world = world;
    this.#verdicts = new Verdicts(() => world.hosts());
    this.dissemination = disseminationOf(world);
    world.network.observers.push(this, this.#verdicts, this.#visits);
  }

  started(): void {
    this.#starts++;
  }

  crashed(host: Host): void {
    this.#crashes.set(host, this.crashesOf(host) + 1);
  }

  crashesOf(host: Host): number {
    return this.#crashes.get(host) ?? 0;
  }

  /** From a request to the display at another peer, ms, ascending. */
  delays(): number[] {
    return this.#delays.toSorted((a, b) => a - b);
  }

  effect(_host: Host, effect: Effect): void {
    if (effect.kind === 'delivery' && effect.state === 'stored') this.#stored.add(effect.id);
  }

  sending(_host: Host, frame: Frame, to: readonly Host[]): void {
    if (frame.type !== 'push' && frame.type !== 'fetched') return;
    this.#copies += frame.messages.length * to.length;
    for (const host of to) {
      const copies = this.#copiesTo.get(host) ?? { sent: 0, ids: new Set<string>() };
      this.#copiesTo.set(host, copies);
      copies.sent += frame.messages.length;
      for (const { idText } of frame.messages) copies.ids.add(idText);
    }
  }

  #copiesPerRelay(): number {
    let [sent, reached] = [0, 0];
    for (const [host, copies] of this.#copiesTo) {
      if (this.#world.snapshot(host.name)?.role !== 'relay') continue;
      sent += copies.sent;
      reached += copies.ids.size;
    }
    return hundredths(sent / Math.max(1, reached));
  }

  shown(host: Host, channel: string, row: StoredMessage): void {
    const publication = this.#world.registry.byId(row.message.message.idText);
    if (channel === '' || publication === undefined || publication.host === host || !host.isHonest) return;
    this.#delays.push(this.#world.nowMs - publication.askedMs);
  }

  report(realMs: number): Report {
    const { network, registry } = this.#world;
    const hosts = this.#world.hosts();
    const delays = this.delays();
    const missing = this.#world
      .differences(this.#world.honest())
      .reduce((total, one) => total + one.missing.length, 0);
    const at = (share: number) => Math.round(delayAt(delays, share));
    const sum = (pick: (host: Host) => number) => hosts.reduce((total, host) => total + pick(host), 0);
    const acknowledged = registry.acknowledged();
    return {
      scenario: network.trace.scenario,
      seed: network.seed,
      peers: hosts.length,
      starts: this.#starts,
      asked: registry.publications.length,
      acknowledged: acknowledged.length,
      refused: registry.publications.filter(({ refused }) => refused !== '').length,
      stored: acknowledged.filter(({ message }) => this.#stored.has(message?.idText ?? '')).length,
      deliveries: delays.length,
      delayMs: { median: at(0.5), p99: at(0.99), max: at(1) },
      deliveriesDue: delays.length + missing,
      copiesPerDelivery: hundredths(this.#copies / Math.max(1, delays.length)),
      copiesPerRelay: this.#copiesPerRelay(),
      dissemination: this.dissemination.figures(),
      visits: this.#visits.figures(),
      framesByType: framesByType(hosts),
      frames: sum(({ traffic }) => traffic.framesSent),
      framesDropped: sum(({ traffic }) => traffic.framesDropped),
      bytes: sum(({ traffic }) => traffic.bytesSent),
      steps: network.schedule.steps,
      notes: [...this.#world.notes],
      counts: this.#world.counts.all(),
      virtualMs: Math.round(this.#world.nowMs),
      realMs: Math.round(realMs),
      malicious: this.#verdicts.list(),
      trace: network.trace.digest(),
    };
  }
}

function hundredths(value: number): number {
  return Math.round(100 * value) / 100;
}

function framesByType(hosts: readonly Host[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { traffic } of hosts) {
    for (const [number, count] of traffic.framesByNumber.entries()) {
      if (count === undefined) continue;
      const name = FRAME_TYPES.get(number) ?? `frame ${number}`;
      counts.set(name, (counts.get(name) ?? 0) + count);
    }
  }
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
}

function countWords(counts: Report['counts']): string[] {
  const words = Object.entries(counts).map(([what, times]) => `${what} (${times})`);
  return words.length === 0 ? [] : [`  happened     ${words.join(', ')}`];
}

export function describeReport(report: Report): string {
  const { delayMs } = report;
  const mb = (report.bytes / 1e6).toFixed(2);
  return [
    `${report.scenario}, seed ${report.seed}: passed`,
    `  peers        ${report.peers}, started ${report.starts} times`,
    `  messages     ${report.asked} asked for, ${report.acknowledged} acknowledged, ${report.refused} refused, ` +
      `${report.stored} known to be stored elsewhere`,
    `  deliveries   ${report.deliveries}, after ${delayMs.median} ms (median), ${delayMs.p99} ms (99%), ` +
      `${delayMs.max} ms (longest)`,
    `  copies       ${report.copiesPerDelivery} sent for each delivery, ${report.copiesPerRelay} to each relay that got one`,
    ...shortWords(report.dissemination),
    ...report.notes.map((note, i) => `  ${i === 0 ? 'found       ' : '            '} ${note}`),
    ...countWords(report.counts),
    `  visits       ${report.visits.made} between relays that are no neighbours, ${report.visits.bytes} bytes`,
    `  traffic      ${report.frames} frames, ${mb} MB, ${report.framesDropped} frames dropped at full queues`,
    `  time         ${(report.virtualMs / 1000).toFixed(1)} s virtual in ${(report.realMs / 1000).toFixed(1)} s real, ` +
      `${report.steps} steps`,
    ...report.malicious.map(
      (one, i) => `  ${i === 0 ? 'malicious   ' : '            '} ${describeVerdict(one)}`,
    ),
    `  trace        ${report.trace}`,
  ].join('\n');
}
