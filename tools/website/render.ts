/**
 * A document as HTML, with the pieces that navigation and search need. Raw HTML in a document is shown as text; the one
 * exception is an empty `<a id="…"></a>`, which marks a place that links lead to.
 */
import MarkdownIt, { type Token } from 'markdown-it';
import { anchor } from '../markdown.ts';

export interface Heading {
  readonly level: number;
  readonly id: string;
  readonly text: string;
}

/** A heading and the plain text below it, up to the next one. */
export interface Section extends Heading {
  readonly body: string;
}

export interface Rendered {
  readonly title: string;
  readonly html: string;
  readonly headings: readonly Heading[];
  readonly sections: readonly Section[];
}

/** What a link or an image is to lead to. */
export type Resolve = (href: string) => string;

const ANCHOR = /^<a id="([\w-]+)"><\/a>/;

function createMarkdown(): InstanceType<typeof MarkdownIt> {
  const markdown = new MarkdownIt({ html: false });
  markdown.inline.ruler.before('autolink', 'place', (state, silent) => {
    const found = ANCHOR.exec(state.src.slice(state.pos));
    if (found === null) return false;
    if (!silent) state.push('place', 'span', 0).attrSet('id', found[1] ?? '');
    state.pos += found[0].length;
    return true;
  });
  const { rules } = markdown.renderer;
  rules.place = (tokens, at) =>
    `<span id="${markdown.utils.escapeHtml(String(tokens[at]?.attrGet('id')))}"></span>`;
  rules.table_open = () => '<div class="scroll"><table>\n';
  rules.table_close = () => '</table></div>\n';
  rules.heading_close = (tokens, at) => {
    const open = tokens[at - 2];
    const label = markdown.utils.escapeHtml(`Link to ${plainText(tokens[at - 1])}`);
    const link = `<a class="anchor" href="#${open?.attrGet('id')}" aria-label="${label}">#</a>`;
    return `${open?.tag === 'h1' ? '' : link}</${open?.tag}>\n`;
  };
  return markdown;
}

const markdown = createMarkdown();

/** The text of an inline token, without marks. */
function plainText(token: Token | undefined): string {
  const parts = (token?.children ?? []).map((child) => {
    if (child.type === 'softbreak' || child.type === 'hardbreak') return ' ';
    return child.type === 'image' ? plainText(child) : child.content;
  });
  return parts.join('');
}

function readHeadings(tokens: readonly Token[]): Heading[] {
  const seen = new Map<string, number>();
  const headings: Heading[] = [];
  for (const [at, token] of tokens.entries()) {
    if (token.type !== 'heading_open') continue;
    const text = plainText(tokens[at + 1]);
    const slug = anchor(text);
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    const id = count === 0 ? slug : `${slug}-${count}`;
    token.attrSet('id', id);
    headings.push({ level: Number(token.tag.slice(1)), id, text });
  }
  return headings;
}

function readSections(tokens: readonly Token[], headings: readonly Heading[]): Section[] {
  const bodies: string[][] = [];
  let isHeading = false;
  for (const token of tokens) {
    if (token.type === 'heading_open') bodies.push([]);
    isHeading = token.type === 'heading_open' || (isHeading && token.type === 'inline');
    if (token.type === 'fence' || token.type === 'code_block') bodies.at(-1)?.push(token.content);
    else if (token.type === 'inline' && !isHeading) bodies.at(-1)?.push(plainText(token));
    if (token.type === 'inline') isHeading = false;
  }
  return headings.map((heading, at) => ({
    ...heading,
    body: (bodies[at] ?? []).join(' ').replace(/\s+/g, ' ').trim(),
  }));
}

function rewriteLinks(tokens: readonly Token[], resolve: Resolve): void {
  for (const token of tokens.flatMap(({ children }) => children ?? [])) {
    const name = token.type === 'link_open' ? 'href' : 'src';
    if (token.type !== 'link_open' && token.type !== 'image') continue;
    token.attrSet(name, resolve(String(token.attrGet(name))));
    if (token.type === 'image') token.attrSet('loading', 'lazy');
  }
}

/** Text before the first heading of a document with YAML in front, as skills have it. */
function withoutFrontMatter(text: string): string {
  return text.replace(/^---\n[\s\S]*?\n---\n/, '');
}

/**
 * @param text Markdown
 * @param resolve gives the target of each link and image on the page
 */
export function renderDocument(text: string, resolve: Resolve): Rendered {
  const tokens = markdown.parse(withoutFrontMatter(text), {});
  const headings = readHeadings(tokens);
  const sections = readSections(tokens, headings);
  rewriteLinks(tokens, resolve);
  const html = markdown.renderer.render(tokens, markdown.options, {});
  return { title: headings[0]?.text ?? '', html, headings, sections };
}
