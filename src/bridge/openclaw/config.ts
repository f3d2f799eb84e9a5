/**
 * The section `channels.mesh` of OpenClaw's configuration. It names the data folder of the daemon and holds
 * no secret: address and token are read there each time, so a moved port or a new token needs no change here.
 */
import path from 'node:path';
import { BRIDGE_LIMITS, CHANNEL_ID } from './names.ts';
import { asRecord } from './record.ts';

export interface MeshSection {
  readonly enabled?: boolean;
  readonly name?: string;
  /** absolute path */
  readonly dataFolder?: string;
  /** characters of one published message */
  readonly textLimit?: number;
}

export interface MeshAccount {
  readonly accountId: string;
  readonly name?: string;
  readonly enabled: boolean;
  readonly configured: boolean;
  /** empty where it is not configured */
  readonly dataFolder: string;
  readonly textLimit: number;
}

/** The only account: a gateway attaches one agent to one daemon so far. */
export const ACCOUNT_ID = 'default';

/** The section as it stands in a configuration; fields of another type count as left out. */
export function readSection(config: unknown): MeshSection {
  const section = asRecord(asRecord(asRecord(config).channels)[CHANNEL_ID]);
  const { enabled, name, dataFolder, textLimit } = section;
  return {
    ...(typeof enabled === 'boolean' && { enabled }),
    ...(typeof name === 'string' && name.trim() !== '' && { name: name.trim() }),
    ...(typeof dataFolder === 'string' && dataFolder.trim() !== '' && { dataFolder: dataFolder.trim() }),
    ...(typeof textLimit === 'number' && Number.isFinite(textLimit) && { textLimit }),
  };
}

function clampTextLimit(limit: number | undefined): number {
  const { textCharsDefault, textCharsMin, textCharsMax } = BRIDGE_LIMITS;
  if (limit === undefined) return textCharsDefault;
  return Math.min(textCharsMax, Math.max(textCharsMin, Math.floor(limit)));
}

/**
 * A relative folder would mean another one for each process that reads it, so it counts as not configured.
 */
export function resolveAccount(config: unknown): MeshAccount {
  const { enabled, name, dataFolder, textLimit } = readSection(config);
  const configured = dataFolder !== undefined && path.isAbsolute(dataFolder);
  return {
    accountId: ACCOUNT_ID,
    ...(name !== undefined && { name }),
    enabled: enabled !== false,
    configured,
    dataFolder: configured ? dataFolder : '',
    textLimit: clampTextLimit(textLimit),
  };
}

/** What a person is told where the section is not enough to begin, or undefined. */
export function describeMissing(config: unknown): string | undefined {
  const { dataFolder } = readSection(config);
  const how = `Run "openclaw channels add --channel ${CHANNEL_ID} --data-folder FOLDER".`;
  if (dataFolder === undefined) return `channels.${CHANNEL_ID}.dataFolder is not set. ${how}`;
  if (path.isAbsolute(dataFolder)) return undefined;
  return `channels.${CHANNEL_ID}.dataFolder is "${dataFolder}", which is no absolute path. ${how}`;
}
