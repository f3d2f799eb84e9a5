import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-guide-test-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

function runGuide(...blocks: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const page = path.join(folder, 'guide.md');
  fs.writeFileSync(page, `# A guide\n\n${blocks.join('\n\n')}\n`);
  const script = path.join(import.meta.dirname, 'run-guide.mjs');
  const env = { ...process.env, OUT: folder, MESH_PEERS: 'ws://192.0.2.1/', PORT: '1' };
  return spawnSync(process.execPath, [script, page], { encoding: 'utf8', env });
}

const sh = (text: string) => `\`\`\`sh\n${text}\n\`\`\``;

describe('the runner of guides', () => {
  it('runs the sh blocks in order in one session, and no others', () => {
    const { status, stdout } = runGuide(
      sh('a=1'),
      '```bash\nexit 9\n```',
      sh('echo "a is $a, ${MESH_PEERS-unset}, ${PORT-unset}, [$MESH_BOOTSTRAP_URL]"\nmesh --version'),
    );
    expect(stdout).toMatch(/a is 1, unset, unset, \[\]\n\d+\.\d+\.\d+\n/);
    expect(stdout).toContain('  | a=1');
    expect(status).toBe(0);
  });

  it.each(['false', 'false | true', 'echo "$unknown_name"', 'diff <(echo a) <(echo b)'])(
    'fails where %j fails, and says at which block',
    (command) => {
      const { status, stdout } = runGuide(sh('true'), sh(command), sh('touch "$OUT/reached"'));
      expect(status).not.toBe(0);
      expect(stdout).toContain('--- line 8');
      expect(fs.existsSync(path.join(folder, 'reached'))).toBe(false);
    },
  );

  it('leaves nothing running', () => {
    const { status } = runGuide(sh('sleep 600 &\necho $! > "$OUT/pid"\nexit 3'));
    expect(status).toBe(3);
    const pid = Number(fs.readFileSync(path.join(folder, 'pid'), 'utf8'));
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
});
