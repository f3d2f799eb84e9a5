/** One link with a mesh/1 peer, as the parts of this folder share it. */
import type { Link } from '../link/link.ts';
import { Recent } from '../recent.ts';

export interface Session {
  readonly link: Link;
  /** what the other side calls itself; it proves nothing */
  readonly label: string;
  /** it passes on what it gets */
  readonly isRelay: boolean;
  /** it answers sync requests */
  readonly hasStore: boolean;
  /** open channels that it subscribed to here, with their tags */
  readonly wants: Map<string, string>;
  /** open channels that we subscribed to there */
  readonly told: Set<string>;
  /** messages that came from it or went to it */
  readonly known: RecentIds;
  /** messages that it has and nobody can verify */
  unverified: number;
  /** texts that could not be read */
  malformed: number;
  /** it was told that private channels are not carried */
  isToldPrivate: boolean;
  /** it has sent an error: further ones are no news */
  hasComplained: boolean;
}

/** Whether a channel's messages go to this peer: it asked for them, or passes on to those who did. */
export function takesChannel(session: Session, channel: string): boolean {
  return session.wants.has(channel) || (session.isRelay && session.told.has(channel));
}

/** The last so many ids; the oldest is forgotten for a new one. */
export class RecentIds {
  readonly #ids: Recent<true>;

  constructor(most: number) {
    this.#ids = new Recent(most);
  }

  has(id: string): boolean {
    return this.#ids.get(id) !== undefined;
  }

  /** @returns false if it was there */
  add(id: string): boolean {
    if (this.has(id)) return false;
    this.#ids.set(id, true);
    return true;
  }

  get size(): number {
    return this.#ids.size;
  }
}
