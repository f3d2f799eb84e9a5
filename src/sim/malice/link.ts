/** What a malicious peer knows of each of its links. */
import type { LinkId } from '../../core/contract.ts';

/** A link that is up, as the malicious end knows it. */
export interface MaliceLink {
  readonly id: LinkId;
  /** proven id of the other end */
  readonly peer: string;
  /** the other end says that it is a relay */
  isRelay: boolean;
}
