// Builds and starts this checkout as the hosting platform does: a copy without node_modules, the very commands of
// railway.json, NODE_ENV=production, a port that is given, an empty data folder, and nothing else of this environment.
// It must become healthy in the time that railway.json allows, know its public URL, and end with 0 when it is told to.
// Argument: a folder that does not exist yet. Plain JavaScript for any Node.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyCheckout, environment, fail, freePort, mustEnd, until, watch } from './host.mjs';

const DOMAIN = 'mesh-ci.example';

const [folder] = process.argv.slice(2);
const { build, deploy } = JSON.parse(readFileSync('railway.json', 'utf8'));
const limitMs = deploy.healthcheckTimeout * 1000;

copyCheckout(join(folder, 'app'));
mkdirSync(join(folder, 'data'), { mode: 0o700 });
const port = await freePort();
const env = environment({
  NODE_ENV: 'production',
  PORT: `${port}`,
  RAILWAY_PUBLIC_DOMAIN: DOMAIN,
  MESH_DATA_DIR: join(folder, 'data'),
});
const options = { cwd: join(folder, 'app'), env };

async function isHealthy() {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}${deploy.healthcheckPath}`);
    return answer.status === 200 && (await answer.json()).status === 'ok';
  } catch {
    return false; // not listening yet
  }
}

console.log(`$ ${build.buildCommand}`);
const built = spawnSync('/bin/sh', ['-c', build.buildCommand], { ...options, stdio: 'inherit' });
if (built.status !== 0) fail(`the build command ended with ${built.signal ?? built.status}`);

console.log(`$ ${deploy.startCommand}`);
// `exec`, as most shells do by themselves: the signal must reach the daemon and not a shell in front of it.
const start = ['-c', `exec ${deploy.startCommand}`];
const child = spawn('/bin/sh', start, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
const watched = watch(child);
const healthyMs = await until(`${deploy.healthcheckPath} is healthy`, isHealthy, watched, limitMs);
const saysUrl = () => watched.output.includes(`wss://${DOMAIN}/`);
await until(`it says that others reach it at wss://${DOMAIN}/`, saysUrl, watched, limitMs);
child.kill('SIGTERM');
await mustEnd(watched);
console.log(`healthy after ${healthyMs} ms, knows its public URL, stops with 0`);
