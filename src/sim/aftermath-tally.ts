/** Counts what honest disks are told in the scenario `aftermath`: which of its parts have happened. */
import type { PersistOp, PersistResult } from '../core/persistence.ts';
import type { PersistRequest } from './disk.ts';
import type { Host } from './host.ts';
import type { Observer } from './observer.ts';
import type { World } from './world.ts';

export class AftermathTally implements Observer {
  readonly #world: World;
  readonly #putOff = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  committed(
    host: Host,
    requests: readonly PersistRequest[],
    results: readonly (readonly PersistResult[])[],
  ): void {
    if (!host.isHonest) return;
    for (const [i, { ops }] of requests.entries())
      for (const [j, op] of ops.entries()) this.#note(host, op, results[i]?.[j]);
    for (const result of results.flat()) this.#see(result);
  }

  /** What honest people wrote is put off at this host, or comes there after that. */
  #note(host: Host, op: PersistOp, result: PersistResult | undefined): void {
    if (op.kind !== 'put-off' && op.kind !== 'message') return;
    const { idText } = op.message.message;
    if (this.#world.registry.byId(idText) === undefined) return;
    const place = `${host.name} ${idText}`;
    if (op.kind === 'put-off') {
      this.#putOff.add(place);
      this.#world.counts.add('put off');
    } else if (result?.kind === 'message' && result.inserted) {
      if (this.#putOff.delete(place)) this.#world.counts.add('put off, and came');
      else if (host.damaged.has(idText)) this.#world.counts.add('damaged, and came');
    }
  }

  #see(result: PersistResult): void {
    const { counts } = this.#world;
    if (result.kind === 'deleted') counts.add('deleted before it came');
    if (result.kind === 'superseded') counts.add('superseded before it came');
    if (result.kind === 'pruned') counts.add('pruned', result.removed);
    if (result.kind !== 'message') return;
    if (result.isGap) counts.add('gaps');
    if (result.equivocates) counts.add('equivocations proven');
  }
}
