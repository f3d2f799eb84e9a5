/** Name and version of this software, from package.json: what neighbours, status and `--version` are told. */
import fs from 'node:fs';
import path from 'node:path';
import { packageRoot } from './options.ts';

export function softwareVersion(): string {
  const parsed: unknown = JSON.parse(fs.readFileSync(path.join(packageRoot(), 'package.json'), 'utf8'));
  const known = typeof parsed === 'object' && parsed !== null && 'version' in parsed;
  if (!known || typeof parsed.version !== 'string') throw new Error('package.json names no version');
  return parsed.version;
}
