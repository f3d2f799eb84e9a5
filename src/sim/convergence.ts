/**
 * Convergence: whoever wants a channel has every message of it that exists, as far as its own retention lets it.
 */
import type { Checked } from './checker.ts';
import type { Host } from './host.ts';
import type { Publication } from './registry.ts';

export interface Difference {
  readonly channel: string;
  readonly host: Host;
  readonly missing: readonly string[];
}

function isMissing(world: Checked, host: Host, publication: Publication): boolean {
  const { message } = publication;
  if (message === undefined || host.store.readMessage(message.idText) !== undefined) return false;
  return world.keeps(host, publication);
}

/** Interested hosts that lack messages of their channels. @param among hosts that should have everything */
export function findDifferences(world: Checked, among: readonly Host[]): Difference[] {
  const differences: Difference[] = [];
  for (const host of among) {
    for (const channel of world.interests(host)) {
      const missing = world.registry
        .committedIn(channel)
        .filter((publication) => isMissing(world, host, publication))
        .map(({ message }) => message?.idText ?? '');
      if (missing.length > 0) differences.push({ channel, host, missing });
    }
  }
  return differences;
}

/** Throws unless everybody of `among` has everything of the channels that they joined. */
export function checkConvergence(world: Checked, among: readonly Host[]): void {
  const differences = findDifferences(world, among);
  if (differences.length === 0) return;
  const lines = differences.slice(0, 10).map(({ channel, host, missing }) => {
    const from = missing
      .slice(0, 5)
      .map((id) => `${id.slice(0, 8)} of ${world.registry.byId(id)?.host.name}`);
    return `${host.name} lacks ${missing.length} of ${channel}: ${from.join(', ')}`;
  });
  const first = differences[0] as Difference;
  throw world.failure('convergence', lines.join('\n'), [first.host.name]);
}

interface Witness {
  readonly host: Host;
  readonly publication: Publication;
}

/** Asks again and again whether convergence is reached, and looks first at what was missing the last time. */
export class ConvergenceWatch {
  readonly #world: Checked;
  #witness: Witness | undefined;

  constructor(world: Checked) {
    this.#world = world;
  }

  isReached(among: readonly Host[]): boolean {
    const known = this.#witness;
    if (known && among.includes(known.host) && isMissing(this.#world, known.host, known.publication))
      return false;
    this.#witness = this.#find(among);
    return this.#witness === undefined;
  }

  #find(among: readonly Host[]): Witness | undefined {
    for (const host of among) {
      for (const channel of this.#world.interests(host)) {
        for (const publication of this.#world.registry.committedIn(channel))
          if (isMissing(this.#world, host, publication)) return { host, publication };
      }
    }
    return undefined;
  }
}
