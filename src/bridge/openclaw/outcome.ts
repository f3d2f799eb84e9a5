/**
 * From what a dispatch showed to what the daemon is told.
 *
 * OpenClaw says "dispatched" for a message that it skipped as a duplicate just as for one that it answered.
 * What differs (read in its code and seen with 2026.9.6): for a duplicate no run begins, nothing is handed to
 * a running turn, and the result does not say that silence was meant. Whoever is silent on purpose has begun
 * a run or says so.
 */
import type { AckOutcome } from '../../api/client/agent-types.ts';

export interface DispatchFacts {
  /** ingress let it in */
  readonly admitted: boolean;
  /** an agent's run began for it */
  readonly began: boolean;
  /** it was handed to a turn that was running already */
  readonly joined: boolean;
  /** the runtime says that it has nothing to say on purpose */
  readonly silent: boolean;
  /** the run ended in a failure, as the runtime says */
  readonly failed: boolean;
  /** messages published as answer, and notices */
  readonly answers: number;
  readonly notices: number;
}

/** An answer counts whatever else went wrong: the question has one. */
export function judgeOutcome(facts: DispatchFacts): AckOutcome {
  if (!facts.admitted) return 'refused';
  if (facts.answers > 0) return 'done';
  if (facts.notices > 0 || facts.failed) return 'failed';
  return facts.began || facts.joined || facts.silent ? 'done' : 'skipped';
}
