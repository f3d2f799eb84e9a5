/** What the acceptance suite is run against. */
import type { Store } from '../store.ts';

/** A fresh, empty store of network `NETWORK` and the way to have it opened again. */
export interface Subject {
  readonly store: Store;
  /** closes the store and opens another handle over the same content */
  reopen(): Store;
}

export type OpenSubject = () => Subject;
