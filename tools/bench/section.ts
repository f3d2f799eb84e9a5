/** What all parts of the bench share: how much they measure, and the form of what comes out. */
import type { RelayOptions } from './relay.ts';

export interface Plan {
  readonly rounds: number;
  readonly subscribers: readonly number[];
  readonly relay: Omit<RelayOptions, 'subscribers'>;
  /** messages of the histories that are caught up */
  readonly catchUp: readonly number[];
  /** messages that are fetched beside a conversation */
  readonly bulk: number;
  /** messages in the database of a start */
  readonly startUp: number;
  /** links that do nothing */
  readonly idle: number;
  /** messages of a long run */
  readonly flat: number;
  readonly curves: {
    /** leaves of a relay, its publisher apart */
    readonly links: readonly number[];
    readonly stored: readonly number[];
    readonly channels: readonly number[];
  };
}

export const QUICK: Plan = {
  rounds: 2,
  subscribers: [1, 10, 50],
  relay: { warmUp: 4000, messages: 8000, paceMs: 500 },
  catchUp: [10_000],
  bulk: 100_000,
  startUp: 100_000,
  idle: 200,
  flat: 200_000,
  curves: { links: [1, 10, 50, 249], stored: [0, 10_000, 100_000], channels: [1, 10, 100, 1000] },
};

export const FULL: Plan = {
  rounds: 5,
  subscribers: [1, 10, 50],
  relay: { warmUp: 5000, messages: 20_000, paceMs: 2000 },
  catchUp: [10_000, 100_000],
  bulk: 100_000,
  startUp: 1_000_000,
  idle: 200,
  flat: 1_000_000,
  curves: {
    links: [1, 10, 50, 249],
    stored: [0, 10_000, 100_000, 1_000_000],
    channels: [1, 10, 100, 1000, 10_000],
  },
};

/** A figure with a target. */
export interface Verdict {
  readonly what: string;
  readonly ratio: number;
  readonly max: number;
}

export interface Section {
  readonly title: string;
  readonly table: string;
  readonly verdicts: readonly Verdict[];
  /** medians, for the JSON file */
  readonly figures: Readonly<Record<string, unknown>>;
}
