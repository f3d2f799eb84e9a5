/**
 * Entry of the plugin. Opens nothing: sockets and timers begin with the account.
 */
import { defineChannelPluginEntry } from 'openclaw/plugin-sdk/channel-core';
import { CHANNEL_ID, PLUGIN_DESCRIPTION, PLUGIN_NAME } from '../names.ts';
import { meshPlugin } from './channel.ts';
import { setRuntime } from './runtime.ts';
import { registerTools } from './tools.ts';

export default defineChannelPluginEntry({
  id: CHANNEL_ID,
  name: PLUGIN_NAME,
  description: PLUGIN_DESCRIPTION,
  plugin: meshPlugin,
  setRuntime,
  registerFull: registerTools,
});
