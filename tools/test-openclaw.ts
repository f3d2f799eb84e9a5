/**
 * The tests of the OpenClaw plugin against a real OpenClaw, which is too large for `npm test`: installs
 * `integration/openclaw`, packs the plugin, checks its types against OpenClaw's own, has OpenClaw's inspector
 * look at the package, and runs the scenarios. The report goes to `.ci/out/openclaw.json`.
 *
 * `--installed` takes what is installed already.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const folder = join(root, 'integration', 'openclaw');
const plugin = join(folder, 'dist', 'plugin');

/** The whole lane; twice what it takes on two cores. */
const MINUTES_MAX = 15;
const INSPECTOR = '@openclaw/plugin-inspector@0.3.20';

const lane = AbortSignal.timeout(MINUTES_MAX * 60_000);
const isWindows = process.platform === 'win32';

/** Runs a program to its end, in a group of its own so that the deadline ends all of it. */
async function run(title: string, cwd: string, program: string, args: readonly string[]): Promise<void> {
  console.log(`--- ${title}`);
  const begin = performance.now();
  const child = spawn(program, args, { cwd, stdio: 'inherit', shell: isWindows, detached: !isWindows });
  const stop = (): void => {
    if (child.pid === undefined || child.exitCode !== null) return;
    if (isWindows) child.kill();
    else process.kill(-child.pid, 'SIGKILL');
  };
  lane.addEventListener('abort', stop, { once: true });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  lane.removeEventListener('abort', stop);
  const seconds = Math.round((performance.now() - begin) / 1000);
  if (lane.aborted)
    throw new Error(`The lane took longer than ${MINUTES_MAX} minutes; it was ended in "${title}".`);
  if (code !== 0) throw new Error(`"${title}" ended with ${code} after ${seconds} s.`);
  console.log(`--- ${title}: ok, ${seconds} s`);
}

const tool = (title: string, ...args: string[]): Promise<void> =>
  run(title, root, process.execPath, [join('tools', 'run.mjs'), ...args]);
const inspect = (title: string, ...args: string[]): Promise<void> =>
  run(title, plugin, 'npx', ['--yes', INSPECTOR, ...args]);

try {
  if (!process.argv.includes('--installed')) {
    await run('install OpenClaw', folder, 'npm', ['ci', '--no-audit', '--no-fund']);
  }
  await tool('pack the plugin', 'tools/pack-plugin.ts');
  await tool('types', 'tsc', '--noEmit', '-p', join('integration', 'openclaw', 'tsconfig.json'));
  await inspect('inspect the package', 'inspect', '--no-openclaw');
  await inspect(
    'inspect what it registers',
    'ci',
    '--no-openclaw',
    '--runtime',
    '--mock-sdk',
    '--allow-execute',
  );
  await tool('scenarios', 'vitest', 'run', '--config', join('integration', 'openclaw', 'vitest.config.ts'));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
