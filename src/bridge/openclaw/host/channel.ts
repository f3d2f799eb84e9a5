/**
 * The channel plugin as OpenClaw sees it.
 */
import {
  adaptScopedAccountAccessor,
  createScopedChannelConfigAdapter,
} from 'openclaw/plugin-sdk/channel-config-helpers';
import { buildChannelOutboundSessionRoute, createChatChannelPlugin } from 'openclaw/plugin-sdk/channel-core';
import {
  createMessageReceiptFromOutboundResults,
  defineChannelMessageAdapter,
} from 'openclaw/plugin-sdk/channel-outbound';
import {
  buildBaseChannelStatusSummary,
  collectStatusIssuesFromLastError,
  createComputedAccountStatusAdapter,
  createDefaultChannelRuntimeState,
} from 'openclaw/plugin-sdk/status-helpers';
import { ACCOUNT_ID, type MeshAccount, resolveAccount } from '../config.ts';
import { toConversation } from '../conversation.ts';
import { DataFolderDesk, explain } from '../desk.ts';
import { contactsOf } from '../live.ts';
import { BRIDGE_LIMITS, CHANNEL_ID, CHANNEL_LABEL, PLUGIN_DESCRIPTION } from '../names.ts';
import { MESH_GUIDANCE } from '../provenance.ts';
import { formatTarget, parseTarget, TARGET_HINT } from '../target.ts';
import { startAccount } from './gateway.ts';
import { MESH_IDENTITY } from './inbound.ts';
import { type SendRequest, sendText } from './outbound.ts';
import { setupContract } from './setup.ts';

interface Probe {
  readonly ok: boolean;
  readonly identity?: string;
  readonly links?: number;
  readonly error?: string;
}

/** Asks the daemon itself, so that the answer is about now and not about what the gateway remembers. */
async function probe(account: MeshAccount): Promise<Probe> {
  const desk = new DataFolderDesk(account.dataFolder);
  try {
    const { identity, links } = await desk.status();
    return { ok: true, identity, links: links.length };
  } catch (error) {
    return { ok: false, error: explain(error) };
  } finally {
    desk.close();
  }
}

async function send(request: SendRequest) {
  const { messageId, to } = await sendText(request);
  const results = [{ channel: CHANNEL_ID, messageId, conversationId: to }];
  return { messageId, receipt: createMessageReceiptFromOutboundResults({ results, kind: 'text' }) };
}

const message = defineChannelMessageAdapter({
  id: CHANNEL_ID,
  durableFinal: {
    capabilities: { text: true, replyTo: true },
    // The daemon publishes a send of ours once, by its key, so OpenClaw may simply send again what it is
    // unsure about.
    reconcileUnknownSendKinds: { text: true },
    automaticUnknownSendReconciliation: true,
    reconcileUnknownSend: () => ({ status: 'not_sent' }),
  },
  send: {
    text: send,
    // Failures come here, because they are asked for below, and with their mark.
    payload: (request) => send({ ...request, isError: request.payload.isError }),
  },
});

const config = {
  ...createScopedChannelConfigAdapter<MeshAccount>({
    sectionKey: CHANNEL_ID,
    listAccountIds: () => [ACCOUNT_ID],
    resolveAccount: adaptScopedAccountAccessor(({ cfg }) => resolveAccount(cfg)),
    defaultAccountId: () => ACCOUNT_ID,
    clearBaseFields: ['name', 'dataFolder', 'textLimit'],
    resolveAllowFrom: (account) => [...contactsOf(account.accountId)],
    formatAllowFrom: (entries) => entries.map((entry) => MESH_IDENTITY.normalize(String(entry))),
  }),
  isConfigured: (account: MeshAccount) => account.configured,
  isEnabled: (account: MeshAccount) => account.enabled,
  describeAccount: ({ accountId, name, enabled, configured }: MeshAccount) => ({
    accountId,
    enabled,
    configured,
    ...(name !== undefined && { name }),
  }),
  inspectAccount: (cfg: unknown) => {
    const { accountId, enabled, configured } = resolveAccount(cfg);
    return { accountId, enabled, configured };
  },
};

export const meshPlugin = createChatChannelPlugin<MeshAccount, Probe>({
  base: {
    id: CHANNEL_ID,
    meta: {
      id: CHANNEL_ID,
      label: CHANNEL_LABEL,
      selectionLabel: `${CHANNEL_LABEL} (local daemon)`,
      docsPath: `/channels/${CHANNEL_ID}`,
      blurb: PLUGIN_DESCRIPTION,
      order: 95,
    },
    capabilities: { chatTypes: ['channel'], reply: true, media: false, blockStreaming: true },
    reload: { configPrefixes: [`channels.${CHANNEL_ID}`] },
    setupContract,
    config,
    agentPrompt: { messageToolHints: () => [MESH_GUIDANCE] },
    messaging: {
      targetPrefixes: [CHANNEL_ID],
      targetIdComparison: 'case-sensitive',
      normalizeTarget: (raw) => {
        const target = parseTarget(raw);
        return target && formatTarget(target);
      },
      inferTargetChatType: ({ to }) => (parseTarget(to) === undefined ? undefined : 'channel'),
      targetResolver: { looksLikeId: (raw) => parseTarget(raw) !== undefined, hint: TARGET_HINT },
      resolveOutboundSessionRoute: ({ cfg, agentId, accountId, target }) => {
        const parsed = parseTarget(target);
        if (parsed === undefined) return null;
        return buildChannelOutboundSessionRoute({
          cfg,
          agentId,
          channel: CHANNEL_ID,
          accountId: accountId ?? ACCOUNT_ID,
          recipientSessionExact: true,
          peer: { kind: 'channel', id: toConversation(parsed.channel) },
          chatType: 'channel',
          from: `${CHANNEL_ID}:${accountId ?? ACCOUNT_ID}`,
          to: formatTarget(parsed),
        });
      },
    },
    status: createComputedAccountStatusAdapter<MeshAccount, Probe>({
      collectStatusIssues: (accounts) => collectStatusIssuesFromLastError(CHANNEL_ID, accounts),
      defaultRuntime: createDefaultChannelRuntimeState(ACCOUNT_ID),
      buildChannelSummary: ({ snapshot }) => ({
        ...buildBaseChannelStatusSummary(snapshot),
        probe: snapshot.probe,
      }),
      probeAccount: ({ account }) => probe(account),
      resolveAccountSnapshot: ({ account }) => ({
        accountId: account.accountId,
        enabled: account.enabled,
        configured: account.configured,
      }),
    }),
    gateway: { startAccount },
    message,
  },
  outbound: {
    base: {
      deliveryMode: 'gateway',
      textChunkLimit: BRIDGE_LIMITS.textCharsDefault,
      sendTextOnlyErrorPayloads: true,
    },
    attachedResults: { channel: CHANNEL_ID, sendText: (request) => sendText(request) },
  },
});
