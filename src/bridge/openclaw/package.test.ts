import { describe, expect, it } from 'vitest';
import { readSection } from './config.ts';
import { BRIDGE_LIMITS, CHANNEL_ID, CHANNEL_LABEL, PLUGIN_DESCRIPTION, PLUGIN_NAME } from './names.ts';
import plugin from './package/openclaw.plugin.json' with { type: 'json' };
import manifest from './package/package.json' with { type: 'json' };
import { SETUP_FIELDS } from './setup-fields.ts';

describe('what OpenClaw reads before it runs any code', () => {
  it('asks for the same as the code at setup', () => {
    const fields = Object.entries(SETUP_FIELDS).map(([key, field]) => ({ key, ...field }));
    expect(manifest.openclaw.channel.setup.fields).toEqual(fields);
  });

  it('names the plugin and the channel as the code does', () => {
    expect(plugin).toMatchObject({ id: CHANNEL_ID, name: PLUGIN_NAME, description: PLUGIN_DESCRIPTION });
    expect(plugin.channels).toEqual([CHANNEL_ID]);
    expect(manifest.openclaw.channel).toMatchObject({ id: CHANNEL_ID, label: CHANNEL_LABEL });
  });

  it('allows in the configuration what the code reads, within the same limits', () => {
    const { properties } = plugin.channelConfigs.mesh.schema;
    const section = { enabled: true, name: 'x', dataFolder: '/x', textLimit: 1000 };
    expect(Object.keys(readSection({ channels: { mesh: section } })).sort()).toEqual(
      Object.keys(properties).sort(),
    );
    expect(properties.textLimit).toMatchObject({
      minimum: BRIDGE_LIMITS.textCharsMin,
      maximum: BRIDGE_LIMITS.textCharsMax,
    });
  });

  it('needs nothing installed beside the plugin', () => {
    expect(manifest).not.toHaveProperty('dependencies');
    expect(manifest.peerDependenciesMeta.openclaw.optional).toBe(true);
  });
});
