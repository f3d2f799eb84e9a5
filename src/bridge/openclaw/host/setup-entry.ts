/**
 * Entry for setup and status commands, which must not start anything.
 */
import { defineSetupPluginEntry } from 'openclaw/plugin-sdk/channel-core';
import { meshPlugin } from './channel.ts';

export default defineSetupPluginEntry(meshPlugin);
