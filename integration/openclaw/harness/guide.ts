/**
 * The commands of `docs/guides/openclaw.md`, run as its reader runs them.
 */

import fs from 'node:fs';
import path from 'node:path';
import { fencedBlocks } from '../../../tools/run-guide.mjs';
import type { Gateway } from './gateway.ts';
import type { Person } from './person.ts';

const ROOT = path.resolve(import.meta.dirname, '..', '..', '..');
const PAGE = fs.readFileSync(path.join(ROOT, 'docs', 'guides', 'openclaw.md'), 'utf8');

const blocks = (language: string): string[] => fencedBlocks(PAGE, language).map(({ text }) => text);

/** The steps that bring a person's agent to the mesh, without those that start daemon and gateway. */
export const SETUP = blocks('sh').join('\n');

/** The command that begins the talk. */
export const BEGIN = blocks('bash').find((text) => text.includes('mesh send')) ?? '';

/** Runs commands of the page for a person, whose friend has this identity; fails if one of them fails. */
export async function follow(
  script: string,
  { gateway, owner }: { readonly gateway: Gateway; readonly owner: Person },
  friend: string,
): Promise<string> {
  const env = { FRIEND: friend, MESH_DATA_DIR: owner.mesh.data };
  const { code, stdout, stderr } = await gateway.shell(script, ROOT, env);
  if (code !== 0) throw new Error(`The guide's commands ended with ${code}:\n${stdout}\n${stderr}`);
  return stdout;
}
