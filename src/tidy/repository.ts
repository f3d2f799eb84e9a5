/** Which files the tidy checks look at: what git would track, or in a copy without git the folders we own. */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { SourceFile } from './layers.ts';
import { scanSource } from './source.ts';

export const REPOSITORY = path.join(import.meta.dirname, '..', '..');

const TEXT_BYTES_MAX = 4_000_000;
const IGNORED = /(?:^|\/)(?:node_modules|dist|data|coverage|\.git|\.ci\/out)\//;

function trackedFiles(): string[] {
  if (!existsSync(path.join(REPOSITORY, '.git'))) {
    return globSync('**/*', { cwd: REPOSITORY, exclude: ['**/node_modules', 'dist', 'data'] });
  }
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  return execFileSync('git', args, { cwd: REPOSITORY, encoding: 'utf8' }).split('\0');
}

/** Repository paths of all text files, with `/`. */
export function listTextFiles(): string[] {
  const names = trackedFiles().map((name) => name.replaceAll('\\', '/'));
  return names.filter((name) => {
    if (name === '' || IGNORED.test(name)) return false;
    const stat = statSync(path.join(REPOSITORY, name), { throwIfNoEntry: false });
    return stat?.isFile() === true && stat.size <= TEXT_BYTES_MAX && !readText(name).includes('\0');
  });
}

export function readText(name: string): string {
  return readFileSync(path.join(REPOSITORY, name), 'utf8');
}

export function toSourceFile(name: string, text: string): SourceFile {
  return { path: name, text, scanned: scanSource(text) };
}
