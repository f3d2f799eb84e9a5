import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-docs-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

function check(pages: Readonly<Record<string, string>>): { status: number | null; stderr: string } {
  for (const [name, text] of Object.entries(pages)) {
    fs.mkdirSync(path.join(folder, path.dirname(name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), text);
  }
  const script = path.join(import.meta.dirname, 'check-docs.mjs');
  return spawnSync(process.execPath, [script, folder], { encoding: 'utf8' });
}

const fence = '```';

describe('the check of the documents', () => {
  it('passes pages whose links, paths and commands are right', () => {
    const { status, stderr } = check({
      'README.md': `# A\n[b](docs/b.md#two-words), [up](#a), [web](https://example.org/x), \`src/core/limits.ts\`, \`npm run lint\`\n${fence}sh\nX=1 npx mesh send '#dev; mesh nothing' --wait stored < a # mesh nothing\nid=$(mesh id --json | sed s/x/y/)\n${fence}\n`,
      'docs/b.md': `## Two words\n${fence}text\nmesh nothing --at-all [x](gone.md)\n${fence}\n`,
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  it('names each thing that is wrong, with page and line', () => {
    const { status, stderr } = check({
      'README.md': `# A\n[b](docs/gone.md)\n[c](docs/c.md#gone)\n\`src/core/gone.ts\`, \`npm run gone\`\n${fence}sh\nx=$(mesh sned '#dev')\n${fence}\n\`mesh send a --colour\`\n`,
      'docs/c.md': '# C\n`MESH_GONE`, `MESH_PEERS`\n',
      'docs/lonely.md': `# L\n${fence}sh\n`,
      'skills/x/SKILL.md': `${fence}console\n$ mesh wait lobby --gone\nmesh: an output\n${fence}\n`,
    });
    expect(stderr.trim().split('\n')).toEqual([
      expect.stringMatching(/^docs\/lonely\.md:3: .*does not end/),
      'README.md:2: link to docs/gone.md: no such file',
      'README.md:3: link to docs/c.md#gone: no such heading',
      'README.md:4: src/core/gone.ts: no such file',
      'README.md:4: npm run gone: no such script',
      'README.md:6: mesh sned #dev: mesh has no command "sned"',
      'README.md:8: mesh send a --colour: no option --colour',
      'docs/c.md:2: MESH_GONE: no such variable',
      'skills/x/SKILL.md:2: mesh wait lobby --gone: no option --gone',
      'docs/lonely.md:1: no link leads here from the README',
    ]);
    expect(status).toBe(1);
  });
});
