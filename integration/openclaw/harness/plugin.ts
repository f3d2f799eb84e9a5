/**
 * The packed plugin, and the two commands that bring it into a gateway, as a user types them.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Gateway } from './gateway.ts';

const DIST = path.resolve(import.meta.dirname, '..', 'dist');

/** The package that `npm run pack:plugin` made last. */
export function packedPlugin(): string {
  const found = fs.existsSync(DIST) ? fs.readdirSync(DIST).filter((name) => name.endsWith('.tgz')) : [];
  const [name] = found;
  if (name === undefined) throw new Error('There is no packed plugin. Run "npm run pack:plugin" first.');
  return path.join(DIST, name);
}

/** Installs the plugin and adds its channel. @param more further arguments of `openclaw channels add` */
export async function addMesh(gateway: Gateway, dataFolder: string, ...more: string[]): Promise<void> {
  await gateway.openclaw(
    'plugins',
    'install',
    `npm-pack:${packedPlugin()}`,
    '--force',
    '--accept-capabilities',
  );
  await gateway.openclaw('channels', 'add', '--channel', 'mesh', '--data-folder', dataFolder, ...more);
  gateway.allowOnlyMesh();
}
