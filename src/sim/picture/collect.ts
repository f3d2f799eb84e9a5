/** What a picture shows of a world, at the end of a simulation or where it failed. */
import type { Spread } from '../dissemination/index.ts';
import type { Report, Reporter } from '../report.ts';
import type { World } from '../world.ts';
import { describeMs } from './curve.ts';
import type { MapData, MapLink, MapPeer } from './map.ts';
import type { PictureData } from './picture.ts';

function mapOf(world: World, reporter: Reporter): MapData {
  const hosts = world.hosts();
  const nameOf = new Map(hosts.map(({ peerId, name }) => [peerId, name]));
  const links: MapLink[] = [];
  const peers: MapPeer[] = [];
  for (const host of hosts) {
    const seen = world.snapshot(host.name);
    let home: string | undefined;
    for (const { peer, kind } of seen?.links ?? []) {
      const other = nameOf.get(peer);
      if (other === undefined) continue;
      if (kind === 'home-live') home = other;
      // Both ends of an overlay link list it; leaves are believed about theirs.
      if (kind === 'overlay' && host.name < other) links.push({ a: host.name, b: other, kind });
      else if (kind === 'home-live') links.push({ a: host.name, b: other, kind: 'live' });
      else if (kind === 'home-standby') links.push({ a: host.name, b: other, kind: 'standby' });
    }
    peers.push({
      name: host.name,
      isRelay: seen?.role === 'relay',
      home,
      side: world.network.dialler.lastSides.get(host),
      isUp: host.isUp,
      crashes: reporter.crashesOf(host),
      malice: host.options.malice,
    });
  }
  return { peers, links };
}

function bytesText(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(2)} MB`;
}

function maliciousText({ malicious }: Report): string {
  return `${malicious.length}, ${malicious.filter(({ bannedBy }) => bannedBy.length > 0).length}`;
}

function disseminationRows({ dissemination }: Report): [string, string][] {
  const { touchedPerInterested: share, relaysCrossed, latencyPerFlood } = dissemination;
  const spread = ({ median, p90, p99 }: Spread): string =>
    [median, p90, p99].map((value) => value.toFixed(2)).join(', ');
  return [
    ['Relays touched per interested p50, p90, p99', spread(share)],
    ['Relays crossed p50, p90, p99', `${relaysCrossed.median}, ${relaysCrossed.p90}, ${relaysCrossed.p99}`],
    ['Latency per flooding p50, p90, p99', spread(latencyPerFlood)],
  ];
}

function figuresOf(report: Report): [string, string][] {
  const { delayMs, deliveries, deliveriesDue } = report;
  const share = deliveriesDue === 0 ? 0 : (100 * deliveries) / deliveriesDue;
  const count = (value: number) => value.toLocaleString('en');
  return [
    ['Peers, starts', `${count(report.peers)}, ${count(report.starts)}`],
    ['Messages asked for, acknowledged', `${count(report.asked)}, ${count(report.acknowledged)}`],
    ['Refused, kept elsewhere', `${count(report.refused)}, ${count(report.stored)}`],
    ['Deliveries made of those due', `${count(deliveries)} of ${count(deliveriesDue)}, ${share.toFixed(1)}%`],
    [
      'Delay p50, p99, longest',
      `${describeMs(delayMs.median)}, ${describeMs(delayMs.p99)}, ${describeMs(delayMs.max)}`,
    ],
    ['Copies per relay touched', report.copiesPerRelay.toFixed(2)],
    ['Copies per delivery', report.copiesPerDelivery.toFixed(2)],
    ...disseminationRows(report),
    ...(report.malicious.length === 0
      ? []
      : [['Malicious peers, banned', maliciousText(report)] as [string, string]]),
    ['Bytes sent', bytesText(report.bytes)],
    ['Frames sent, dropped at full queues', `${count(report.frames)}, ${count(report.framesDropped)}`],
    ['Simulated time', describeMs(report.virtualMs)],
  ];
}

/** @param verdict `passed`, or which checker failed */
export function collectPicture(
  world: World,
  reporter: Reporter,
  { report, verdict }: { report: Report; verdict: string },
): PictureData {
  const map = mapOf(world, reporter);
  const relays = map.peers.filter(({ isRelay }) => isRelay).length;
  const { delayMs } = report;
  return {
    title: `${report.scenario}, seed ${report.seed}: ${verdict}`,
    description:
      `A simulated mesh of ${relays} relays and ${map.peers.length - relays} leaves with ${map.links.length} links. ` +
      `${report.deliveries} of ${report.deliveriesDue} deliveries were made, half of them within ` +
      `${describeMs(delayMs.median)}, 99% within ${describeMs(delayMs.p99)}, the last after ${describeMs(delayMs.max)}.`,
    map: { ...map, tree: reporter.dissemination.tree() },
    curve: { delaysMs: reporter.delays(), pairs: report.deliveriesDue },
    figures: figuresOf(report),
    frames: Object.entries(report.framesByType),
  };
}
