import { expect, it } from 'vitest';
import { decodeRecord, type PeerRecord } from '../core/membership/records.ts';
import type { Frame } from '../core/wire/frame.ts';
import type { Host } from './host.ts';
import { createCore } from './testing/seeds.ts';
import { World } from './world.ts';

const RELAYS = ['R1', 'R2', 'R3', 'R4'];

/** The peer record that each relay passed on last, its own or another's. */
function watchRecords(world: World): ReadonlyMap<string, PeerRecord> {
  const newest = new Map<string, PeerRecord>();
  const sending = (_host: Host, frame: Frame): void => {
    if (frame.type !== 'records') return;
    for (const { bytes } of frame.records) {
      const record = decodeRecord(bytes);
      if (record?.kind === 1 && record.sequence > (newest.get(record.peer)?.sequence ?? 0))
        newest.set(record.peer, record);
    }
  };
  world.network.observers.push({ sending });
  return newest;
}

it('tells in the records of relays how far away their neighbours are, once and not again while nothing changes', () => {
  const world = new World({ scenario: 'costs', seed: 11, createCore });
  for (const name of RELAYS) world.add(name, { fixed: RELAYS.filter((other) => other !== name) });
  const newest = watchRecords(world);
  for (const name of RELAYS) world.start(name);
  world.run(60_000);
  const peers = new Map(RELAYS.map((name) => [world.host(name).peerId, world.host(name)]));
  let links = 0;
  for (const [peer, record] of newest) {
    for (const [i, other] of record.links.entries()) {
      const ends = [peers.get(peer) as Host, peers.get(other) as Host] as const;
      const wire = world.network.dialler
        .wires()
        .find((one) => one.dialler.isOpen && one.responder.isOpen && one.connects(...ends));
      const tripMs = 2 * (wire?.latencyMs ?? 0);
      // Jitter of both ways, and a step.
      expect((record.costs[i] as number) * 4).toBeGreaterThan(tripMs - 4);
      expect((record.costs[i] as number) * 4).toBeLessThan(tripMs + 12);
      links++;
    }
  }
  expect(links).toBe(12);
  const sequences = [...newest.values()].map(({ sequence }) => sequence);
  world.run(10 * 60_000);
  expect([...newest.values()].map(({ sequence }) => sequence)).toEqual(sequences);
});
