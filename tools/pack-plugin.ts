/**
 * Packs the OpenClaw channel plugin: bundles `src/bridge/openclaw/host`, adds the package's own files and runs
 * `npm pack`. Everything goes to `integration/openclaw/dist`; the last line of the output is the path of the package.
 *
 * A bundle, because the plugin must load in the gateway without any package beside it. Code splitting keeps one copy of
 * what the two entries share. Not minified: people read what they install.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const source = join(root, 'src', 'bridge', 'openclaw');
const target = join(root, 'integration', 'openclaw', 'dist');
const folder = join(target, 'plugin');

function readJson(file: string): Record<string, unknown> {
  const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (typeof value !== 'object' || value === null) throw new Error(`${file} holds no object.`);
  return { ...value };
}

rmSync(target, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

const result = await build({
  absWorkingDir: root,
  entryPoints: [join(source, 'host', 'index.ts'), join(source, 'host', 'setup-entry.ts')],
  outdir: join(folder, 'dist'),
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

// A package that slipped in would have to be installed beside the plugin: stop here instead of in somebody's gateway.
for (const { imports } of Object.values(result.metafile.outputs)) {
  for (const { path, external } of imports) {
    if (external === true && !path.startsWith('node:') && !path.startsWith('openclaw/plugin-sdk/')) {
      throw new Error(
        `The bundle imports ${path}. The plugin may use only Node.js and OpenClaw's plugin SDK.`,
      );
    }
  }
}
const foreign = Object.keys(result.metafile.inputs).filter((input) => !input.startsWith('src/'));
if (foreign.length > 0) throw new Error(`The bundle contains ${foreign.join(', ')}, which is not ours.`);

const { version } = readJson(join(root, 'package.json'));
const manifest = { ...readJson(join(source, 'package', 'package.json')), version };
writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
for (const name of ['openclaw.plugin.json', 'README.md']) {
  copyFileSync(join(source, 'package', name), join(folder, name));
}
copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));

const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
const packed = execFileSync(npm, ['pack', '--silent', '--pack-destination', target], {
  cwd: folder,
  encoding: 'utf8',
  shell: process.platform === 'win32',
});
const name = packed.trim().split('\n').at(-1) ?? '';
console.log(relative(root, join(target, name)).replaceAll('\\', '/'));
