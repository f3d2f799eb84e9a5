/**
 * Packs the OpenClaw channel plugin as npm publishes it. Everything goes to `integration/openclaw/dist`; the
 * last line of the output is the path of the package.
 */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { buildPlugin } from './bundle-plugin.ts';

const root = join(import.meta.dirname, '..');
const target = join(root, 'integration', 'openclaw', 'dist');
const folder = join(target, 'plugin');
const isWindows = process.platform === 'win32';

rmSync(target, { recursive: true, force: true });
await buildPlugin(folder);
const packed = execFileSync('npm', ['pack', '--silent', '--pack-destination', target], {
  cwd: folder,
  encoding: 'utf8',
  shell: isWindows,
});
const name = packed.trim().split('\n').at(-1) ?? '';
console.log(relative(root, join(target, name)).replaceAll('\\', '/'));
