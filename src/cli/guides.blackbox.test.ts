import { type ChildProcess, spawn } from 'node:child_process';
import net from 'node:net';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '..', '..');
/** The longest guide takes half a minute on an idle machine. */
const TIMEOUT_MS = 300_000;

async function freePorts(count: number): Promise<string[]> {
  const servers = Array.from({ length: count }, () => net.createServer().listen(0, '127.0.0.1'));
  const ports: string[] = [];
  for (const server of servers) {
    if (!server.listening) await new Promise((resolve) => server.once('listening', resolve));
    ports.push(String((server.address() as net.AddressInfo).port));
  }
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  return ports;
}

/** Everything that it prints, and the exit code. */
function watch(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  let output = '';
  const add = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout?.on('data', add);
  child.stderr?.on('data', add);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

it.each(['first-mesh', 'operate', 'explain'])(
  'the guide "%s" works as it is written',
  async (name) => {
    const [B_PORT = '', LIST_PORT = ''] = await freePorts(2);
    const child = spawn(process.execPath, ['tools/run-guide.mjs', `docs/guides/${name}.md`], {
      cwd: ROOT,
      env: { ...process.env, B_PORT, LIST_PORT },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    onTestFinished(() => void child.kill('SIGTERM')); // one that is over does not mind
    const { code, output } = await watch(child);
    expect(code, output).toBe(0);
    expect(output).toContain('--- the guide works');
  },
  TIMEOUT_MS,
);
