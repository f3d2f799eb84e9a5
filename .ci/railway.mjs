// Builds and starts this checkout as the hosting platform does: a copy without node_modules, the very commands of
// railway.json, NODE_ENV=production, a port that is given, an empty data folder, and nothing else of this environment.
// It must become healthy in the time that railway.json allows, know its public URL, and end with 0 when it is told to.
// Argument: a folder that does not exist yet. Plain JavaScript for any Node.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, lstatSync, mkdirSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { dirname, join } from 'node:path';

const DOMAIN = 'mesh-ci.example';
/** how long the platform waits between SIGTERM and SIGKILL is its user's choice; nothing here takes this long */
const STOP_MS = 10_000;

const [folder] = process.argv.slice(2);
const { build, deploy } = JSON.parse(readFileSync('railway.json', 'utf8'));

function fail(why) {
  console.error(why);
  process.exit(1);
}

/** All that a commit of the present state would hold. */
function copyCheckout() {
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  for (const file of list.split('\0')) {
    // Gone from the folder and not yet from the index, or a link of the developer's own.
    if (!lstatSync(file, { throwIfNoEntry: false })?.isFile()) continue;
    mkdirSync(join(folder, 'app', dirname(file)), { recursive: true });
    copyFileSync(file, join(folder, 'app', file));
  }
}

function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function environment(port) {
  const kept = Object.entries(process.env).filter(([name]) => /^(?:PATH|HOME|CI|npm_config_.*)$/i.test(name));
  return {
    ...Object.fromEntries(kept),
    NODE_ENV: 'production',
    PORT: `${port}`,
    RAILWAY_PUBLIC_DOMAIN: DOMAIN,
    MESH_DATA_DIR: join(folder, 'data'),
    // The public list would be asked otherwise; CI contacts nobody but the package registry.
    MESH_BOOTSTRAP_URL: '',
  };
}

async function isHealthy(port) {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}${deploy.healthcheckPath}`);
    return answer.status === 200 && (await answer.json()).status === 'ok';
  } catch {
    return false; // not listening yet
  }
}

/** Resolves with how it ended and what it said until then. */
function watch(child) {
  const watched = { output: '', end: undefined, ended: undefined };
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => {
      watched.output += data;
      process.stdout.write(data);
    });
  watched.ended = new Promise((resolve) =>
    child.once('close', (code, signal) => {
      watched.end = signal ?? code;
      resolve(watched.end);
    }),
  );
  return watched;
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

copyCheckout();
mkdirSync(join(folder, 'data'), { mode: 0o700 });
const port = await freePort();
const options = { cwd: join(folder, 'app'), env: environment(port) };

console.log(`$ ${build.buildCommand}`);
const built = spawnSync('/bin/sh', ['-c', build.buildCommand], { ...options, stdio: 'inherit' });
if (built.status !== 0) fail(`the build command ended with ${built.signal ?? built.status}`);

console.log(`$ ${deploy.startCommand}`);
// `exec`, as most shells do by themselves: the signal must reach the daemon and not a shell in front of it.
const child = spawn('/bin/sh', ['-c', `exec ${deploy.startCommand}`], {
  ...options,
  stdio: ['ignore', 'pipe', 'pipe'],
});
process.once('exit', () => child.kill('SIGKILL'));
const watched = watch(child);
const startedMs = performance.now();
while (!(await isHealthy(port))) {
  if (watched.end !== undefined) fail(`the start command ended with ${watched.end}`);
  if (performance.now() - startedMs > deploy.healthcheckTimeout * 1000)
    fail(`${deploy.healthcheckPath} is not healthy after ${deploy.healthcheckTimeout} s`);
  await sleep(50);
}
const healthyMs = Math.round(performance.now() - startedMs);
while (!watched.output.includes(`wss://${DOMAIN}/`)) {
  if (performance.now() - startedMs > deploy.healthcheckTimeout * 1000)
    fail(`it does not say that others reach it at wss://${DOMAIN}/`);
  await sleep(50);
}

child.kill('SIGTERM');
const end = await Promise.race([watched.ended, sleep(STOP_MS).then(() => `nothing within ${STOP_MS} ms`)]);
if (end !== 0) fail(`after SIGTERM it ended with ${end}, not with 0`);
console.log(`healthy after ${healthyMs} ms, knows its public URL, stops with 0`);
