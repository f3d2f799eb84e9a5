/**
 * One item of the inbox as a turn of OpenClaw: route, ingress, context, dispatch.
 *
 * Measured with openclaw 2026.9.6: the result of a dispatch says whether the message was handed to a running
 * turn; a duplicate shows nothing at all. `outcome.ts` and `in-flight.ts` say what follows from it.
 */
import type { ChannelGatewayContext } from 'openclaw/plugin-sdk/channel-contract';
import {
  readAgentRunTerminalOutcome,
  resolveChannelInboundRouteEnvelope,
} from 'openclaw/plugin-sdk/channel-inbound';
import {
  isReplyPayloadNonTerminalToolErrorWarning,
  isReplyPayloadTerminalContent,
} from 'openclaw/plugin-sdk/reply-payload';
import type { PluginRuntime } from 'openclaw/plugin-sdk/runtime-store';
import type { InboxItemJson } from '../../../api/client/agent-types.ts';
import type { MeshAccount } from '../config.ts';
import { toConversation } from '../conversation.ts';
import { explain } from '../desk.ts';
import { contactsOf } from '../live.ts';
import { CHANNEL_ID, CHANNEL_LABEL } from '../names.ts';
import { isOwnersWord, senderOf } from '../owners.ts';
import { MESH_GUIDANCE, quoteBody, toChannelLabel, toFacts, toLabel } from '../provenance.ts';
import { formatTarget } from '../target.ts';
import type { HandedOver, HandOverHooks, Runtime } from '../worker.ts';
import { getRuntime } from './runtime.ts';

type Context = ChannelGatewayContext<MeshAccount>;

/**
 * The daemon has checked the signature, so the id is no claim. It is compared as it stands: base64url has
 * cases.
 */
export const MESH_IDENTITY = {
  key: 'mesh-identity',
  normalize: (value: string) => value.trim().replace(/^mesh:/, ''),
  authentication: 'verified' as const,
  sensitivity: 'pii' as const,
  entryIdPrefix: 'mesh-identity',
};

/** What the sessions of direct messages will need; OpenClaw's default would put all senders into one. */
const DM_SCOPE = 'per-account-channel-peer';

interface Route {
  readonly agentId: string;
  readonly sessionKey: string;
}

function resolveRoute(ctx: Context, item: InboxItemJson): Route {
  const { route } = resolveChannelInboundRouteEnvelope({
    cfg: ctx.cfg,
    channel: CHANNEL_ID,
    accountId: ctx.accountId,
    peer: { kind: 'channel', id: toConversation(item.message.channel) },
    dmScope: DM_SCOPE,
  });
  return { agentId: route.agentId, sessionKey: route.sessionKey };
}

/**
 * Whoever is addressed owes an answer; in a channel that wakes the agent always it may be silent
 * (`NO_REPLY`).
 */
function isAddressed(item: InboxItemJson): boolean {
  return item.why !== 'channel';
}

/** OpenClaw's own look at the sender. It can only refuse: the daemon has decided before. */
function resolveAccess(ctx: Context, channel: PluginRuntime['channel'], item: InboxItemJson, route: Route) {
  const { message } = item;
  const owner = isOwnersWord(ctx.cfg, item);
  // The daemon has let this author in, though the list is empty while the connection to it is down.
  const sender = senderOf(item);
  const contacts = [...new Set([...contactsOf(ctx.accountId), sender])];
  return channel.inbound.ingress.resolveStable({
    channelId: CHANNEL_ID,
    accountId: ctx.accountId,
    cfg: ctx.cfg,
    identity: MESH_IDENTITY,
    subject: { stableId: sender },
    conversation: { kind: 'channel', id: toConversation(message.channel) },
    contextBinding: {
      agentId: route.agentId,
      sessionKey: route.sessionKey,
      messageId: item.handover,
      inboundEventKind: 'user_request',
    },
    dmPolicy: 'allowlist',
    groupPolicy: 'allowlist',
    allowFrom: contacts,
    groupAllowFrom: contacts,
    mentionFacts: {
      canDetectMention: true,
      wasMentioned: isAddressed(item),
      hasAnyMention: isAddressed(item),
    },
    policy: { activation: { requireMention: false, allowTextCommands: owner } },
    command: {
      allowTextCommands: owner,
      hasControlCommand: owner && channel.text.hasControlCommand(message.body, ctx.cfg),
    },
  });
}

type Access = Awaited<ReturnType<typeof resolveAccess>>;

function buildContext(
  ctx: Context,
  channel: PluginRuntime['channel'],
  item: InboxItemJson,
  { route, access }: { readonly route: Route; readonly access: Access },
) {
  const { message } = item;
  const owner = isOwnersWord(ctx.cfg, item);
  const to = formatTarget({ kind: 'reply', number: item.number, channel: message.channel });
  const text = owner ? message.body : quoteBody(message.body);
  const label = toLabel(item);
  const sender = senderOf(item);
  return channel.inbound.buildContext({
    channelIngress: access,
    channel: CHANNEL_ID,
    accountId: ctx.accountId,
    messageId: item.handover,
    messageIdFull: item.handover,
    timestamp: Date.parse(message.time),
    from: `${CHANNEL_ID}:${sender}`,
    sender: { id: sender, name: label, isBot: item.hops > 0 },
    conversation: {
      kind: 'channel',
      id: toConversation(message.channel),
      label: toChannelLabel(message.channel),
    },
    route: {
      agentId: route.agentId,
      dmScope: DM_SCOPE,
      accountId: ctx.accountId,
      routeSessionKey: route.sessionKey,
    },
    reply: { to, originatingTo: to },
    message: {
      body: text,
      bodyForAgent: text,
      rawBody: message.body,
      commandBody: owner ? message.body : '',
      envelopeFrom: label,
      senderLabel: label,
    },
    access: {
      commands: { authorized: owner && access.commandAccess.authorized },
      mentions: { canDetectMention: true, wasMentioned: isAddressed(item), requireMention: false },
    },
    supplemental: {
      groupSystemPrompt: MESH_GUIDANCE,
      channelStructuredContext: [
        {
          label: `${CHANNEL_LABEL} message`,
          source: CHANNEL_ID,
          type: 'provenance',
          payload: toFacts(item, owner),
        },
      ],
    },
    extra: owner ? {} : { CommandInterpretationSuppressed: true },
  });
}

/** Promises of a message's way through OpenClaw's queue, next to what the worker hears. */
function watchTurn(hooks: HandOverHooks) {
  const settled = Promise.withResolvers<void>();
  let wasAdopted = false;
  return {
    /** resolves when a queued message has got its turn; rejects where OpenClaw dropped it */
    settled: settled.promise,
    lifecycle: {
      // Each message stands for itself: OpenClaw must not fold two of them into one turn that only one of
      // them names.
      admission: 'exclusive' as const,
      onAdopted: () => {
        wasAdopted = true;
        hooks.begin();
      },
      onDeferred: () => hooks.join(),
      onSettled: () => {
        if (wasAdopted) settled.resolve();
        else settled.reject(new Error('OpenClaw has dropped the message from its queue.'));
      },
    },
  };
}

type Delivery = Parameters<PluginRuntime['channel']['inbound']['dispatch']>[0]['delivery'];

function toDelivery(ctx: Context, item: InboxItemJson, hooks: HandOverHooks) {
  return {
    deliver: async (payload, { kind }) => {
      const messageIds = await hooks.deliver(
        {
          text: payload.text,
          isError: payload.isError,
          isTerminal: isReplyPayloadTerminalContent(payload),
          isToolWarning: isReplyPayloadNonTerminalToolErrorWarning(payload),
        },
        kind,
      );
      return { messageIds: [...messageIds], visibleReplySent: messageIds.length > 0 };
    },
    observeMessageSent: true,
    onError: (error) => ctx.log?.warn?.(`item ${item.number}: a reply was not delivered: ${explain(error)}`),
  } satisfies Delivery;
}

async function handOver(ctx: Context, item: InboxItemJson, hooks: HandOverHooks): Promise<HandedOver> {
  const channel = (ctx.channelRuntime as PluginRuntime['channel'] | undefined) ?? getRuntime().channel;
  const route = resolveRoute(ctx, item);
  const access = await resolveAccess(ctx, channel, item, route);
  if (access.ingress.admission !== 'dispatch') {
    ctx.log?.warn?.(`item ${item.number} is refused: ${access.ingress.reasonCode}`);
    return { admitted: false, isQueued: false, silent: false, failed: false };
  }
  const { settled, lifecycle } = watchTurn(hooks);
  settled.catch(() => undefined); // only a queued message waits for it
  const result = await channel.inbound.dispatch({
    cfg: ctx.cfg,
    channel: CHANNEL_ID,
    accountId: ctx.accountId,
    route: { ...route, dmScope: DM_SCOPE },
    ctxPayload: buildContext(ctx, channel, item, { route, access }),
    delivery: toDelivery(ctx, item, hooks),
    replyOptions: {
      sourceReplyDeliveryMode: 'automatic',
      onAgentRunStart: () => hooks.begin(),
      turnAdoptionLifecycle: lifecycle,
    },
    record: {
      onRecordError: (error) =>
        ctx.log?.warn?.(`item ${item.number} is not recorded in its session: ${explain(error)}`),
    },
  });
  const dispatched = 'dispatchResult' in result ? result.dispatchResult : undefined;
  const isQueued = dispatched?.deferredToActiveRun === 'followup';
  if (isQueued) await settled;
  return {
    admitted: result.admission.kind === 'dispatch',
    isQueued,
    silent: dispatched?.deliberateSilentTerminalReply === true,
    failed:
      dispatched?.noVisibleReplyFallbackDelivered === true ||
      readAgentRunTerminalOutcome(dispatched) === 'failed',
  };
}

/** OpenClaw as the worker sees it. */
export function createRuntime(ctx: Context): Runtime {
  return {
    sessionOf: (item) => resolveRoute(ctx, item).sessionKey,
    handOver: (item, hooks) => handOver(ctx, item, hooks),
    isBusy: (item) => {
      const { agentId, sessionKey } = resolveRoute(ctx, item);
      const entry = getRuntime().agent.session.getSessionEntry({ agentId, sessionKey });
      return entry?.status === 'running';
    },
  };
}
