/**
 * Runs a guide as a reader would: `node tools/run.mjs tools/run-guide.mjs docs/guides/first-mesh.md`.
 *
 * The fenced `sh` blocks of the page, in order, become one script for `bash -euo pipefail`; each block is printed before
 * it runs. Blocks in other languages are for people only. The script runs in the checkout, with `mesh` on the PATH and
 * a temporary folder as TMPDIR. Its environment has none of our options, so that a guide sees what a new user sees.
 * It never asks the default bootstrap list. The exit code is that of the script.
 *
 * Everything that the script starts belongs to one process group of ours, which ends with it, whatever happens.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from '../bin/new-node.mjs';

/** A guide that hangs ends after this (guess: ten times what the longest one needs). */
const LIMIT_MS = 10 * 60_000;
/** How long what was asked to end may take (guess: the daemon's own stop takes at most 5 s). */
const GRACE_MS = 6_000;

/** The text of the fenced blocks in one language, with the number of their first line. */
export function fencedBlocks(markdown, language) {
  const blocks = [];
  let block;
  let fence = '';
  markdown.split('\n').forEach((line, i) => {
    const opening = /^(`{3,})\s*(\S*)/.exec(line);
    if (fence !== '') {
      if (line.trimEnd() === fence) {
        if (block) blocks.push(block);
        block = undefined;
        fence = '';
      } else block?.lines.push(line);
    } else if (opening) {
      fence = opening[1];
      if (opening[2] === language) block = { line: i + 2, lines: [] };
    }
  });
  return blocks.map(({ line, lines }) => ({ line, text: lines.join('\n') }));
}

const quote = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

function scriptOf(file) {
  const blocks = fencedBlocks(fs.readFileSync(file, 'utf8'), 'sh');
  if (blocks.length === 0) throw new Error(`${file} has no sh blocks.`);
  const parts = blocks.map(({ line, text }) => {
    const shown = text.replace(/^/gm, '  | ');
    return [
      `guide_line=${line}`,
      `printf '\\n%s\\n%s\\n\\n' ${quote(`--- line ${line}`)} ${quote(shown)}`,
      text,
    ].join('\n');
  });
  const report = 'echo "--- FAILED in the block at line $guide_line (exit code $?)" >&2';
  return [
    'guide_line=0',
    `trap ${quote(report)} ERR`,
    ...parts,
    `trap - ERR`,
    'echo; echo "--- the guide works"',
  ].join('\n');
}

function environment(folder) {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(MESH_|PORT$|HOST$|NODE_OPTIONS$)/.test(name)),
  );
  const bin = path.join(folder, 'bin');
  const nodeFolder = path.dirname(process.execPath);
  fs.mkdirSync(bin);
  const command = `#!/bin/sh\nexec ${quote(process.execPath)} ${quote(path.join(root, 'bin', 'mesh.mjs'))} "$@"\n`;
  fs.writeFileSync(path.join(bin, 'mesh'), command, { mode: 0o755 });
  return {
    ...env,
    PATH: [bin, nodeFolder, env.PATH].join(path.delimiter),
    TMPDIR: folder,
    MESH_BOOTSTRAP_URL: '',
    NO_COLOR: '1',
  };
}

/** @returns whether a process of the group is still there */
function signalGroup(group, signal) {
  try {
    process.kill(-group, signal);
    return true;
  } catch (error) {
    if (error.code === 'ESRCH') return false;
    throw error;
  }
}

async function endGroup(group) {
  const until = Date.now() + GRACE_MS;
  signalGroup(group, 'SIGTERM');
  while (Date.now() < until) {
    if (!signalGroup(group, 0)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  signalGroup(group, 'SIGKILL');
}

/** Runs the guide in `file`. @returns the exit code */
export async function runGuide(file) {
  const script = scriptOf(file);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-guide-'));
  try {
    const scriptFile = path.join(folder, 'guide.sh');
    fs.writeFileSync(scriptFile, `${script}\n`);
    const bash = spawn('bash', ['-euo', 'pipefail', scriptFile], {
      cwd: root,
      env: environment(folder),
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true, // leads a process group of its own
    });
    const timer = setTimeout(() => {
      console.error(`The guide took more than ${LIMIT_MS / 60_000} minutes.`);
      if (bash.pid !== undefined) signalGroup(bash.pid, 'SIGKILL');
    }, LIMIT_MS);
    const forward = () => bash.pid !== undefined && signalGroup(bash.pid, 'SIGTERM');
    process.on('SIGINT', forward).on('SIGTERM', forward);
    const code = await new Promise((resolve, reject) => {
      bash.on('error', reject);
      bash.on('exit', (status) => resolve(status ?? 1));
    });
    clearTimeout(timer);
    process.off('SIGINT', forward).off('SIGTERM', forward);
    if (bash.pid !== undefined) await endGroup(bash.pid);
    if (code !== 0) showLogs(folder);
    return code;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** The ends of the logs that a failed guide left behind. */
function showLogs(folder) {
  for (const entry of fs.readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.log')) continue;
    const lines = fs.readFileSync(path.join(entry.parentPath, entry.name), 'utf8').trimEnd().split('\n');
    console.error(`--- ${entry.name}\n${lines.slice(-15).join('\n')}`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = process.argv[2];
  if (file === undefined) {
    console.error('Name the page: node tools/run.mjs tools/run-guide.mjs docs/guides/first-mesh.md');
    process.exitCode = 2;
  } else process.exitCode = await runGuide(path.resolve(root, file));
}
