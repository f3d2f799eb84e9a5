/** What lies in a folder, as one text: to see that nothing was changed. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

/** Name and content of each file that fits. */
export function contentsOf(folder: string, fits: (name: string) => boolean = () => true): string {
  const names = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(fits).sort();
  const lines = names.map((name) => {
    const file = path.join(folder, name);
    if (!fs.statSync(file).isFile()) return name;
    return `${name} ${createHash('sha256').update(fs.readFileSync(file)).digest('hex')}`;
  });
  return lines.join('\n');
}
