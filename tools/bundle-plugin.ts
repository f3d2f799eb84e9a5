/**
 * Builds the OpenClaw channel plugin into a folder, as OpenClaw installs it: bundles
 * `src/bridge/openclaw/host` and adds the package's own files.
 *
 * A bundle, because the plugin must load in the gateway without any package beside it. Code splitting keeps
 * one copy of what the two entries share. Not minified: people read what they install.
 */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const source = join(root, 'src', 'bridge', 'openclaw');

function readJson(file: string): Record<string, unknown> {
  const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (typeof value !== 'object' || value === null) throw new Error(`${file} holds no object.`);
  return { ...value };
}

async function bundle(outdir: string): Promise<void> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [join(source, 'host', 'index.ts'), join(source, 'host', 'setup-entry.ts')],
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    external: ['openclaw/*'],
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  });
  // A package that slipped in would have to be installed beside the plugin: stop here instead of in
  // somebody's gateway.
  for (const { imports } of Object.values(metafile.outputs)) {
    for (const { path, external } of imports) {
      if (external === true && !path.startsWith('node:') && !path.startsWith('openclaw/plugin-sdk/')) {
        throw new Error(`The bundle imports ${path}. It may use only Node.js and OpenClaw's plugin SDK.`);
      }
    }
  }
  const foreign = Object.keys(metafile.inputs).filter((input) => !input.startsWith('src/'));
  if (foreign.length > 0) throw new Error(`The bundle contains ${foreign.join(', ')}, which is not ours.`);
}

/** Replaces the folder by the built plugin, with the version of this project. */
export async function buildPlugin(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await bundle(join(folder, 'dist'));
  const { version } = readJson(join(root, 'package.json'));
  const manifest = { ...readJson(join(source, 'package', 'package.json')), version };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  for (const name of ['openclaw.plugin.json', 'README.md']) {
    copyFileSync(join(source, 'package', name), join(folder, name));
  }
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
}
