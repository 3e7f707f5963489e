// The ledger over 2,000 rows: the first ones at once, one page of them on the screen, filters answered, all of it by keyboard.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, violations } from './browser.mjs';
import { Hall } from './hall.mjs';
import { until } from './until.mjs';

const ROWS = 2_000;
const PAGE = 100;
/** First rows stand within this, by the way people come and after a reload. */
const FIRST_MAX_MS = 1_000;
const LIMIT_MS = 5_000;
let hall;
let browser;
let session;
before(async () => {
  hall = await Hall.start();
  browser = await launch();
  session = await open(browser, hall);
  const refused = await session.page.evaluate(fill, ROWS);
  assert.deepEqual(refused, []);
});
after(async () => {
  await browser?.close();
  await hall?.stop();
});

/** In the page: reports so many hidden dangers, some at a time; answers what was refused. */
async function fill(rows) {
  const AT_ONCE = 40;
  const report = async (i) => {
    const fields = { title: `隐患 ${i} 防火门损坏`, source: ['grid_member', 'self_check', 'hotline'][i % 3], enterprise: ['plant-a', 'plant-b'][i % 2], place: `${i % 9} 号车间` };
    const body = JSON.stringify({ kind: 'hidden_danger', fields, links: [], receivers: [] });
    const answer = await fetch('/api/v1/work', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    return answer.ok ? [] : [answer.status];
  };
  const refused = [];
  for (let i = 0; i < rows; i += AT_ONCE) refused.push(...(await Promise.all(Array.from({ length: AT_ONCE }, (_, n) => report(i + n)))).flat());
  return refused;
}

const count = () => session.page.locator('[data-row]').count();
const shownTotal = async () => Number(/\d+/.exec((await session.page.textContent('[data-total]')) ?? '')?.[0]);
const total = (n) => until(async () => (await shownTotal()) === n, LIMIT_MS, async () => `not ${n} rows`);
const focused = () => session.page.evaluate(() => document.activeElement?.textContent?.slice(0, 40));

test(`first rows within ${FIRST_MAX_MS} ms, and no more of them than a page`, async (t) => {
  const { page } = session;
  await page.goto(`${hall.origin}/orders`);
  await page.waitForSelector('[data-link="live"]');
  const began = Date.now();
  await page.click('nav a[href="/hidden-dangers"]');
  await page.waitForSelector('[data-row]');
  const first = Date.now() - began;
  t.diagnostic(`first rows of ${ROWS} after ${first} ms`);
  assert.ok(first <= FIRST_MAX_MS, `${first} ms`);
  await total(ROWS);
  assert.equal(await count(), PAGE);
  assert.deepEqual(await violations(page), []);
});

test('filters and search are answered for all rows, not for those on the screen', async () => {
  const { page } = session;
  await page.selectOption('[name=source]', 'hotline');
  await total(Math.floor(ROWS / 3));
  await page.selectOption('[name=enterprise]', 'plant-b');
  await total(ROWS / 6 | 0);
  await page.keyboard.press('/');
  await page.keyboard.type('隐患 1001 ');
  await total(1);
  await page.fill('[data-search]', '没有这样的');
  await page.waitForSelector('.empty', { timeout: LIMIT_MS });
});

test('by keyboard: pages turn, rows are walked, one is opened and left again', async () => {
  const { page } = session;
  await page.fill('[data-search]', '');
  await page.selectOption('[name=source]', '');
  await page.selectOption('[name=enterprise]', '');
  await total(ROWS);
  await page.focus('[data-ledger] .table-scroll');
  const rowsText = () => page.textContent('[data-page-rows]');
  await page.keyboard.press(']');
  await until(async () => /101.*200/.test(await rowsText()), LIMIT_MS, 'the page did not turn');
  await page.keyboard.press('[');
  await until(async () => /\b1\b.*100/.test(await rowsText()), LIMIT_MS, 'the page did not turn back');
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('k');
  const id = await focused();
  await page.keyboard.press('j');
  assert.notEqual(await focused(), id);
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-item-body]', { timeout: LIMIT_MS });
  const opened = await page.getAttribute('[data-item-body]', 'data-item-body');
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog', { state: 'detached' });
  assert.equal(await focused(), opened, 'the row is not focused again');
});

test('no request left the origin and no error was logged', () => assert.deepEqual([session.foreign, session.errors], [[], []]));
