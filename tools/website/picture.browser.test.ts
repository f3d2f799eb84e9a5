import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type StaticServer, startStaticServer } from './testing/static-server.ts';
import { startBrowser, until, type Visit, violations, visit } from './testing/visit.ts';

let browser: Browser;
let server: StaticServer;
beforeAll(async () => {
  [browser, server] = await Promise.all([startBrowser(), startStaticServer(inject('site'))]);
});
afterAll(async () => {
  await browser.close();
  await server.stop();
});

/** The front page with a clock of its own, which only `runFor` moves. */
function open(options: BrowserContextOptions = {}): Promise<Visit> {
  return visit(browser, server.url, 'index.html', options, (page) => page.clock.install());
}

const nodes = (page: Page) => page.locator('#picture-stage button');
const lines = (page: Page) => page.locator('#picture-log p').allInnerTexts();
/** The words of what has the focus: its label, or its text without what is hidden from screen readers. */
const focused = (page: Page): Promise<string> =>
  page.evaluate(`(() => {
    const copy = document.activeElement.cloneNode(true);
    for (const hidden of copy.querySelectorAll('[aria-hidden]')) hidden.remove();
    return copy.getAttribute('aria-label') ?? copy.textContent.trim();
  })()`);
const dotPlaces = (page: Page): Promise<string[]> =>
  page.evaluate('[...document.querySelectorAll(".wires .dot")].map((one) => one.getAttribute("transform"))');

/** Presses Tab until the focus is on what is called so. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let i = 0; i < 80; i++) {
    await page.keyboard.press('Tab');
    if ((await focused(page)) === name) return;
  }
  throw new Error(`Tab never reaches "${name}"; it stopped at "${await focused(page)}"`);
}

describe('the picture', () => {
  it('is worked by keyboard alone: send, switch off, take away, bring back', async () => {
    const { page, problems, end } = await open();
    expect(await page.locator('#picture-log').getAttribute('aria-live')).toBe('off');
    await tabTo(page, 'Send a message from Anna');
    await page.keyboard.press('Enter');
    expect(await page.locator('#picture-log').getAttribute('aria-live')).toBe('polite');
    await page.clock.runFor(10_000);
    expect(await lines(page)).toEqual([
      'Chen has message 1, pushed by R6.',
      'Ben has message 1, pushed by R3.',
      'R1 has message 1 on its disk: Anna may go offline now.',
      'R1 is the root of message 1. Copies go to R2, along its tree.',
      'Anna signs message 1 and pushes it to its live relay, R1.',
    ]);

    await page.keyboard.press('Shift+Tab');
    await tabTo(page, 'All peers as a list, with their state');
    await page.keyboard.press('Enter');
    await tabTo(page, 'Take away Chen');
    await page.keyboard.press('Space');
    expect(await focused(page)).toBe('Bring back Chen');
    expect(await page.getByRole('button', { name: 'Send a message from Chen' }).isDisabled()).toBe(true);
    await page
      .locator('#picture-peers')
      .getByRole('button', { name: 'Send a message from Ben' })
      .press('Enter');
    await page.clock.runFor(12_000);
    expect(await lines(page)).toContain('Chen is away. R6 keeps message 2 in the mailbox.');
    await page.locator('#picture-peers').getByRole('button', { name: 'Bring back Chen' }).press('Enter');
    await page.clock.runFor(10_000);
    expect((await lines(page))[0]).toBe('Chen has message 2, fetched after a comparison with R6.');
    expect(await page.locator('#picture-peers li', { hasText: 'Chen' }).innerText()).toContain(
      'Has messages 1 and 2.',
    );

    await page.locator('#picture-stage').getByRole('button', { name: 'Switch R2 off' }).press('Enter');
    expect(await page.locator('#picture-stage').getByRole('button', { name: 'Switch R2 on' }).count()).toBe(
      1,
    );
    expect(problems).toEqual([]);
    await end();
  });

  it('names every node, in the order of Tab, and shows where the focus is', async () => {
    const { page, end } = await open();
    const texts = await nodes(page).allTextContents();
    // Without the initial that a leaf shows above its name.
    const labels = texts.map((text) => text.replace(/^[A-Z](?=Send)/, ''));
    expect(labels).toHaveLength(11);
    await tabTo(page, labels[0] as string);
    for (const label of labels) {
      expect(await focused(page)).toBe(label);
      const outline = await page.evaluate(
        'getComputedStyle(document.activeElement.querySelector(".mark")).outlineStyle',
      );
      expect(outline).toBe('solid');
      await page.keyboard.press('Tab');
    }
    await end();
  });

  it('plays a scene once it is seen, stops at Pause, and ends when somebody takes over', async () => {
    const { page, problems, end } = await open({ reducedMotion: 'no-preference' });
    await page.clock.runFor(3000);
    expect(await lines(page)).toEqual([]);
    await page.locator('#picture-stage').scrollIntoViewIfNeeded();
    await until(
      page,
      'document.getElementById("picture-stage").getBoundingClientRect().top < innerHeight / 2',
    );
    await expect
      .poll(
        async () => {
          await page.clock.runFor(500);
          return lines(page);
        },
        { timeout: 40_000 },
      )
      .toContain('Anna signs message 1 and pushes it to its live relay, R1.');
    expect(await page.locator('#picture-log').getAttribute('aria-live')).toBe('off');

    await page.getByRole('button', { name: 'Pause' }).click();
    await page.clock.runFor(100);
    const before = await dotPlaces(page);
    expect(before.length).toBeGreaterThan(0);
    await page.clock.runFor(5000);
    expect(await dotPlaces(page)).toEqual(before);
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.clock.runFor(30_000);
    expect((await lines(page)).length).toBe(7);

    await page.getByRole('button', { name: 'Start over' }).click();
    expect(await lines(page)).toEqual([]);
    await page.clock.runFor(20_000);
    expect(await lines(page)).toEqual([]);
    expect(problems).toEqual([]);
    await end();
  });

  it('plays nothing by itself for those who asked for less motion, and lets nothing travel', async () => {
    const { page, end } = await open({ reducedMotion: 'reduce' });
    await page.locator('#picture-stage').scrollIntoViewIfNeeded();
    await page.clock.runFor(10_000);
    expect(await lines(page)).toEqual([]);
    await page.locator('#picture-stage').getByRole('button', { name: 'Send a message from Anna' }).click();
    await page.clock.runFor(200);
    const before = await dotPlaces(page);
    expect(before).toHaveLength(1);
    await page.clock.runFor(300);
    expect(await dotPlaces(page)).toEqual(before);
    await page.clock.runFor(10_000);
    expect((await lines(page))[0]).toBe('Chen has message 1, pushed by R6.');
    await end();
  });

  it.each([360, 1280])('breaks no rule in the middle of a delivery at %d px', async (width) => {
    const { page, end } = await open({ viewport: { width, height: 800 } });
    await page.getByText('All peers as a list').click();
    const stage = page.locator('#picture-stage');
    await stage.getByRole('button', { name: 'Switch R5 off' }).click();
    await stage.getByRole('button', { name: 'Send a message from Anna' }).click();
    await page.clock.runFor(1500);
    await page.getByRole('button', { name: 'Pause' }).click();
    expect((await dotPlaces(page)).length).toBeGreaterThan(0);
    await page.clock.resume();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await violations(page), colorScheme).toEqual([]);
    }
    await end();
  });

  it('keeps its nodes apart from each other and inside the stage, however narrow', async () => {
    const { page, end } = await open();
    for (const width of [320, 360, 768, 1280, 1920]) {
      await page.setViewportSize({ width, height: 800 });
      // What watches the size of the stage is told some time after that has changed.
      await until(
        page,
        'document.querySelector("#picture-stage svg").viewBox.baseVal.width === ' +
          'document.getElementById("picture-stage").clientWidth',
      );
      const boxes = await nodes(page).evaluateAll((all) =>
        all.map((one) => {
          const { left, right, top, bottom } = one.getBoundingClientRect();
          return { left, right, top, bottom };
        }),
      );
      const stage = await page.locator('#picture-stage').boundingBox();
      if (stage === null) throw new Error('the stage is not shown');
      for (const [i, one] of boxes.entries()) {
        expect(one.left, `${width}: node ${i}`).toBeGreaterThanOrEqual(stage.x);
        expect(one.right, `${width}: node ${i}`).toBeLessThanOrEqual(stage.x + stage.width);
        expect(one.top, `${width}: node ${i}`).toBeGreaterThanOrEqual(stage.y);
        expect(one.bottom, `${width}: node ${i}`).toBeLessThanOrEqual(stage.y + stage.height);
        for (const other of boxes.slice(i + 1)) {
          const apart =
            one.right <= other.left ||
            other.right <= one.left ||
            one.bottom <= other.top ||
            other.bottom <= one.top;
          expect(apart, `${width}: nodes ${i} and ${boxes.indexOf(other)} overlap`).toBe(true);
        }
      }
    }
    await end();
  });
});
