import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { brokenLinks } from './check-links.ts';
import { type StaticServer, startStaticServer } from './testing/static-server.ts';
import { startBrowser, until, violations, visit } from './testing/visit.ts';

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

const PAGES = [
  'index.html',
  'docs/index.html',
  'docs/readme.html',
  'docs/guides/operate.html',
  'docs/protocol/mesh.html',
  'docs/reference/configuration.html',
  'docs/reference/http.html',
];
/** One of each kind is looked at in all four ways; of the others each size in one kind of colours. */
const THOROUGH = ['index.html', 'docs/protocol/mesh.html'];
const SIZES = { phone: { width: 360, height: 780 }, desk: { width: 1280, height: 800 } };
/** Where a long text is laid out anew: the narrowest phone, and a desk at 200%. */
const REFLOW = [
  { width: 320, height: 640 },
  { width: 640, height: 400 },
];

const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';

/** Controls, and links that are not words in a sentence. */
const TARGETS = 'button, input, summary, nav a, .brand, .links a, .contents a, .anchor, .index > li > a';
const smallTargets = `[...document.querySelectorAll(${JSON.stringify(TARGETS)})]
  .filter((one) => one.checkVisibility())
  .map((one) => [one.outerHTML.slice(0, 120), one.getBoundingClientRect()])
  .filter(([, { width, height }]) => width < 24 || height < 24)
  .map(([html, { width, height }]) => html + ' is ' + width + ' x ' + height)`;

/** Fonts are in, and what scrolls sideways with them is a stop for the keyboard. */
const settled = `document.fonts.status === "loaded" && [...document.querySelectorAll('main pre, main .scroll')]
  .every((one) => one.scrollWidth > one.clientWidth === one.hasAttribute('tabindex'))`;

describe.each(PAGES)('%s', (name) => {
  it.each([
    ['phone', ['dark', 'light']],
    ['desk', ['light', 'dark']],
  ] as const)('is right for everybody on a %s', async (size, schemes) => {
    const { page, problems, end } = await visit(browser, server.url, name, { viewport: SIZES[size] });
    await until(page, settled);
    for (const colorScheme of THOROUGH.includes(name) ? schemes : schemes.slice(0, 1)) {
      await page.emulateMedia({ colorScheme });
      expect(await page.evaluate(overflow), 'scrolls sideways by').toBe(0);
      expect(await page.evaluate(smallTargets), 'targets below 24 px').toEqual([]);
      expect(await violations(page), colorScheme).toEqual([]);
    }
    expect(problems).toEqual([]);
    await end();
  });

  it('works from a folder, without a server, and reflows', async () => {
    const { page, problems, end } = await visit(browser, pathToFileURL(`${site}/`).href, name);
    await page.evaluate('document.fonts.ready');
    expect(await page.evaluate('[...document.fonts].some((font) => font.status === "loaded")')).toBe(true);
    for (const viewport of REFLOW) {
      await page.setViewportSize(viewport);
      expect(await page.evaluate(overflow), `scrolls sideways at ${viewport.width} px by`).toBe(0);
    }
    expect(problems).toEqual([]);
    await end();
  });
});

describe('the site', () => {
  it('has no link that leads nowhere', () => {
    expect(brokenLinks(site)).toEqual([]);
  });

  it('takes the colours of the system, and keeps those that somebody chose on every page', async () => {
    const { page, problems, end } = await visit(browser, server.url, 'index.html', { colorScheme: 'light' });
    const paper = 'getComputedStyle(document.body).backgroundColor';
    const light = await page.evaluate(paper);
    await page.getByRole('button', { name: 'Dark colours' }).click();
    const dark = await page.evaluate(paper);
    expect(dark).not.toBe(light);
    await page.getByRole('navigation').getByRole('link', { name: 'Docs' }).click();
    await page.waitForURL('**/docs/index.html');
    expect(await page.evaluate(paper)).toBe(dark);
    await page.getByRole('button', { name: 'Light colours' }).click();
    expect(await page.evaluate(paper)).toBe(light);
    expect(problems).toEqual([]);
    await end();
  });

  it('without scripts shows its words, and no control that would do nothing', async () => {
    for (const name of ['index.html', 'docs/protocol/mesh.html']) {
      const { page, problems, end } = await visit(browser, server.url, name, { javaScriptEnabled: false });
      expect(await page.locator('h1').isVisible()).toBe(true);
      expect(await page.locator('button:visible, input:visible').count()).toBe(0);
      expect(problems).toEqual([]);
      await end();
    }
  });

  it('goes to the content with the first link', async () => {
    for (const name of ['index.html', 'docs/readme.html']) {
      const { page, end } = await visit(browser, server.url, name);
      await page.keyboard.press('Tab');
      expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content');
      await page.keyboard.press('Enter');
      await until(page, 'location.hash === "#main"');
      await page.keyboard.press('Tab');
      expect(await page.evaluate('document.activeElement.closest("main") !== null')).toBe(true);
      await end();
    }
  });

  it('stores nothing but the chosen colours, and sets no cookie', async () => {
    const { page, end } = await visit(browser, server.url, 'index.html');
    await page.getByRole('button', { name: 'Dark colours' }).click();
    expect(await page.evaluate('Object.keys(localStorage)')).toEqual(['mesh-theme']);
    expect(await page.context().cookies()).toEqual([]);
    await end();
  });
});
