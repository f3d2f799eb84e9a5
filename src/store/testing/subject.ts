/** What the acceptance suite is run against. */
import type { ScrubStore } from '../scrub-store.ts';
import type { Store } from '../store.ts';

/** A store that checks itself. */
export type Scrubbed = Store & { readonly scrub: ScrubStore };

/** A fresh, empty store of network `NETWORK` and the way to have it opened again. */
export interface Subject {
  readonly store: Scrubbed;
  /** closes the store and opens another handle over the same content */
  reopen(): Scrubbed;
  /** the same, and what is stored as this message's content is something else by then */
  damage(id: string): Scrubbed;
}

export type OpenSubject = () => Subject;
