/**
 * The account's life in the gateway: from start to the abort signal.
 */
import type { ChannelGatewayContext } from 'openclaw/plugin-sdk/channel-contract';
import { chunkTextForOutbound } from 'openclaw/plugin-sdk/text-chunking';
import { describeMissing, type MeshAccount } from '../config.ts';
import { type ConnectionEvents, keepConnected, Reattach } from '../connection.ts';
import { DataFolderDesk } from '../desk.ts';
import { type LiveAccount, live } from '../live.ts';
import { REAL_PACE } from '../retry.ts';
import { InboxWorker, type Log } from '../worker.ts';
import { createRuntime } from './inbound.ts';

type Context = ChannelGatewayContext<MeshAccount>;

/** OpenClaw puts the name of the channel before each line. */
function toLog(ctx: Context): Log {
  return {
    info: (text) => ctx.log?.info?.(text),
    warn: (text) => ctx.log?.warn?.(text),
  };
}

function createWorker(ctx: Context, desk: DataFolderDesk, reattach: Reattach): InboxWorker {
  return new InboxWorker({
    desk,
    runtime: createRuntime(ctx),
    signal: ctx.abortSignal,
    reattach: () => reattach.request(),
    pace: REAL_PACE,
    log: toLog(ctx),
    textLimit: ctx.account.textLimit,
    split: chunkTextForOutbound,
  });
}

/** Hands items to the worker and tells OpenClaw what the connection is like right now. */
function createEvents(ctx: Context, state: LiveAccount): ConnectionEvents {
  const { accountId } = ctx;
  const log = toLog(ctx);
  return {
    attached: (attached) => {
      if (state.attached === undefined) {
        log.info(`attached to the daemon of ${ctx.account.dataFolder} as ${attached.identity}`);
        ctx.setStatus({
          accountId,
          running: true,
          connected: true,
          lifecycle: 'ready',
          lastConnectedAt: Date.now(),
          lastError: null,
          reconnectAttempts: 0,
        });
      }
      state.attached = attached;
    },
    item: (item) => {
      const now = Date.now();
      ctx.setStatus({ accountId, lastInboundAt: now, lastMessageAt: now });
      return state.worker.take(item);
    },
    lost: (reason, attempt) => {
      state.attached = undefined;
      // Once, not with each try: the daemon may be away for days.
      if (attempt === 1) log.warn(reason);
      ctx.setStatus({
        accountId,
        connected: false,
        lifecycle: 'recovering',
        lastError: reason,
        reconnectAttempts: attempt,
        lastDisconnect: { at: Date.now(), error: reason },
      });
    },
  };
}

/** Stays pending until the signal fires: an account that ends earlier would be started again. */
export async function startAccount(ctx: Context): Promise<void> {
  const { account, accountId, abortSignal: signal } = ctx;
  const missing = describeMissing(ctx.cfg);
  if (missing !== undefined) throw new Error(missing);
  const desk = new DataFolderDesk(account.dataFolder);
  const reattach = new Reattach();
  const state: LiveAccount = { worker: createWorker(ctx, desk, reattach), attached: undefined };
  live().accounts.set(accountId, state);
  signal.addEventListener('abort', () => state.worker.stop(), { once: true });
  ctx.setStatus({
    accountId,
    running: true,
    connected: false,
    lifecycle: 'starting',
    lastStartAt: Date.now(),
  });
  try {
    const events = createEvents(ctx, state);
    await keepConnected({ dataFolder: account.dataFolder, signal, pace: REAL_PACE, events, reattach });
  } finally {
    if (live().accounts.get(accountId) === state) live().accounts.delete(accountId);
    desk.close();
    ctx.setStatus({
      accountId,
      running: false,
      connected: false,
      lifecycle: 'stopped',
      lastStopAt: Date.now(),
    });
  }
}
