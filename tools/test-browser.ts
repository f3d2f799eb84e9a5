/**
 * `npm run test:browser`: the website in a real Chromium. Installs Debian's `chromium` where it is missing and this user
 * may do so; runs the vitest project `browser`, which builds the site into a folder of its own. The report goes to
 * `.ci/out/browser.json`.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { CHROMIUM_ADVICE, findChromium } from './website/chromium.ts';

const root = path.join(import.meta.dirname, '..');

function run(program: string, ...args: string[]): number {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync(program, args, { cwd: root, stdio: 'inherit', env }).status ?? 1;
}

/** Only as root, and only where apt-get is: nobody is asked for a password in the middle of tests. */
function installChromium(): void {
  if (process.getuid?.() !== 0) return;
  console.log('--- install chromium');
  if (run('apt-get', 'update', '-q') !== 0) return;
  run('apt-get', 'install', '-q', '-y', '--no-install-recommends', 'chromium');
}

if (findChromium() === undefined) installChromium();
if (findChromium() === undefined) {
  console.error(CHROMIUM_ADVICE);
  process.exitCode = 1;
} else {
  const report = '--outputFile.json=.ci/out/browser.json';
  const vitest = ['vitest', 'run', '--project', 'browser', report, ...process.argv.slice(2)];
  process.exitCode = run(process.execPath, path.join('tools', 'run.mjs'), ...vitest);
}
