/** A `key.pem` directly in the data folder, where mesh/1 may have kept it, while another folder holds the keys. */
import fs from 'node:fs';
import path from 'node:path';
import { look, unusedName } from './files.ts';
import { shellQuoted } from './finding.ts';

/** Whether there is one that nobody uses. */
export function hasStrayKey(dataFolder: string, keyFolder: string): boolean {
  const file = look(path.join(dataFolder, 'key.pem'));
  if (file.kind !== 'there' || !file.stats.isFile()) return false;
  const [data, keys] = [look(dataFolder), look(keyFolder)];
  if (data.kind !== 'there' || keys.kind !== 'there')
    return path.resolve(dataFolder) !== path.resolve(keyFolder);
  return data.stats.ino !== keys.stats.ino || data.stats.dev !== keys.stats.dev;
}

function isEmpty(folder: string): boolean {
  try {
    return fs.readdirSync(folder).length === 0;
  } catch {
    return false;
  }
}

/** Moves it into place, for a POSIX shell. Keys that are there are kept aside: the daemon mixes no two identities. */
export function strayKeyCommand(dataFolder: string, keyFolder: string): string {
  const keys = shellQuoted(keyFolder);
  const move = `mv ${shellQuoted(path.join(dataFolder, 'key.pem'))} ${shellQuoted(path.join(keyFolder, 'key.pem'))}`;
  if (look(keyFolder).kind === 'missing') return `mkdir -p -m 700 ${keys} && ${move}`;
  if (isEmpty(keyFolder)) return move;
  return `mv ${keys} ${shellQuoted(unusedName(`${keyFolder}.old`))} && mkdir -m 700 ${keys} && ${move}`;
}

/** For the start that has made a new identity; '' if there is no such key. */
export function strayKeyNote(dataFolder: string, keyFolder: string): string {
  if (!hasStrayKey(dataFolder, keyFolder)) return '';
  const how = process.platform === 'win32' ? '.' : `: ${strayKeyCommand(dataFolder, keyFolder)}`;
  return `A key.pem lies in ${dataFolder} and is not used; if it is the key of mesh/1, stop, and set MESH_KEY_DIR=${shellQuoted(dataFolder)} or move it${how}`;
}
