import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type StaticServer, startStaticServer } from './testing/static-server.ts';
import { startBrowser, until, type Visit, violations, visit } from './testing/visit.ts';

const site = inject('site');
let browser: Browser;
let server: StaticServer;
beforeAll(async () => {
  [browser, server] = await Promise.all([startBrowser(), startStaticServer(site)]);
});
afterAll(async () => {
  await browser.close();
  await server.stop();
});

/** Types into the search field, and waits until it says what it found. */
async function search({ page }: Visit, text: string): Promise<string> {
  await page.getByRole('searchbox').fill(text);
  await until(page, 'document.getElementById("search-status").textContent !== ""');
  return page.getByRole('status').innerText();
}

describe.each([
  ['from a server', () => server.url],
  ['from a folder', () => pathToFileURL(`${site}/`).href],
])('the search %s', (_, base) => {
  it('finds a section by its words, and leads to it by keyboard alone', async () => {
    const visited = await visit(browser, base(), 'docs/guides/operate.html');
    const { page, problems } = visited;
    expect(await search(visited, 'mailbox leaf away')).toMatch(/places? found/);
    expect(await page.locator('#search-results a').first().innerText()).toBe('The mesh: Mailbox');
    expect(await page.locator('#search-results mark').first().innerText()).toMatch(/mailbox|leaf|away/i);
    await page.getByRole('searchbox').press('Enter');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/docs/protocol/mesh.html#mailbox');
    expect(await page.locator('#mailbox').isVisible()).toBe(true);
    expect(problems).toEqual([]);
    await visited.end();
  });

  it('finds options, commands and beginnings of words, from a page at the top as well', async () => {
    const visited = await visit(browser, base(), 'docs/index.html');
    for (const [text, result] of [
      ['MESH_PUBLIC_URL', 'Configuration: MESH_PUBLIC_URL'],
      ['store_full', 'Error codes: store_full'],
      ['finger', 'Catch-up: Fingerprints'],
      ['fingerprnts', 'Catch-up: Fingerprints'],
    ]) {
      await visited.page.getByRole('searchbox').fill('');
      await search(visited, text as string);
      expect(await visited.page.locator('#search-results a').allInnerTexts()).toContain(result);
    }
    expect(visited.problems).toEqual([]);
    await visited.end();
  });
});

describe('the search', () => {
  it('says what it did not find, shows what was typed as text, and is emptied by Escape', async () => {
    const visited = await visit(browser, server.url, 'docs/index.html');
    const { page, problems } = visited;
    const typed = '<img src=x onerror=alert(1)>xyzzyqux';
    expect(await search(visited, typed)).toBe(`Nothing found for “${typed}”. Try fewer or shorter words.`);
    expect(await page.locator('#search-results').isVisible()).toBe(false);
    await page.getByRole('searchbox').press('Escape');
    await until(page, 'document.getElementById("search-status").textContent === ""');
    expect(await page.getByRole('searchbox').inputValue()).toBe('');
    expect(problems).toEqual([]);
    await visited.end();
  });

  it('leads to a place on the same page, and is out of the way then', async () => {
    const visited = await visit(browser, server.url, 'docs/protocol/mesh.html');
    await search(visited, 'mailbox leaf away');
    await visited.page.locator('#search-results a').first().click();
    await until(visited.page, 'document.getElementById("search-results").hidden');
    expect(visited.page.url()).toMatch(/mesh\.html#mailbox$/);
    await visited.end();
  });

  it.each([
    [360, 'dark'],
    [1280, 'light'],
  ] as const)('with results breaks no rule at %d px', async (width, colorScheme) => {
    const viewport = { width, height: 780 };
    const visited = await visit(browser, server.url, 'docs/index.html', { viewport, colorScheme });
    await search(visited, 'relay');
    expect(await violations(visited.page)).toEqual([]);
    expect(
      await visited.page.evaluate(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      ),
    ).toBe(0);
    await visited.end();
  });
});
