/**
 * The API as the door that a daemon is started with: its one grant comes from the token in the data folder.
 */
import path from 'node:path';
import type { CreateDoor } from '../daemon/index.ts';
import { TOKEN_FILE } from './client/types.ts';
import { createGrants, loadOrCreateToken } from './grants.ts';
import { createApi } from './server.ts';

/** For `startDaemon({ createDoor })`. Throws `key_exposed`, `key_unreadable` and `data_folder`. */
export const createApiDoor: CreateDoor = ({ gate, log, version, dataFolder }) => {
  const owner = loadOrCreateToken(path.join(dataFolder, TOKEN_FILE));
  return createApi({ gate, grants: createGrants([owner]), version, log });
};
