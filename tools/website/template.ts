/** The frame around each page of the documentation: head, header with search, navigation, contents, footer. */
import path from 'node:path';
import type { Heading } from './render.ts';

export interface NavGroup {
  readonly title: string;
  readonly links: readonly { readonly output: string; readonly title: string }[];
}

export interface PageFrame {
  readonly title: string;
  /** path below `website/docs/` */
  readonly output: string;
  readonly html: string;
  readonly headings: readonly Heading[];
  readonly groups: readonly NavGroup[];
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (one) => ENTITIES[one] ?? one);
}

/** Scripts, styles, fonts and images of this site only; nothing may be sent, framed in, or written into the page. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'";

function navigation({ groups, output }: PageFrame): string {
  const relative = (to: string): string => path.posix.relative(path.posix.dirname(output), to);
  const parts = groups.map(({ title, links }) => {
    const items = links.map((link) => {
      const current = link.output === output ? ' aria-current="page"' : '';
      return `<li><a href="${relative(link.output)}"${current}>${escapeHtml(link.title)}</a></li>`;
    });
    return `<h2>${escapeHtml(title)}</h2>\n<ul>\n${items.join('\n')}\n</ul>`;
  });
  return parts.join('\n');
}

/** Headings of the second level; a page with few of them needs no list. */
function contents({ headings }: PageFrame): string {
  const shown = headings.filter(({ level }) => level === 2);
  if (shown.length < 3) return '';
  const items = shown.map(({ id, text }) => `<li><a href="#${id}">${escapeHtml(text)}</a></li>`);
  return `<details class="contents" open>
<summary>On this page</summary>
<nav aria-label="On this page">
<ul>
${items.join('\n')}
</ul>
</nav>
</details>`;
}

function head(title: string, root: string): string {
  return `<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)} · OpenClaw Messaging</title>
<link rel="icon" href="${root}icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="${root}style/base.css">
<link rel="stylesheet" href="${root}style/docs.css">
<script src="${root}scripts/theme.js"></script>
<script src="${root}scripts/docs.js" defer></script>`;
}

/** A whole page. `html` is trusted: it comes from the renderer, which escapes. */
export function framePage(page: PageFrame): string {
  const root = path.posix.relative(path.posix.dirname(page.output), '..').concat('/');
  const docs = path.posix.relative(path.posix.dirname(page.output), '.');
  return `<!doctype html>
<html lang="en" data-docs="${docs === '' ? '' : `${docs}/`}">
<head>
${head(page.title, root)}
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="top wide">
  <a class="brand" href="${root}index.html"><img src="${root}icon.svg" alt="" width="28" height="28">OpenClaw Messaging</a>
  <nav aria-label="Main">
    <a href="${root}index.html#start">Start</a>
    <a href="${root}index.html#travel">How it works</a>
    <a href="${root}index.html#peer">Add a peer</a>
    <a href="${docs === '' ? '' : `${docs}/`}index.html">Docs</a>
  </nav>
  <button class="small needs-script" id="theme" type="button">Dark</button>
</header>
<search class="wide search needs-script">
  <form id="search-form">
    <label for="search">Search the docs</label>
    <input id="search" type="search" autocomplete="off" spellcheck="false">
  </form>
  <p id="search-status" role="status"></p>
  <ol id="search-results" hidden></ol>
</search>
<div class="wide columns">
<details class="pages" open>
<summary>All pages</summary>
<nav aria-label="Documentation">
${navigation(page)}
</nav>
</details>
${contents(page)}
<main id="main">
${page.html}
</main>
</div>
<footer class="foot">
  <div class="wide">
    <p>Made from the documents of the repository by <code>npm run docs</code>.</p>
    <p>This page loads nothing from elsewhere, sets no cookie and counts nobody.</p>
  </div>
</footer>
</body>
</html>
`;
}
