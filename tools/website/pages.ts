/**
 * Which documents become pages of the website, where each page lies below `website/docs/`, and how the pages are grouped.
 * A new page under `docs/` needs no entry here: it comes after those that are named, in the group of its folder.
 */
import { globSync } from 'node:fs';
import path from 'node:path';

export interface DocPage {
  /** path in the repository */
  readonly source: string;
  /** path below `website/docs/` */
  readonly output: string;
}

export interface PageGroup {
  readonly title: string;
  readonly pages: readonly DocPage[];
}

/** Patterns in the order of the navigation. A file belongs to the first group and pattern that name it. */
const GROUPS: readonly { readonly title: string; readonly patterns: readonly string[] }[] = [
  {
    title: 'Guides',
    patterns: [
      'README.md',
      'docs/guides/first-mesh.md',
      'docs/guides/openclaw.md',
      'docs/guides/*.md',
      'skills/*/SKILL.md',
    ],
  },
  {
    title: 'Reference',
    patterns: ['docs/reference/cli.md', 'docs/reference/http.md', 'docs/reference/*.md'],
  },
  {
    title: 'Protocol',
    patterns: [
      'docs/protocol/README.md',
      'docs/protocol/messages.md',
      'docs/protocol/links.md',
      'docs/protocol/mesh.md',
      'docs/protocol/*.md',
    ],
  },
  {
    title: 'Project',
    patterns: [
      'docs/architecture.md',
      'docs/performance.md',
      'docs/*.md',
      'CONTRIBUTING.md',
      'SECURITY.md',
      '*.md',
    ],
  },
  { title: 'Decisions', patterns: ['docs/decisions/README.md', 'docs/decisions/*.md', 'docs/**/*.md'] },
];

/** `docs/guides/x.md` is `guides/x.html`, a `README.md` is the index of its folder, `SECURITY.md` is `security.html`. */
export function outputOf(source: string): string {
  if (source === 'README.md') return 'readme.html';
  const inDocs = source.replace(/^docs\//, '');
  const { dir, name } = path.posix.parse(inDocs);
  const small = /^[A-Z]+$/.test(name) ? name.toLowerCase() : name;
  return path.posix.join(dir, small === 'readme' ? 'index.html' : `${small}.html`);
}

/** All pages of the checkout at `root`, grouped. */
export function findPages(root: string): PageGroup[] {
  const taken = new Set<string>();
  return GROUPS.map(({ title, patterns }) => {
    const pages: DocPage[] = [];
    for (const pattern of patterns) {
      for (const found of globSync(pattern, { cwd: root }).sort()) {
        const source = found.replaceAll('\\', '/');
        if (taken.has(source)) continue;
        taken.add(source);
        pages.push({ source, output: outputOf(source) });
      }
    }
    return { title, pages };
  });
}
