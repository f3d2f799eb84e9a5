/**
 * Builds the documentation into a folder: one page for each document, an index of them, copies of the files that they
 * link to, and what the search needs. The search works without a server, so its parts are scripts: a page that was opened
 * from a folder may load scripts, and may fetch nothing.
 */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { transformSync } from 'esbuild';
import { type DocPage, findPages } from './pages.ts';
import { type Rendered, renderDocument } from './render.ts';
import { resolveTarget } from './targets.ts';
import { escapeHtml, framePage, type NavGroup } from './template.ts';

/** What the search knows of a section; the names are short because there are a thousand of them. */
interface SearchSection {
  readonly id: number;
  readonly page: string;
  readonly title: string;
  readonly body: string;
  /** path below `website/docs/`, with the heading's anchor */
  readonly href: string;
}

export interface BuiltDocs {
  readonly pages: number;
  readonly files: number;
  readonly sections: number;
}

interface Document extends DocPage, Rendered {
  /** what the navigation calls the page */
  readonly shortTitle: string;
}

function shortTitleOf(source: string, title: string): string {
  if (source === 'README.md') return 'Overview';
  if (source.startsWith('skills/')) return 'Skill for agents';
  return title.replace(/^Your first mesh:.*/, 'Your first mesh').replace(/^(\d{4}):? /, '$1 ');
}

function write(folder: string, name: string, text: string): void {
  mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
  writeFileSync(path.join(folder, name), text);
}

/** The first sentence below the title, for the index. */
function firstSentence({ sections }: Rendered): string {
  return /^.*?[.:!?](?=\s|$)/.exec(sections[0]?.body ?? '')?.[0].replace(/:$/, '.') ?? '';
}

function indexPage(groups: readonly { title: string; documents: readonly Document[] }[]): string {
  const parts = groups.map(({ title, documents }) => {
    const items = documents.map((one) => {
      const says = title === 'Decisions' ? '' : `<br>${escapeHtml(firstSentence(one))}`;
      return `<li><a href="${one.output}">${escapeHtml(one.shortTitle)}</a>${says}</li>`;
    });
    return `<h2 id="${title.toLowerCase()}">${title}</h2>\n<ul class="index">\n${items.join('\n')}\n</ul>`;
  });
  return `<h1>Documentation</h1>\n${parts.join('\n')}`;
}

function searchSections(documents: readonly Document[]): SearchSection[] {
  const all = documents.flatMap(({ output, title, sections }) =>
    sections.map((section) => ({
      page: title,
      title: section.text,
      body: section.body,
      href: section.level === 1 ? output : `${output}#${section.id}`,
    })),
  );
  return all.map((section, id) => ({ id, ...section }));
}

/** The library as one small script, with its licence in front. */
function searchLibrary(): string {
  const require = createRequire(import.meta.url);
  const script = require.resolve('minisearch');
  const folder = script.slice(0, script.indexOf('minisearch') + 'minisearch'.length);
  const licence = readFileSync(path.join(folder, 'LICENSE.txt'), 'utf8').trim();
  const { code } = transformSync(readFileSync(path.join(folder, 'dist/umd/index.js'), 'utf8'), {
    minify: true,
  });
  return `/*! MiniSearch\n${licence.replaceAll('*/', '')}\n*/\n${code}`;
}

/**
 * @param root the checkout
 * @param target the folder to fill; what was in it is removed
 * @throws if a document links to something that is not there
 */
export function buildDocs(root: string, target: string): BuiltDocs {
  const found = findPages(root);
  const pages = new Map(found.flatMap(({ pages }) => pages.map(({ source, output }) => [source, output])));
  const files = new Map<string, string>([['files/LICENSE.txt', 'LICENSE']]);
  const groups = found.map(({ title, pages: entries }) => ({
    title,
    documents: entries.map((page): Document => {
      const context = { root, ...page, pages, files };
      const text = readFileSync(path.join(root, page.source), 'utf8');
      const rendered = renderDocument(text, (href) => resolveTarget(context, href));
      return { ...page, ...rendered, shortTitle: shortTitleOf(page.source, rendered.title) };
    }),
  }));
  const navigation: NavGroup[] = groups.map(({ title, documents }) => ({
    title,
    links: documents.map(({ output, shortTitle }) => ({ output, title: shortTitle })),
  }));
  const documents = groups.flatMap((group) => group.documents);

  rmSync(target, { recursive: true, force: true });
  for (const { output, title, html, headings } of documents)
    write(target, output, framePage({ title, output, html, headings, groups: navigation }));
  const index = { title: 'Documentation', output: 'index.html', html: indexPage(groups), headings: [] };
  write(target, 'index.html', framePage({ ...index, groups: navigation }));
  for (const [to, from] of files) {
    mkdirSync(path.dirname(path.join(target, to)), { recursive: true });
    copyFileSync(path.join(root, from), path.join(target, to));
  }
  const sections = searchSections(documents);
  // JSON in a script: only the two separators of lines that old parsers refuse need care, and `<` none, in a file.
  write(target, 'search-sections.js', `globalThis.meshSections = ${JSON.stringify(sections)};\n`);
  write(target, 'search-library.js', searchLibrary());
  return { pages: documents.length + 1, files: files.size, sections: sections.length };
}
