/**
 * `openclaw channels add --channel mesh --data-folder FOLDER [--owner IDENTITY]`.
 */
import path from 'node:path';
import { defineChannelSetupContract } from 'openclaw/plugin-sdk/channel-setup';
import { patchTopLevelChannelConfigSection } from 'openclaw/plugin-sdk/setup';
import { resolveDataFolder } from '../../../api/client/data-folder.ts';
import { readSection } from '../config.ts';
import { DataFolderDesk, explain } from '../desk.ts';
import { CHANNEL_ID } from '../names.ts';
import { hasOwner, withOwner } from '../owners.ts';
import { SETUP_FIELDS } from '../setup-fields.ts';
import { withSilence } from '../silence.ts';

interface SetupInput {
  readonly name?: string;
  readonly dataFolder?: string;
  readonly owner?: string;
}

function given(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text.trim();
}

/** Asks the daemon who it is, where nobody owns the commands yet. Throws where it cannot be asked. */
async function askIdentity(dataFolder: string): Promise<string> {
  const desk = new DataFolderDesk(dataFolder);
  try {
    return (await desk.status()).identity;
  } catch (error) {
    throw new Error(
      `The daemon of ${dataFolder} cannot be asked for its identity: ${explain(error)} ` +
        'Or say with --owner who may run commands.',
      { cause: error },
    );
  } finally {
    desk.close();
  }
}

async function prepareInput(config: unknown, input: SetupInput): Promise<SetupInput> {
  const flag = given(input.dataFolder) ?? readSection(config).dataFolder;
  const dataFolder = resolveDataFolder({ cwd: process.cwd(), env: process.env, flag });
  const named = given(input.owner)?.replace(/^mesh:/, '');
  // OpenClaw takes back only the fields that it knows, so the daemon's own identity comes as the owner.
  const owner = named ?? (hasOwner(config) ? undefined : await askIdentity(dataFolder));
  return { ...input, dataFolder, ...(owner !== undefined && { owner }) };
}

export const setupContract = defineChannelSetupContract({
  fields: SETUP_FIELDS,
  adapter: {
    prepareAccountConfigInput: ({ cfg, input }) => prepareInput(cfg, input),
    validateInput: ({ input }) => {
      const owner = given(input.owner);
      if (owner !== undefined && !/^(?:mesh:)?[\w-]{43}$/.test(owner)) {
        return `--owner "${owner}" is no identity: write what "mesh id" of that person says.`;
      }
      const folder = given(input.dataFolder);
      return folder === undefined || path.isAbsolute(folder) ? null : `"${folder}" is no absolute path.`;
    },
    applyAccountConfig: ({ cfg, input }) => {
      const { dataFolder, owner }: SetupInput = input;
      const withSection = patchTopLevelChannelConfigSection({
        cfg,
        channel: CHANNEL_ID,
        enabled: true,
        patch: dataFolder === undefined ? {} : { dataFolder },
      });
      const quiet = withSilence(withSection);
      return owner === undefined ? quiet : withOwner(quiet, owner);
    },
  },
});
