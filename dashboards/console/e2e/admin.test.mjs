// The administrator: accounts added, given a password, disabled; machine tokens shown once and revoked. By keyboard where it matters.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, login, open, violations } from './browser.mjs';
import { Hall } from './hall.mjs';
import { until } from './until.mjs';

const LIMIT_MS = 5_000;
let hall;
let browser;
let admin;
before(async () => {
  hall = await Hall.start();
  browser = await launch();
  admin = await open(browser, hall, { as: 'admin' });
});
after(async () => {
  await browser?.close();
  await hall?.stop();
});

const accounts = () => admin.page.evaluate(async () => (await (await fetch('/api/v1/accounts')).json()).accounts);
/** Whether somebody gets in with this password. */
async function enters(account, password) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await login(page, hall, account, password);
  const found = await page.waitForSelector('[data-link], [data-problem]', { timeout: LIMIT_MS });
  const inside = (await found.getAttribute('data-link')) !== null;
  if (!inside) await context.close();
  return inside ? { context, page } : null;
}

test('an account is added by keyboard alone, its password shown to be handed over', async () => {
  const { page } = admin;
  await page.goto(`${hall.origin}/accounts`);
  await page.focus('[data-add-account]');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-account-form]');
  await page.keyboard.type('sun');
  await page.keyboard.press('Tab');
  await page.keyboard.type('孙值班');
  await page.keyboard.press('Tab');
  await page.keyboard.press('ArrowDown');
  const password = await page.inputValue('[name=password]');
  assert.match(password, /^([a-z2-9]{4}-){3}[a-z2-9]{4}$/);
  assert.deepEqual(await violations(page), []);
  await page.keyboard.press('Control+Enter');
  await page.waitForSelector('[data-account="sun"]', { timeout: LIMIT_MS });
  assert.deepEqual((await accounts()).find((a) => a.account === 'sun'), { account: 'sun', name: '孙值班', role: 'duty_officer', disabled: false });
  const inside = await enters('sun', password);
  assert.ok(inside, 'the new account cannot log in');
  await inside.context.close();
});

test('a new password ends the sessions of the old one; a disabled account stays in the list and cannot log in', async () => {
  const { page } = admin;
  await page.click('[data-account="sun"] [data-change="password"]');
  await page.fill('[name=password]', 'eight-at-least');
  await page.click('[data-account-form] button[type=submit]');
  await page.waitForSelector('[data-account-form]', { state: 'detached', timeout: LIMIT_MS });
  const inside = await enters('sun', 'eight-at-least');
  assert.ok(inside, 'the new password is not taken');
  await page.click('[data-account="sun"] [data-change="disable"]');
  await page.click('[data-account-form] button[type=submit]');
  await page.waitForSelector('[data-account="sun"][data-disabled="true"]', { timeout: LIMIT_MS });
  await inside.page.waitForSelector('[name=account]', { timeout: LIMIT_MS });
  await inside.context.close();
  assert.equal(await enters('sun', 'eight-at-least'), null);
});

test('the last administrator cannot be disabled, and the form says why', async () => {
  const { page } = admin;
  await page.click('[data-account="admin"] [data-change="disable"]');
  await page.click('[data-account-form] button[type=submit]');
  assert.match(await (await page.waitForSelector('[data-problem]')).textContent(), /LAST_ADMINISTRATOR/);
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog', { state: 'detached' });
});

test('a machine token is shown once, works, and ends when it is revoked', async () => {
  const { page } = admin;
  await page.goto(`${hall.origin}/tokens`);
  await page.click('[data-new-token-button]');
  await page.fill('[name=purpose]', '一号广播终端');
  await page.fill('[name=days]', '30');
  assert.deepEqual(await violations(page), []);
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-new-token]', { timeout: LIMIT_MS });
  const token = await page.inputValue('[data-new-token] [name=token]');
  const asks = async () => (await fetch(`${hall.origin}/api/v1/alarms`, { headers: { authorization: `Bearer ${token}` } })).status;
  assert.equal(await asks(), 200);
  await page.click('[data-taken]');
  const row = page.locator('tr[data-kind="machine"]', { hasText: '一号广播终端' });
  await row.waitFor({ timeout: LIMIT_MS });
  assert.ok(!(await page.content()).includes(token), 'the token still stands on the page');
  assert.deepEqual(await violations(page), []);
  await row.locator('[data-revoke]').click();
  await page.click('[data-revoke-form] button[type=submit]');
  await row.waitFor({ state: 'detached', timeout: LIMIT_MS });
  await until(async () => (await asks()) === 401, LIMIT_MS, 'a revoked token still reads');
});

test('who is no administrator has no such pages', async () => {
  const duty = await open(browser, hall, { by: 'link' });
  await duty.page.click('[data-more]');
  assert.equal(await duty.page.locator('#nav-more a[href="/accounts"], #nav-more a[href="/tokens"]').count(), 0);
  await duty.context.close();
});

test('no request left the origin and no error was logged', () => assert.deepEqual([admin.foreign, admin.errors], [[], []]));
