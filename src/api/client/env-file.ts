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
  for (const [name, value] of Object.entries(parseEnv(text))) env[name] ??= value;
}
