/** Looks whether every link of a built site leads to a file of the site, and every anchor to an id. */
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { isOutside } from './targets.ts';

interface HtmlFile {
  readonly links: readonly string[];
  readonly ids: ReadonlySet<string>;
}

function readHtml(file: string): HtmlFile {
  const text = readFileSync(file, 'utf8').replace(/<!--[\s\S]*?-->/g, '');
  const attributes = (name: string): string[] =>
    [...text.matchAll(new RegExp(`<[^>]*?\\s${name}="([^"]*)"`, 'g'))].map((found) =>
      (found[1] ?? '').replaceAll('&amp;', '&').replaceAll('&quot;', '"'),
    );
  return { links: [...attributes('href'), ...attributes('src')], ids: new Set(attributes('id')) };
}

/**
 * @param folder the site
 * @returns one line for each link that leads nowhere: the page, the link, and what is missing
 */
export function brokenLinks(folder: string): string[] {
  const names = globSync('**/*.html', { cwd: folder }).sort();
  const pages = new Map(names.map((name) => [name, readHtml(path.join(folder, name))]));
  const broken: string[] = [];
  for (const [name, { links }] of pages) {
    for (const link of links) {
      if (isOutside(link)) continue;
      const [file = '', hash] = link.split('#');
      const target = file === '' ? name : path.join(path.dirname(name), decodeURIComponent(file));
      const found = path.join(folder, target);
      if (target.startsWith('..')) broken.push(`${name}: ${link} leads out of the site`);
      else if (!existsSync(found) || !statSync(found).isFile()) broken.push(`${name}: ${link}: no such file`);
      else if (
        hash !== undefined &&
        hash !== '' &&
        pages.get(target)?.ids.has(decodeURIComponent(hash)) === false
      )
        broken.push(`${name}: ${link}: no such place on that page`);
    }
  }
  return broken;
}
