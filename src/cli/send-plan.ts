import type { PublishJson, WaitState } from '../api/client/index.ts';

/** What all messages of one command have in common. */
export interface SendPlan {
  readonly message: Omit<PublishJson, 'body'>;
  /** ids, or names of contacts */
  readonly mentions: readonly string[];
  readonly wait: WaitState | undefined;
  readonly timeoutSeconds: number | undefined;
  readonly idempotencyKey: string | undefined;
}
