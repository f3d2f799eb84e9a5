/** What the two ends of one link told each other. */
export interface LinkInterest {
  /** told by us, with floors */
  readonly mine: Map<string, number>;
  /** told by them */
  readonly theirs: Map<string, number>;
  /** of these, those that are kept as far back as they say although they are a newcomer */
  readonly deep: Set<string>;
  /** what a visit of ours is about */
  offered: readonly string[];
  /** whether they said that they keep our channels while we are away */
  keepsMailbox: boolean;
}

export function createLinkInterest(): LinkInterest {
  return { mine: new Map(), theirs: new Map(), deep: new Set(), offered: [], keepsMailbox: false };
}
