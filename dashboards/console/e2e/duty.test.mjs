// A duty officer's first minutes, by keyboard: take over, see, acknowledge, note, dispatch, receipt.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, row } from './browser.mjs';
import { Hall } from './hall.mjs';
import { Publisher, reading, topicOf } from './mqtt.mjs';
import { until } from './until.mjs';

let hall;
let browser;
let publisher;
let session;
before(async () => {
  hall = await Hall.start();
  browser = await launch();
  publisher = await Publisher.open(hall.access.mqtt);
  session = await open(browser, hall, { by: 'link' });
});
after(async () => {
  publisher?.close();
  await browser?.close();
  await hall?.stop();
});

const raise = (tag) => publisher.publish(topicOf('plant-a', tag), reading(77));
const openAlarm = async (tag) => (await hall.get('/api/v1/alarms?state=open')).alarms.find((a) => a.tag === tag);

test('a wrong password is refused in words, with what to do', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${hall.origin}/login`);
  await page.fill('[name=account]', 'lead');
  await page.fill('[name=password]', 'not the password');
  await page.click('button[type=submit]');
  const problem = await page.waitForSelector('[data-problem]');
  assert.match(await problem.textContent(), /LOGIN_FAILED/);
  await context.close();
});

test('the one-time link works once; a used one leads to words, not to a session', async () => {
  const context = await browser.newContext();
  const answer = await (await context.newPage()).goto(hall.access.login_url);
  assert.notEqual(new URL(answer.url()).pathname, '/watch');
  assert.equal((await context.cookies()).length, 0);
  await context.close();
});

test('without an alarm the list proves that the hall hears', async () => {
  publisher.send(topicOf('plant-b', 'load.1'), reading(1));
  await until(async () => /\d/.test((await session.page.textContent('[data-proof]')) ?? ''), 5_000, 'no proof of life');
});

test('taking over arms the sound, and the server knows', async () => {
  await session.page.click('[data-take-over]');
  await session.page.waitForSelector('[data-sound="armed"]');
  await until(async () => (await hall.get('/api/v1/presence')).armed === 1, 3_000, 'the server was not told that the console is armed');
});

test('the first alarm is painted and selected', async () => {
  await raise('three.1');
  await row(session.page, 'plant-a/three.1').waitFor({ timeout: 3_000 });
  assert.equal(await row(session.page, 'plant-a/three.1').getAttribute('aria-selected'), 'true');
});

test('Ⅲ is acknowledged by one key', async () => {
  await session.page.keyboard.press('a');
  await until(async () => (await openAlarm('three.1'))?.state === 'acknowledged', 3_000, 'A did not acknowledge');
  await row(session.page, 'plant-a/three.1').and(session.page.locator('[data-state="acknowledged"]')).waitFor({ timeout: 3_000 });
});

test('Ⅰ asks for a note first; Enter submits it', async () => {
  await raise('one.1');
  await row(session.page, 'plant-a/one.1').waitFor({ timeout: 3_000 });
  await row(session.page, 'plant-a/one.1').click();
  await session.page.keyboard.press('a');
  await session.page.waitForSelector('[data-dialog]');
  await session.page.keyboard.press('Enter');
  assert.equal((await openAlarm('one.1')).acknowledged, false, 'an empty note must not acknowledge');
  await session.page.keyboard.type('已电话核实');
  await session.page.keyboard.press('Enter');
  await until(async () => (await openAlarm('one.1'))?.acknowledgement?.note === '已电话核实', 3_000, 'the note did not arrive');
});

test('space silences for 120 s and acknowledges nothing', async () => {
  await session.page.focus('#alarm-grid');
  await session.page.keyboard.press(' ');
  await session.page.waitForSelector('[data-sound="silenced"]');
  await raise('one.2');
  await session.page.waitForSelector('[data-sound="armed"]');
  assert.equal((await openAlarm('one.2')).acknowledged, false);
});

test('D and Ctrl+Enter dispatch; receipts move the card', async () => {
  const { page } = session;
  await row(page, 'plant-a/one.1').click();
  await page.keyboard.press('d');
  await page.waitForSelector('[data-dispatch]');
  await page.keyboard.press('Control+Enter');
  const card = page.locator('.pane [data-item-id]');
  await card.waitFor({ timeout: 3_000 });
  assert.equal(await card.getAttribute('data-item-state'), 'issued');
  for (const [act, state] of [['acknowledge', 'acknowledged'], ['arrive', 'in_progress'], ['complete', 'done']]) {
    await page.click(`.pane [data-act="${act}"]`);
    await page.waitForSelector(`.pane [data-item-state="${state}"]`, { timeout: 3_000 });
  }
});

test('an arrival never steals the selection', async () => {
  await row(session.page, 'plant-a/one.1').click();
  await raise('one.3');
  await row(session.page, 'plant-a/one.3').waitFor({ timeout: 8_000 });
  assert.equal(await row(session.page, 'plant-a/one.1').getAttribute('aria-selected'), 'true');
});

test('keys do nothing inside inputs; Esc goes back', async () => {
  const { page } = session;
  await page.keyboard.press('/');
  await page.keyboard.type('aaa');
  assert.equal(await page.inputValue('[data-search]'), 'aaa');
  assert.equal(await page.locator('dialog').count(), 0);
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  assert.equal(await page.inputValue('[data-search]'), '');
  await page.keyboard.press('?');
  await page.waitForSelector('dialog');
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog', { state: 'detached' });
});

test('no error was logged on the way', () => assert.deepEqual(session.errors, []));
