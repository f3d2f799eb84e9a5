/** What honest peers hold against malicious ones: offences, and bans by whom. */
import type { Effect } from '../../core/contract.ts';
import type { Host } from '../host.ts';
import type { Observer } from '../observer.ts';

/** What became of one malicious peer. */
export interface Verdict {
  readonly name: string;
  readonly kind: string;
  /** what it did, by what it was */
  readonly deeds: Readonly<Record<string, number>>;
  /** of it, noticed by honest peers */
  readonly offences: number;
  /** honest peers that banned it */
  readonly bannedBy: readonly string[];
}

interface Seen {
  offences: number;
  readonly bannedBy: Set<string>;
}

export class Verdicts implements Observer {
  readonly #hosts: () => readonly Host[];
  readonly #seen = new Map<string, Seen>();

  constructor(hosts: () => readonly Host[]) {
    this.#hosts = hosts;
  }

  effect(host: Host, effect: Effect): void {
    if (!host.isHonest || effect.kind !== 'report') return;
    const { peer } = effect.data;
    if (typeof peer !== 'string') return;
    const isOffence = effect.phrase === 'offence';
    const isBan = effect.phrase === 'link down' && effect.code === 'banned';
    if (!isOffence && !isBan) return;
    const seen = this.#seen.get(peer) ?? { offences: 0, bannedBy: new Set<string>() };
    this.#seen.set(peer, seen);
    if (isOffence) seen.offences++;
    else seen.bannedBy.add(host.name);
  }

  /** Of every malicious host, in the order of hosts. */
  list(): Verdict[] {
    return this.#hosts()
      .filter(({ isHonest }) => !isHonest)
      .map(({ name, peerId, deeds, options }) => {
        const { offences = 0, bannedBy = [] } = this.#seen.get(peerId) ?? {};
        const sorted = [...deeds].sort(([, a], [, b]) => b - a);
        const { malice: kind } = options;
        return { name, kind, deeds: Object.fromEntries(sorted), offences, bannedBy: [...bannedBy].sort() };
      });
  }
}

/** The most frequent deeds that a line names. */
const DEEDS_SHOWN = 4;

/** One line for each malicious peer. */
export function describeVerdict({ name, kind, deeds, offences, bannedBy }: Verdict): string {
  const all = Object.entries(deeds).map(([what, times]) => `${what} (${times})`);
  const did = [
    ...all.slice(0, DEEDS_SHOWN),
    ...(all.length > DEEDS_SHOWN ? [`${all.length - DEEDS_SHOWN} more`] : []),
  ];
  const blamed = `${offences} offences, banned by ${bannedBy.length === 0 ? 'nobody' : bannedBy.join(', ')}`;
  return `${name}, ${kind}: ${blamed}; ${did.length === 0 ? 'did nothing' : did.join(', ')}`;
}
