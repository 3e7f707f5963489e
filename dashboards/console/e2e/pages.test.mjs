// Every page, both themes, both languages: no request off the origin, no accessibility violation, no error.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, violations } from './browser.mjs';
import { Hall } from './hall.mjs';
import { Publisher, reading, topicOf } from './mqtt.mjs';
import { until } from './until.mjs';

const PAGES = ['watch', 'orders', 'incidents', 'hidden-dangers', 'handover', 'roll-call', 'drills', 'video', 'playback', 'tags', 'roster', 'log', 'notices', 'audit'];

let hall;
let browser;
let session;
before(async () => {
  hall = await Hall.start();
  browser = await launch();
  session = await open(browser, hall);
  const publisher = await Publisher.open(hall.access.mqtt);
  const raises = ['one.1', 'two.1', 'two.2', 'three.1', 'three.2', 'three.3', 'three.4'].map((tag) => publisher.publish(topicOf('plant-a', tag), reading(77)));
  await Promise.all([...raises, publisher.publish(topicOf('plant-a', 'nobody-knows-me'), reading(1))]);
  publisher.close();
  await until(async () => (await session.page.locator('[data-alarm-id]').count()) > 2, 5_000, 'no rows');
});
after(async () => {
  await browser?.close();
  await hall?.stop();
});

async function set(page, theme, language) {
  await page.evaluate((text) => localStorage.setItem('fenghuo.settings', text), JSON.stringify({ theme, language, density: 'compact' }));
}

for (const [theme, language] of [['dark', 'zh'], ['light', 'en'], ['dark', 'en'], ['light', 'zh']]) {
  test(`axe finds nothing: ${theme}, ${language}`, async () => {
    const page = await session.context.newPage();
    await page.goto(`${hall.origin}/watch`);
    await set(page, theme, language);
    for (const name of PAGES) {
      await page.goto(`${hall.origin}/${name}`);
      await page.waitForSelector('[data-link="live"]');
      assert.equal(await page.getAttribute('html', 'data-theme'), theme);
      assert.deepEqual(await violations(page), [], `${name} ${theme} ${language}`);
    }
    await page.close();
  });
}

test('axe finds nothing in the dialogs', async () => {
  const { page } = session;
  for (const [key, selector] of [['?', 'dialog'], ['Control+k', '[role=combobox]'], ['d', '[data-dispatch]'], ['s', '[data-dialog]'], ['i', '[data-create-form]'], ['x', '[data-false-alarm]']]) {
    await page.focus('#alarm-grid');
    await page.keyboard.press(key);
    await page.waitForSelector(selector);
    assert.deepEqual(await violations(page), [], key);
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'detached' });
  }
});

test('axe finds nothing on the login page', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${hall.origin}/login`);
  await page.waitForSelector('[name=account]');
  assert.deepEqual(await violations(page), []);
  await context.close();
});

test('an unknown tag is shown, not dropped', async () => {
  await session.page.goto(`${hall.origin}/tags`);
  await session.page.getByText('plant-a/nobody-knows-me').waitFor({ timeout: 5_000 });
});

test('no request left the origin and no error was logged', () => {
  assert.deepEqual(session.foreign, []);
  assert.deepEqual(session.errors, []);
});

test('on a phone nothing is wider than the screen', async () => {
  const page = await session.context.newPage();
  await page.setViewportSize({ width: 390, height: 844 });
  for (const name of PAGES) {
    await page.goto(`${hall.origin}/${name}`);
    await page.waitForSelector('[data-link]');
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 390, `${name} is ${width} px wide`);
  }
  await page.close();
});
