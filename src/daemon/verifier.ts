/**
 * Checks signatures. What comes is checked at once, except for bulks, which a newcomer fetches. Those wait until the sockets
 * that are ready have been read; and as long as anything else comes they are checked some at a time, and take a share of
 * the time only: what follows a check, commits above all, takes as long again.
 *
 * Invariants:
 * 1. Each token is answered once, with one proof for each check, in their order.
 * 2. What waits is bounded: beyond {@link WAITING_MAX} checks the caller, who is the one that reads sockets, waits.
 */
import type { Effect, Token } from '../core/contract.ts';
import {
  type Ed25519Verify,
  type SignatureCheck,
  type Verification,
  verifySignature,
} from '../core/message/verified.ts';
import type { Later } from './committer.ts';

/** Checks in one turn of the event loop: at 50 us each about as long as a commit of a few messages takes. */
const PIECE = 32;
/** Checks that may wait (guess: the answers of four links). */
const WAITING_MAX = 2048;

/** For so long after anything else bulks leave time for more of it, ms (guess). */
const LIVE_MS = 1000;
/** The time left after a piece, in lengths of the piece: bulks have about 40% of the event loop then (derived: checks are half
 *  of their work). */
const REST = 4;

type VerifyEffect = Extract<Effect, { kind: 'verify' }>;

interface Job {
  readonly token: Token;
  readonly checks: readonly SignatureCheck[];
  readonly proofs: (Verification | undefined)[];
}

export interface VerifierOptions {
  readonly verify: Ed25519Verify;
  readonly later: Later;
  /** ms on a clock that never goes back */
  readonly clock: () => number;
  readonly onVerified: (token: Token, proofs: readonly (Verification | undefined)[]) => void;
}

export class Verifier {
  readonly #options: VerifierOptions;
  #jobs: Job[] = [];
  #waiting = 0;
  #cancel: (() => void) | undefined;
  #liveMs = Number.NEGATIVE_INFINITY;
  /** bulks leave time for others until then */
  #restUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: VerifierOptions) {
    this.#options = options;
  }

  add({ token, checks, isBulk = false }: VerifyEffect): void {
    const { verify, onVerified, clock } = this.#options;
    if (!isBulk || checks.length === 0) {
      this.#liveMs = clock();
      return onVerified(
        token,
        checks.map((check) => verifySignature(verify, check)),
      );
    }
    this.#jobs.push({ token, checks, proofs: [] });
    this.#waiting += checks.length;
    while (this.#waiting > WAITING_MAX) this.#step(PIECE);
    this.#schedule();
  }

  /** Forgets what waits. */
  discard(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#jobs = [];
    this.#waiting = 0;
  }

  #schedule(): void {
    if (this.#cancel !== undefined || this.#jobs.length === 0) return;
    const { later, clock } = this.#options;
    const run = (): void => {
      const beginMs = clock();
      const isLive = beginMs - this.#liveMs < LIVE_MS;
      // All of it together where nobody else waits: commits are the larger for it, and cheaper.
      const end = isLive ? Math.max(0, this.#waiting - PIECE) : 0;
      while (this.#waiting > end) this.#step(this.#waiting - end);
      const endMs = clock();
      this.#restUntilMs = isLive ? endMs + REST * (endMs - beginMs) : endMs;
      this.#cancel = undefined; // not before: an answer may have brought the next job
      this.#schedule();
    };
    const restMs = this.#restUntilMs - clock();
    this.#cancel = restMs < 1 ? later.soon(run) : later.after(restMs, run);
  }

  /** Goes on with the first job. @param most checks */
  #step(most: number): void {
    const job = this.#jobs[0];
    if (job === undefined) return;
    const { token, checks, proofs } = job;
    const piece = checks.slice(proofs.length, proofs.length + most);
    for (const check of piece) proofs.push(verifySignature(this.#options.verify, check));
    this.#waiting -= piece.length;
    if (proofs.length < checks.length) return;
    this.#jobs.shift();
    this.#options.onVerified(token, proofs);
  }
}
