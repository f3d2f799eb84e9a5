/**
 * Sends that do not come out of a turn's own dispatch: `openclaw message send`, the agent's message tool, and
 * what OpenClaw delivers again after a crash. An agent's runtime sends them, so they are marked automatic.
 */
import { PlatformMessageNotDispatchedError } from 'openclaw/plugin-sdk/error-runtime';
import { ACCOUNT_ID, describeMissing, resolveAccount } from '../config.ts';
import { DataFolderDesk, type Desk, explain, isRefusal, neverLeft } from '../desk.ts';
import { live } from '../live.ts';
import { isRestartNote } from '../payload.ts';
import { explainTarget, formatTarget, parseTarget, type Target } from '../target.ts';

export interface SendRequest {
  readonly cfg: unknown;
  readonly to: string;
  readonly text: string;
  /** the runtime tells of a failure */
  readonly isError?: boolean | undefined;
  readonly accountId?: string | null | undefined;
  readonly replyToId?: string | null | undefined;
  readonly deliveryQueueId?: string | undefined;
  readonly deliveryPartIndex?: number | undefined;
  readonly onPlatformSendDispatch?: (() => Promise<void>) | undefined;
  readonly assertDirectAdapterHandoff?: (() => void) | undefined;
}

export interface Sent {
  /** id of the message; a made-up one where the text was left out on purpose */
  readonly messageId: string;
  readonly to: string;
}

/**
 * One send of OpenClaw has one key, also when it is tried again after a crash: then the daemon publishes it
 * once.
 */
function keyOf({ deliveryQueueId, deliveryPartIndex }: SendRequest): string | undefined {
  return deliveryQueueId === undefined ? undefined : `openclaw-${deliveryQueueId}-${deliveryPartIndex ?? 0}`;
}

async function publish(desk: Desk, request: SendRequest, target: Target): Promise<string | undefined> {
  if (isRestartNote(request.text)) return undefined;
  if (target.kind === 'reply') {
    const worker = live().accounts.get(request.accountId ?? ACCOUNT_ID)?.worker;
    if (worker === undefined)
      throw notSent('The mesh channel of this gateway does not run.', { retryable: true });
    // A text that does not come out of the item's own dispatch; `in-flight.ts` says how it is numbered.
    const isNotice = request.isError === true;
    return (await worker.publish(target.number, request.text, { isNotice, isRepeated: true })).at(0);
  }
  const reply = request.replyToId ?? undefined;
  const sent = await desk.publish(
    { channel: target.channel, body: request.text, automatic: true, ...(reply !== undefined && { reply }) },
    { idempotencyKey: keyOf(request) },
  );
  return sent.id;
}

function notSent(reason: string, { cause, retryable }: { cause?: unknown; retryable: boolean }): Error {
  return new PlatformMessageNotDispatchedError(reason, { cause, retryable });
}

/**
 * Throws PlatformMessageNotDispatchedError where nothing was published for certain, so that OpenClaw may try
 * again.
 */
export async function sendText(request: SendRequest): Promise<Sent> {
  const missing = describeMissing(request.cfg);
  if (missing !== undefined) throw notSent(missing, { retryable: false });
  const target = parseTarget(request.to);
  if (target === undefined) throw notSent(explainTarget(request.to), { retryable: false });
  await request.onPlatformSendDispatch?.();
  request.assertDirectAdapterHandoff?.();
  const desk = new DataFolderDesk(resolveAccount(request.cfg).dataFolder);
  try {
    const messageId = (await publish(desk, request, target)) ?? 'not-published';
    return { messageId, to: formatTarget(target) };
  } catch (error) {
    if (error instanceof PlatformMessageNotDispatchedError) throw error;
    const refused = isRefusal(error);
    if (!refused && !neverLeft(error)) throw error;
    // OpenClaw may send an answer of the agent later. Whoever sends to a channel hears that it failed, and
    // decides.
    throw notSent(explain(error), { cause: error, retryable: !refused && target.kind === 'reply' });
  } finally {
    desk.close();
  }
}
