/**
 * Builds `dist/` from `src/`: an empty folder, the compiler's output, then the files that the code reads at run
 * time (SQL, pages, tables), and the OpenClaw plugin. Test data never ships.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, globSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { buildPlugin } from './bundle-plugin.ts';

const root = join(import.meta.dirname, '..');
const source = join(root, 'src');
const target = join(root, 'dist');

const ASSETS = 'src/**/*.{sql,json,html,css,svg}';
// The OpenClaw plugin is bundled instead, into a folder that OpenClaw installs.
const NOT_SHIPPED = [
  /\.vectors\.json$/,
  /\.fixture\.\w+$/,
  /^src\/tidy\//,
  /^src\/sim\//,
  /\/testing\//,
  /^src\/bridge\/openclaw\//,
];

rmSync(target, { recursive: true, force: true });

const compilerFolder = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
const compiler = spawnSync(
  process.execPath,
  [join(compilerFolder, 'bin', 'tsc'), '-p', 'tsconfig.build.json'],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
if (compiler.status !== 0) process.exit(compiler.status ?? 1);

let copied = 0;
for (const file of globSync(ASSETS, { cwd: root })) {
  const name = file.replaceAll('\\', '/');
  if (NOT_SHIPPED.some((pattern) => pattern.test(name))) continue;
  const copy = join(target, relative(source, join(root, file)));
  mkdirSync(dirname(copy), { recursive: true });
  copyFileSync(join(root, file), copy);
  copied += 1;
}
await buildPlugin(join(target, 'openclaw-plugin'));
console.log(`dist: compiled, ${copied} assets copied, plugin bundled`);
