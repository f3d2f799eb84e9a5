/**
 * Runs a program on a Node that is new enough. Used by `mesh` and by the tools of a checkout.
 *
 * Plain JavaScript that an old Node can still parse (no optional chaining, no top-level await, no `node:` prefix),
 * because its first job is to be polite on an old Node. Nothing native may be imported before the version is known:
 * on Node 20 the SQLite binding ends the process without a word.
 *
 * 1. Node is new enough: the program runs here. No other process exists.
 * 2. Too old, but this is a checkout whose dependencies are installed: run the Node 24 that came with them.
 *    - Where `process.execve` exists (22.15 and newer, not Windows) it replaces this process: still only one process.
 *    - Else (Node 20) a child is started. It is meant to look like one process from outside:
 *      a. A signal reaches the child exactly once. The child leads its own process group, so a terminal or a
 *         supervisor that signals our whole group reaches only us, and we pass each signal on.
 *      b. When the child ends, we end the same way: same exit code or same signal.
 *      c. When we are killed, even with -9, the child sees its IPC channel close and kills itself at once. It needs
 *         one turn of its event loop for that, so for some milliseconds it can outlive us.
 * 3. Too old and nothing bundled: say what is needed, why, and what to do. Exit code 1.
 */
import { spawn } from 'child_process';
import fs from 'fs';
import os from 'os';
import path from 'path';
import { fileURLToPath } from 'url';

/** The floor that package.json names in `engines`; a test compares the two. */
const NODE_FLOOR = [24, 16, 0];

/** Set for the bundled Node: '1' after execve, 'child' when a parent waits for it. Also stops a second attempt. */
const REEXEC_VARIABLE = 'MESH_NODE_REEXEC';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

function isNewEnough(version) {
  const parts = version.replace(/^v/, '').split('.').map(Number);
  for (let i = 0; i < NODE_FLOOR.length; i++) {
    if (parts[i] !== NODE_FLOOR[i]) return parts[i] > NODE_FLOOR[i];
  }
  return true;
}

/** The Node that the development dependencies brought, or null. Versions are read, not trusted. */
function findBundledNode() {
  const name = 'node-' + (process.platform === 'win32' ? 'win' : process.platform) + '-' + process.arch;
  const binary = process.platform === 'win32' ? 'node.exe' : 'node';
  const parents = [path.join(root, 'node_modules'), path.join(root, 'tools', 'dev-node', 'node_modules')];
  for (const parent of parents) {
    try {
      const folder = path.join(parent, name);
      const file = path.join(folder, 'bin', binary);
      const version = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8')).version;
      fs.accessSync(file, fs.constants.X_OK);
      if (isNewEnough(version)) return file;
    } catch (error) {
      // Not installed here, or not for this platform: the next place, and in the end the message, say so.
      if (error.code !== 'ENOENT' && error.code !== 'EACCES') throw error;
    }
  }
  return null;
}

function explain(reason) {
  const inCheckout = fs.existsSync(path.join(root, 'tools', 'dev-node'));
  const floor = NODE_FLOOR.join('.');
  const lines = [
    'mesh needs Node.js ' + floor + ' or newer; this is Node.js ' + process.versions.node + '.',
    reason,
    'What to do:',
  ];
  if (inCheckout) {
    lines.push(
      '  - run "npm install" in ' + root + ': on Linux and Windows it brings a Node.js for this project only',
    );
  }
  lines.push(
    '  - ' +
      (inCheckout ? 'or ' : '') +
      'install Node.js 24 LTS (nodejs.org, or your version manager) and run the command again',
  );
  console.error(lines.join('\n'));
  process.exit(1);
}

/** Ends this process the way the child ended. */
function endLike(code, signal) {
  if (signal === null) process.exit(code === null ? 1 : code);
  // Signals that dump core are not repeated: the child's dump is the useful one.
  if (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'].indexOf(signal) >= 0) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    setTimeout(() => process.exit(128 + os.constants.signals[signal]), 1000);
    return;
  }
  process.exit(128 + (os.constants.signals[signal] || 0));
}

function passOnSignals(child) {
  if (process.platform === 'win32') {
    // The console gives Ctrl-C to both processes, and kill() there ends a process unasked: only do not die first.
    process.on('SIGINT', () => {});
    return;
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2', 'SIGWINCH', 'SIGCONT']) {
    process.on(signal, () => child.kill(signal));
  }
  // Ctrl-Z. SIGTSTP has no effect on a group without a shell, so the child gets SIGSTOP; then we stop ourselves.
  process.on('SIGTSTP', () => {
    child.kill('SIGSTOP');
    process.kill(process.pid, 'SIGSTOP');
  });
}

function runWith(nodeFile, script) {
  const args = process.execArgv.concat([script], process.argv.slice(2));
  if (typeof process.execve === 'function' && process.platform !== 'win32') {
    const env = Object.assign({}, process.env);
    env[REEXEC_VARIABLE] = '1';
    // Experimental in the versions that come here; its warning would help nobody.
    process.removeAllListeners('warning');
    process.execve(nodeFile, [nodeFile].concat(args), env);
    return;
  }
  const env = Object.assign({}, process.env);
  env[REEXEC_VARIABLE] = 'child';
  const stdio = ['inherit', 'inherit', 'inherit', 'ipc'];
  const child = spawn(nodeFile, args, { stdio, env, detached: process.platform !== 'win32' });
  passOnSignals(child);
  child.on('error', (error) => explain('The bundled Node.js did not start: ' + error.message + '.'));
  child.on('exit', endLike);
}

/** In the child: die when the parent dies, and do not let the channel keep the process alive. */
function followParent() {
  // SIGKILL, not exit(): whoever killed the parent without warning meant this process.
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  if (process.channel) process.channel.unref();
}

/**
 * Calls `program` if this Node is new enough; else runs `script`, the file that called us, on the bundled one.
 * `program` gives a promise; a rejection is printed and ends the process with 1.
 */
export function runOnNewNode(script, program) {
  const mode = process.env[REEXEC_VARIABLE];
  delete process.env[REEXEC_VARIABLE];
  if (isNewEnough(process.versions.node)) {
    if (mode === 'child') followParent();
    program().catch((error) => {
      console.error(error);
      process.exit(1);
    });
    return;
  }
  const bundled = mode === undefined ? findBundledNode() : null;
  if (bundled === null)
    explain('Older versions cannot load the SQLite binding and do not run TypeScript sources.');
  else runWith(bundled, script);
}
