/**
 * The API as the door that a daemon is started with. Its grants come from two tokens in the data folder: the owner's,
 * and that of the program which the agent runs in.
 */
import path from 'node:path';
import type { CreateDoor } from '../daemon/index.ts';
import { AGENT_TOKEN_FILE, TOKEN_FILE } from './client/types.ts';
import { createGrants, type Grant, loadOrCreateToken, OWNER } from './grants.ts';
import { createApi } from './server.ts';

/** Reads, writes and takes from the inbox; who may wake the agent stays the owner's to say. */
function agentGrant(identity: string): Grant {
  return { id: 'agent', scopes: ['status', 'messages:read', 'messages:write', 'agent'], identity };
}

/** For `startDaemon({ createDoor })`. Throws `key_exposed`, `key_unreadable` and `data_folder`. */
export const createApiDoor: CreateDoor = ({ gate, log, version, dataFolder }) => {
  const owner = loadOrCreateToken(path.join(dataFolder, TOKEN_FILE), OWNER);
  const agent = loadOrCreateToken(path.join(dataFolder, AGENT_TOKEN_FILE), agentGrant(gate.agent.identity));
  return createApi({ gate, grants: createGrants([owner, agent]), version, log });
};
