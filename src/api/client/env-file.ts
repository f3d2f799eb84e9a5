/**
 * `.env` in the working folder, with the rule of `process.loadEnvFile`: a variable that exists already wins. Done by
 * hand because `process.loadEnvFile` knows only the real environment and tests bring their own.
 */
import fs from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { MeshError } from '../../core/errors.ts';

/** Adds what `.env` in `cwd` says to `env`. No file is fine; one that cannot be read is `bad_option`. */
export function loadEnvFile(cwd: string, env: Record<string, string | undefined>): void {
  const file = path.join(cwd, '.env');
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw new MeshError('bad_option', `${file} cannot be read.`, { cause: error });
  }
  const values = parseEnv(text);
  assertLines(file, text, values);
  for (const [name, value] of Object.entries(values)) env[name] ??= value;
}

/** A line that is no setting would be passed over without a word: `MESH_PEER_PORT 4099`, say. */
function assertLines(file: string, text: string, values: Record<string, string | undefined>): void {
  // Quoted values may run over several lines; there a strange line may be part of a value.
  if (Object.values(values).some((value) => value?.includes('\n'))) return;
  const index = text
    .split(/\r?\n/)
    .findIndex((line) => !/^\s*(?:#.*|(?:export\s+)?[\w.-]+\s*=.*)?$/.test(line));
  if (index >= 0) throw new MeshError('bad_option', `${file}, line ${index + 1} is not NAME=value.`);
}
