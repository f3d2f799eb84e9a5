/**
 * Where the links of a document lead once it is a page: to another page, to a copy of a file of the repository, or out
 * of the site.
 */
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';

export interface Targets {
  /** what the page says instead of `href` */
  resolve(href: string): string;
}

export interface TargetContext {
  readonly root: string;
  /** path in the repository of the document */
  readonly source: string;
  /** path below `website/docs/` of the page */
  readonly output: string;
  /** source → output of all pages */
  readonly pages: ReadonlyMap<string, string>;
  /** collects files to copy: path below `website/docs/` → path in the repository */
  readonly files: Map<string, string>;
}

/** Types that every browser shows as they are; others are shown as text. */
const SHOWN = /\.(?:json|svg|png|txt)$/;

export function isOutside(href: string): boolean {
  return /^[a-z][a-z0-9+.-]*:/i.test(href);
}

/**
 * @throws if a link leads to nothing, or out of the repository
 */
export function resolveTarget(context: TargetContext, href: string): string {
  const { root, source, output, pages, files } = context;
  if (isOutside(href) || href.startsWith('#')) return href;
  const [file = '', hash] = href.split('#');
  const target = path.posix.join(path.posix.dirname(source), decodeURIComponent(file));
  const found = path.join(root, target);
  if (target.startsWith('../') || !existsSync(found) || !statSync(found).isFile()) {
    throw new Error(
      `${source} links to ${href}, and there is no such file. Write a path relative to ${source}.`,
    );
  }
  const at = pages.get(target) ?? `files/${target}${SHOWN.test(target) ? '' : '.txt'}`;
  if (!pages.has(target)) files.set(at, target);
  const relative = path.posix.relative(path.posix.dirname(output), at);
  return hash === undefined ? relative : `${relative}#${hash}`;
}
