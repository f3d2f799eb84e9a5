/**
 * What the tools that make vector files share: hexadecimal, seeded bytes, and the text of a file. A vector file is
 * made by a script from fixed labels, so that a test can make it again and compare.
 */
import { hash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

export function fromHex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

/** `length` bytes (at most 64) that follow from `label` alone. */
export function seeded(label: string, length = 32): Uint8Array {
  return Uint8Array.from(
    hash('sha512', `openclaw-messaging vectors: ${label}`, 'buffer').subarray(0, length),
  );
}

/** The text of a vector file, as the formatter leaves it. */
export function vectorText(content: object): string {
  return `${JSON.stringify(content, null, 2)}\n`;
}

/** Absolute path of a file of this repository. */
export function repositoryPath(name: string): string {
  return path.join(path.dirname(fileURLToPath(import.meta.url)), '..', name);
}

/** Writes `files` (name from the repository's root, text). */
export function writeFiles(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    const target = repositoryPath(name);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
}
