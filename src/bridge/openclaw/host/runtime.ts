/**
 * OpenClaw's runtime, as it gives it to the plugin when it registers.
 */
import { createPluginRuntimeStore, type PluginRuntime } from 'openclaw/plugin-sdk/runtime-store';
import { CHANNEL_ID } from '../names.ts';

export const { setRuntime, getRuntime } = createPluginRuntimeStore<PluginRuntime>({
  pluginId: CHANNEL_ID,
  errorMessage: 'The mesh plugin was used before OpenClaw registered it.',
});
