// What the checks of hosting share: a checkout as a commit has it, a free port, and a process that is watched.
// Plain JavaScript for any Node.
import { execFileSync } from 'node:child_process';
import { copyFileSync, lstatSync, mkdirSync } from 'node:fs';
import net from 'node:net';
import { dirname, join } from 'node:path';

export function fail(why) {
  console.error(why);
  process.exit(1);
}

/** All that a commit of the present state would hold. */
export function copyCheckout(folder) {
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  for (const file of list.split('\0')) {
    // Gone from the folder and not yet from the index, or a link of the developer's own.
    if (!lstatSync(file, { throwIfNoEntry: false })?.isFile()) continue;
    mkdirSync(join(folder, dirname(file)), { recursive: true });
    copyFileSync(file, join(folder, file));
  }
}

export function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** With the way to the package registry, where this machine needs one of its own: proxies and certificates. */
const KEPT =
  /^(?:PATH|HOME|CI|npm_config_.*|NODE_EXTRA_CA_CERTS|SSL_CERT_(?:FILE|DIR)|(?:https?|no)_proxy)$/i;

/** What a hosting platform's process inherits of this environment, and what it sets. */
export function environment(more) {
  const kept = Object.entries(process.env).filter(([name]) => KEPT.test(name));
  // The public list would be asked otherwise; CI contacts nobody but the package registry.
  return { ...Object.fromEntries(kept), MESH_BOOTSTRAP_URL: '', ...more };
}

/** Shows what a process says and keeps it; `ended` resolves with how it ended. It dies with this process. */
export function watch(child) {
  const watched = { output: '', end: undefined, ended: undefined };
  process.once('exit', () => child.kill('SIGKILL'));
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

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Looks until `look` is true; fails if the process ends before, or after `limitMs`. @returns how long it took, ms */
export async function until(what, look, watched, limitMs) {
  const beginMs = performance.now();
  while (!(await look())) {
    if (watched.end !== undefined) fail(`it ended with ${watched.end} before ${what}`);
    if (performance.now() - beginMs > limitMs) fail(`after ${limitMs} ms still not: ${what}`);
    await sleep(50);
  }
  return Math.round(performance.now() - beginMs);
}

/** Fails unless the process ends with 0 in time: longer than any orderly stop takes. */
export async function mustEnd(watched, limitMs = 10_000) {
  const end = await Promise.race([watched.ended, sleep(limitMs).then(() => `nothing within ${limitMs} ms`)]);
  if (end !== 0) fail(`it should have ended with 0, and did with ${end}`);
}
