/**
 * Damaged rows: what a host has stored as the content of some messages is something else, and its scrub finds that, as
 * `daemon/scrubber.ts` does: they are hidden and wanted, and the core is told.
 */
import type { Random } from '../core/random.ts';
import type { Host } from './host.ts';
import type { World } from './world.ts';

/** A host's disk damages these messages, whose content it holds. */
export function damage(world: World, host: Host, ids: readonly string[]): void {
  const { memory } = host.options;
  for (const id of ids) memory.damage(id);
  memory.scrub.restart();
  const all = Number.MAX_SAFE_INTEGER;
  memory.scrub.page(() => true, { messages: all, bytes: all, wallMs: world.wallMs(host) });
  for (const id of ids) host.damaged.add(id);
  for (const observer of world.network.observers) observer.damaged?.(host, ids);
  world.network.trace.add(`${host.name} finds ${ids.length} messages damaged`);
  if (host.isUp) world.network.deliver(host, { kind: 'damaged' });
}

/** Damages a half of what one of `names` holds of a channel and one of the relays besides: so it can come again. */
export function damageSome(
  world: World,
  random: Random,
  { names, relays, channel }: Readonly<Record<'names' | 'relays', readonly string[]> & { channel: string }>,
): void {
  const host = world.host(names[random.below(names.length)] as string);
  const others = world.up(relays).filter((relay) => relay !== host);
  const ids = host.store
    .readPage({ channel, limit: 10_000, wallMs: world.wallMs(host) })
    .map(({ message }) => message.message.idText)
    .filter((id) => others.some(({ store }) => store.readMessage(id) !== undefined))
    .filter(() => random.unit() < 0.5);
  damage(world, host, ids);
  world.counts.add('damaged', ids.length);
}
