/**
 * Lets an agent be silent. In channels where each message of a contact wakes it, most of them are not for it;
 * without this OpenClaw takes silence for a failure, asks the model once more, and tells the channel that
 * something went wrong. Whoever is mentioned or answered owes an answer all the same.
 */
import { CHANNEL_ID } from './names.ts';
import { asRecord } from './record.ts';

/** The configuration with silence allowed on this channel, unless its owner has decided already. */
export function withSilence<T extends object>(config: T): T {
  const surfaces = asRecord(asRecord(config).surfaces);
  const mesh = asRecord(surfaces[CHANNEL_ID]);
  const silentReply = asRecord(mesh.silentReply);
  if (silentReply.group !== undefined) return config;
  const changed = { ...mesh, silentReply: { ...silentReply, group: 'allow' } };
  return { ...config, surfaces: { ...surfaces, [CHANNEL_ID]: changed } };
}
