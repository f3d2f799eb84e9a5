import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildDocs } from './build-docs.ts';
import { brokenLinks } from './check-links.ts';
import { findPages, outputOf } from './pages.ts';
import { renderDocument } from './render.ts';

const ROOT = path.resolve(import.meta.dirname, '..', '..');
const same = (href: string): string => href;

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-site-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

function put(files: Readonly<Record<string, string>>): string {
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), text);
  }
  return folder;
}

describe('a document as HTML', () => {
  it('shows raw HTML as text, and refuses links that run code', () => {
    const { html } = renderDocument(
      '# A <b>b</b>\n<script>alert(1)</script>\n\n[x](javascript:alert(1)) `<i>` <img src=x onerror=y>\n',
      same,
    );
    expect(html).not.toMatch(/<script|<b>|<i>|<img|href="javascript/);
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  });

  it('keeps a marked place, and only that', () => {
    const { html } = renderDocument('# A\n<a id="here"></a>Text <a id="x" onclick="y"></a>\n', same);
    expect(html).toContain('<span id="here"></span>Text');
    expect(html).toContain('&lt;a id=&quot;x&quot; onclick');
  });

  it('gives headings the anchors of GitHub, each once', () => {
    const { headings, title } = renderDocument('# A `b` c\n## GET /v1/x\n## Same\n### Same\n', same);
    expect(title).toBe('A b c');
    expect(headings.map(({ id }) => id)).toEqual(['a-b-c', 'get-v1x', 'same', 'same-1']);
  });

  it('has the text below each heading for the search, without marks', () => {
    const text =
      '# A\nOne *two* [three](x.md).\n\n- four `five`\n\n## B\n```sh\nmesh send\n```\n\n| h |\n|---|\n| six |\n';
    const { sections } = renderDocument(text, same);
    expect(sections.map(({ text, body }) => [text, body])).toEqual([
      ['A', 'One two three. four five'],
      ['B', 'mesh send h six'],
    ]);
  });

  it('leaves out the front matter of a skill', () => {
    expect(renderDocument('---\nname: x\n---\n# A\n', same).html).not.toContain('name');
  });
});

describe('the pages', () => {
  it.each([
    ['README.md', 'readme.html'],
    ['SECURITY.md', 'security.html'],
    ['docs/architecture.md', 'architecture.html'],
    ['docs/protocol/README.md', 'protocol/index.html'],
    ['docs/guides/first-mesh.md', 'guides/first-mesh.html'],
    ['skills/mesh/SKILL.md', 'skills/mesh/skill.html'],
  ])('%s becomes %s', (source, output) => expect(outputOf(source)).toBe(output));

  it('are all documents of the checkout, each once and at a place of its own', () => {
    const pages = findPages(ROOT).flatMap((group) => group.pages);
    const sources = new Set(pages.map(({ source }) => source));
    const documents = fs.globSync(['*.md', 'docs/**/*.md', 'skills/**/*.md'], { cwd: ROOT });
    expect([...sources].sort()).toEqual(documents.map((name) => name.replaceAll('\\', '/')).sort());
    expect(sources.size).toBe(pages.length);
    expect(new Set(pages.map(({ output }) => output)).size).toBe(pages.length);
  });
});

describe('the build of the docs', () => {
  it('turns links between documents into links between pages, and brings the files that are linked', () => {
    const root = put({
      LICENSE: 'free',
      'README.md':
        '# A <b>\n[b](docs/guides/b.md#c), [l](LICENSE), [web](https://example.org/), [up](#a-b)\n',
      'docs/guides/b.md':
        '# B\n## C\n[a](../../README.md) ![picture](../images/p.svg) [u](../../deploy/x.service)\n',
      'docs/images/p.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
      'deploy/x.service': '[Unit]',
    });
    const target = path.join(folder, 'out');
    expect(buildDocs(root, target)).toEqual({ pages: 3, files: 3, sections: 3 });
    const read = (name: string): string => fs.readFileSync(path.join(target, name), 'utf8');
    expect(read('readme.html')).toContain('href="guides/b.html#c"');
    expect(read('readme.html')).toContain('href="files/LICENSE.txt"');
    expect(read('readme.html')).toContain('<title>A &lt;b&gt; · OpenClaw Messaging</title>');
    expect(read('guides/b.html')).toContain('href="../readme.html"');
    expect(read('guides/b.html')).toContain('src="../files/docs/images/p.svg" alt="picture"');
    expect(read('guides/b.html')).toContain('<script src="../../scripts/docs.js" defer>');
    expect(read('files/deploy/x.service.txt')).toBe('[Unit]');
    expect(read('search-sections.js')).toContain('"title":"C"');
    expect(read('search-library.js')).toMatch(/MiniSearch[\s\S]*Permission is hereby granted/);
  });

  it('removes what an earlier build left', () => {
    const root = put({ LICENSE: '', 'README.md': '# A\n', 'out/gone.html': 'old' });
    buildDocs(root, path.join(folder, 'out'));
    expect(fs.existsSync(path.join(folder, 'out/gone.html'))).toBe(false);
  });

  it.each(['gone.md', '../outside.md', 'docs'])('names page and link if %s is linked', (href) => {
    const root = put({ LICENSE: '', 'README.md': `# A\n[x](${href})\n`, 'docs/b.md': '# B\n' });
    expect(() => buildDocs(root, path.join(folder, 'out'))).toThrow(
      `README.md links to ${href}, and there is no such file.`,
    );
  });
});

describe('the check of links', () => {
  it('names each link of a site that leads nowhere', () => {
    put({
      'index.html':
        '<a href="a/b.html#x">1</a><a href="a/b.html#y">2</a><img src="no.svg"><a href="#z">3</a><a href="https://example.org/">4</a><a href="a">5</a><p id="top"></p><a href="#top">6</a>',
      'a/b.html': '<h2 class="c" id="x">x</h2><a href="../index.html">7</a><a href="../../up.html">8</a>',
    });
    expect(brokenLinks(folder)).toEqual([
      'a/b.html: ../../up.html leads out of the site',
      'index.html: a/b.html#y: no such place on that page',
      'index.html: #z: no such place on that page',
      'index.html: a: no such file',
      'index.html: no.svg: no such file',
    ]);
  });
});

describe('the browser lane', () => {
  it('says what to do where there is no Chromium, and fails', () => {
    const script = path.join(ROOT, 'tools/test-browser.ts');
    const env = { ...process.env, PATH: folder };
    const { status, stderr } = spawnSync(process.execPath, [script], { env, encoding: 'utf8' });
    expect(stderr).toContain('The browser tests need Chromium. Install it');
    expect(status).toBe(1);
  });
});
