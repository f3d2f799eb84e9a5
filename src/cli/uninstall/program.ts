/** How the program itself is removed: it cannot remove itself, and npm or git know where it came from. */
import fs from 'node:fs';
import path from 'node:path';
import { shellWord } from '../text.ts';

/** @param root absolute path of the checkout or package */
export function programAdvice(root: string): string {
  if (fs.existsSync(path.join(root, 'src'))) return `delete the checkout ${root}`;
  if (/[\\/]_npx[\\/]/.test(root)) return 'it lies in the cache of npx; nothing is installed';
  const modules = path.dirname(root);
  const above = path.dirname(modules);
  // npm keeps global packages in PREFIX/lib/node_modules, on Windows in PREFIX\node_modules beside its commands.
  const isGlobal =
    path.basename(above) === 'lib' ||
    (process.platform === 'win32' && fs.existsSync(path.join(above, 'mesh.cmd')));
  const name = path.basename(root);
  return isGlobal ? `npm uninstall --global ${name}` : `cd ${shellWord(above)} && npm uninstall ${name}`;
}
