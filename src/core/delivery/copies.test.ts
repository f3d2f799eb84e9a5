/** Second keepers: who does not confirm what he is asked to keep keeps nothing else from being asked. */
import { expect, it } from 'vitest';
import type { Bytes } from '../bytes.ts';
import type { Context } from '../context.ts';
import { HOUR, KiB, LIMITS } from '../limits.ts';
import type { Link } from '../link/link.ts';
import { Copies, type CopiesParts } from './copies.ts';

const COUNT = 40;
const BYTES = 64 * KiB;

/** A leaf whose 40 messages the first home relay keeps. */
function createLeaf() {
  const rows = new Map(
    Array.from({ length: COUNT }, (_, i) => [`m${i}`, { arrival: i + 1, storedBy: ['first'], id: `m${i}` }]),
  );
  const pushed: { id: string; link: Link }[] = [];
  const links = ['first', 'second'].map((peer) => ({ peer, phase: 'up' }) as Link);
  const now = { monotonicMs: 0, wallMs: 0 };
  const ctx = {
    now,
    read: (query: { afterArrival: number; limit: number }, then: (answer: unknown) => void) =>
      then({
        rows: [...rows.values()]
          .filter(({ arrival }) => arrival > query.afterArrival)
          .slice(0, query.limit)
          .map((row) => ({ ...row, message: { message: { idText: row.id, wire: new Uint8Array(BYTES) } } })),
      }),
    persist: ([op]: readonly { ids: readonly string[] }[]) => {
      for (const id of op?.ids ?? []) rows.delete(id);
    },
  };
  const parts = {
    membership: { homes: () => links },
    journal: { pushed: () => undefined, stored: () => undefined },
    gossip: {
      outbound: {
        push: (target: { links: readonly Link[] }, { message }: { message: { idText: string } }) => {
          for (const link of target.links) pushed.push({ id: message.idText, link });
        },
      },
    },
  };
  const copies = new Copies(ctx as unknown as Context, parts as unknown as CopiesParts);
  return { copies, rows, pushed, links, now };
}

/** Lets the second relay confirm what `confirms` says, for so long. */
function run(leaf: ReturnType<typeof createLeaf>, ms: number, confirms: (id: string) => boolean): void {
  const { copies, pushed, now } = leaf;
  for (const endMs = now.monotonicMs + ms; now.monotonicMs < endMs; now.monotonicMs += 1000) {
    const from = pushed.length;
    copies.tick();
    for (const { id, link } of pushed.slice(from))
      if (confirms(id)) copies.confirmed(link, [id as unknown as Bytes], (one) => one as unknown as string);
  }
}

const isLate = (id: string) => Number(id.slice(1)) >= LIMITS.outboxWindowBytes / BYTES;

it('come to all but what nobody confirms, however much that is', () => {
  const leaf = createLeaf();
  run(leaf, 2 * LIMITS.copiesAgainMs, isLate);
  expect([...leaf.rows.keys()].filter(isLate)).toEqual([]);
  expect(leaf.rows.size).toBe(COUNT - leaf.pushed.filter(({ id }) => isLate(id)).length);
  // What is left is not given up.
  run(leaf, 4 * HOUR, () => true);
  expect(leaf.rows.size).toBe(0);
});

it('come to all but that also where the relay is linked anew', () => {
  const leaf = createLeaf();
  run(leaf, LIMITS.outboxSlowMs, isLate);
  expect(leaf.rows.size).toBe(COUNT);
  (leaf.links[1] as { phase: string }).phase = 'closed';
  leaf.links[1] = { peer: 'second', phase: 'up' } as Link;
  run(leaf, 3 * LIMITS.outboxSlowMs, isLate);
  expect([...leaf.rows.keys()].filter(isLate)).toEqual([]);
});
