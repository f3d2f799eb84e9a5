import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadEnvFile } from './env-file.ts';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-env-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

function load(
  text: string,
  env: Record<string, string | undefined> = {},
): Record<string, string | undefined> {
  fs.writeFileSync(path.join(folder, '.env'), text);
  loadEnvFile(folder, env);
  return env;
}

it('adds what the file says and changes nothing that is set', () => {
  const text = '# a comment\n\nA=1\nexport B="two words" # why\nC=\r\nD=\'x\ny\'\n';
  expect(load(text, { A: '0' })).toEqual({ A: '0', B: 'two words', C: '', D: 'x\ny' });
  expect(() => loadEnvFile(path.join(folder, 'nowhere'), {})).not.toThrow();
});

it.each(['MESH_PEER_PORT 4099', 'MESH_API_PORT: 4098', '=x', 'A=1\nwords only'])(
  'refuses a file with a line that is no setting: %j',
  (text) => {
    const line = text.split('\n').length;
    expect(() => load(text)).toThrow(
      expect.objectContaining({ code: 'bad_option', detail: expect.stringContaining(`line ${line} `) }),
    );
  },
);
