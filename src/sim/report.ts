/**
 * What a simulation did, in figures and in plain words.
 */
import type { Effect } from '../core/contract.ts';
import type { Frame } from '../core/wire/frame.ts';
import type { StoredMessage } from '../store/store.ts';
import type { Host } from './host.ts';
import type { Observer } from './observer.ts';
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
  /** messages shown at peers other than their author's */
  readonly deliveries: number;
  /** from the request to the display, virtual ms */
  readonly delayMs: { readonly median: number; readonly p99: number; readonly max: number };
  /** copies of messages sent for each delivery */
  readonly copiesPerDelivery: number;
  readonly frames: number;
  readonly framesDropped: number;
  readonly bytes: number;
  readonly steps: number;
  readonly virtualMs: number;
  readonly realMs: number;
  /** hash of everything that happened */
  readonly trace: string;
}

/** Counts while the world runs. */
export class Reporter implements Observer {
  readonly #world: World;
  readonly #delays: number[] = [];
  readonly #stored = new Set<string>();
  #starts = 0;
  #copies = 0;

  constructor(world: World) {
    this.#world = world;
    world.network.observers.push(this);
  }

  started(): void {
    this.#starts++;
  }

  effect(_host: Host, effect: Effect): void {
    if (effect.kind === 'delivery' && effect.state === 'stored') this.#stored.add(effect.id);
  }

  sending(_host: Host, frame: Frame, links: number): void {
    if (frame.type === 'push' || frame.type === 'fetched') this.#copies += frame.messages.length * links;
  }

  shown(host: Host, channel: string, row: StoredMessage): void {
    const publication = this.#world.registry.byId(row.message.message.idText);
    if (channel === '' || publication === undefined || publication.host === host) return;
    this.#delays.push(this.#world.nowMs - publication.askedMs);
  }

  report(realMs: number): Report {
    const { network, registry } = this.#world;
    const hosts = this.#world.hosts();
    const delays = this.#delays.toSorted((a, b) => a - b);
    const at = (share: number) => Math.round(delays[Math.floor((delays.length - 1) * share)] ?? 0);
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
      copiesPerDelivery: Math.round((100 * this.#copies) / Math.max(1, delays.length)) / 100,
      frames: sum(({ traffic }) => traffic.framesSent),
      framesDropped: sum(({ traffic }) => traffic.framesDropped),
      bytes: sum(({ traffic }) => traffic.bytesSent),
      steps: network.schedule.steps,
      virtualMs: Math.round(this.#world.nowMs),
      realMs: Math.round(realMs),
      trace: network.trace.digest(),
    };
  }
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
    `  copies       ${report.copiesPerDelivery} sent for each delivery`,
    `  traffic      ${report.frames} frames, ${mb} MB, ${report.framesDropped} frames dropped at full queues`,
    `  time         ${(report.virtualMs / 1000).toFixed(1)} s virtual in ${(report.realMs / 1000).toFixed(1)} s real, ` +
      `${report.steps} steps`,
    `  trace        ${report.trace}`,
  ].join('\n');
}
