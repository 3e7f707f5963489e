// F1, F2, F3, F7, F8 of console.md with the hands counted: a flow that grows fails here.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, row } from './browser.mjs';
import { Hall } from './hall.mjs';
import { inputs, reset } from './inputs.mjs';
import { Publisher, reading, topicOf } from './mqtt.mjs';
import { until } from './until.mjs';

let hall;
let browser;
let publisher;
let officer;
let lead;
before(async () => {
  hall = await Hall.start();
  browser = await launch();
  publisher = await Publisher.open(hall.access.mqtt);
  officer = await open(browser, hall, { by: 'link' });
  lead = await open(browser, hall);
  for (const tag of ['three.1', 'three.2', 'three.3', 'three.4', 'three.5']) await publisher.publish(topicOf('plant-a', tag), reading(77));
});
after(async () => {
  publisher?.close();
  await browser?.close();
  await hall?.stop();
});

const LIMIT_MS = 5_000;
const alarm = async (tag) => (await hall.get('/api/v1/alarms?state=open')).alarms.find((a) => a.tag === tag);
const work = async (kind) => (await hall.get(`/api/v1/work?kind=${kind}`)).items;

/** An alarm selected on the watch page, hands at zero. */
async function at(session, tag) {
  const { page } = session;
  if (new URL(page.url()).pathname !== '/watch') await page.goto(`${hall.origin}/watch`);
  await page.waitForSelector('[data-link="live"]');
  if ((await page.getAttribute('[data-grouped]', 'aria-pressed')) === 'true') await page.click('[data-grouped]');
  await page.click('[data-tab="open"]');
  await row(page, `plant-a/${tag}`).click();
  await page.focus('#alarm-grid');
  await reset(page);
  return page;
}

async function atMost(page, most, what) {
  const { keys, clicks } = await inputs(page);
  assert.ok(keys <= most.keys && clicks <= most.clicks, `${what}: ${keys} keys and ${clicks} clicks, at most ${most.keys} and ${most.clicks}`);
}

test('F1 by keyboard: one key acknowledges Ⅲ', async () => {
  const page = await at(officer, 'three.1');
  await page.keyboard.press('a');
  await until(async () => (await alarm('three.1'))?.acknowledged, LIMIT_MS, 'not acknowledged');
  await atMost(page, { keys: 1, clicks: 0 }, 'F1');
});

test('F1 by mouse: one click', async () => {
  const page = await at(officer, 'three.2');
  await page.click('[data-action="acknowledge"]');
  await until(async () => (await alarm('three.2'))?.acknowledged, LIMIT_MS, 'not acknowledged');
  await atMost(page, { keys: 0, clicks: 1 }, 'F1');
});

test('F2, D1 by keyboard: alarm to issued order in two keystrokes', async () => {
  const page = await at(officer, 'three.1');
  await page.keyboard.press('d');
  await page.waitForSelector('[data-dispatch] input:checked');
  await page.keyboard.press('Control+Enter');
  const order = await until(async () => (await work('order'))[0], LIMIT_MS, 'no order');
  await atMost(page, { keys: 2, clicks: 0 }, 'F2');
  assert.equal(order.state, 'issued');
  assert.match(order.fields.content, /three 1 号/);
  assert.deepEqual(order.links.filter((l) => l.rel === 'alarm').length, 1);
});

test('F2, D3 by mouse: two receivers in three clicks are two orders', async () => {
  const page = await at(officer, 'three.2');
  await page.click('[data-action="dispatch"]');
  await page.click('[data-picker="receivers"] input[value="brigade-2"]');
  await page.click('[data-dispatch] button[type=submit]');
  await until(async () => (await work('order')).length === 3, LIMIT_MS, 'not two more orders');
  await atMost(page, { keys: 0, clicks: 3 }, 'F2');
});

test('F3: I and Enter open an incident room with the alarm in it', async () => {
  const page = await at(officer, 'three.3');
  await page.keyboard.press('i');
  await page.waitForSelector('[data-create-form]');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-room] [data-stamp="alarm"][data-set="true"]', { timeout: LIMIT_MS });
  await atMost(page, { keys: 2, clicks: 0 }, 'F3');
  await page.keyboard.press('Escape');
  await page.waitForSelector('[data-new-incident]');
});

test('H1: one key makes a ledger item with its evidence', async () => {
  const page = await at(officer, 'three.3');
  await page.keyboard.press('h');
  await page.waitForSelector('[data-item-body]', { timeout: LIMIT_MS });
  await atMost(page, { keys: 1, clicks: 0 }, 'H1');
  const [item] = await work('hidden_danger');
  assert.equal(item.fields.source, 'alarm');
  assert.deepEqual(item.links.map((l) => l.rel).sort(), ['alarm', 'tag']);
  await page.keyboard.press('Escape');
});

test('F7 by keyboard: X, a reason, and shelving is one more key', async () => {
  const page = await at(officer, 'three.4');
  await page.keyboard.press('x');
  await page.waitForSelector('[data-false-alarm]');
  await page.keyboard.press('1');
  await page.waitForSelector('[data-shelve-for]');
  await page.keyboard.press('Enter');
  await until(async () => (await alarm('three.4'))?.state === 'shelved', LIMIT_MS, 'not shelved');
  await atMost(page, { keys: 3, clicks: 0 }, 'F7');
});

test('F7 by mouse: two clicks note the reason', async () => {
  const page = await at(officer, 'three.5');
  await page.click('[data-action="false"]');
  await page.click('[data-reason="calibration"]');
  await page.waitForSelector('[data-shelve-for]');
  await atMost(page, { keys: 0, clicks: 2 }, 'F7');
  await page.keyboard.press('Escape');
});

test('S4, F8: three clicks hand the watch over; what nobody took blocks the signature', async () => {
  await officer.page.goto(`${hall.origin}/handover`);
  await officer.page.waitForSelector('[data-begin]');
  await until(async () => (await officer.page.locator('[data-entry]').count()) > 3, LIMIT_MS, 'the open list is empty');
  await officer.page.fill('[name=successor]', '王强');
  await officer.page.press('[name=successor]', 'Enter');
  assert.equal(await officer.page.getAttribute('[data-person]', 'data-person'), 'lead');
  await reset(officer.page);
  await officer.page.click('[data-begin]');
  await officer.page.waitForSelector('[data-signed="true"]', { timeout: LIMIT_MS });

  await lead.page.goto(`${hall.origin}/handover`);
  await lead.page.waitForSelector('[data-sign="successor"]');
  assert.equal(await lead.page.isDisabled('[data-sign="successor"]'), true, 'signed with loose items');
  await reset(lead.page);
  await lead.page.click('[data-take-all]');
  await lead.page.waitForSelector('[data-sign="successor"]:not([disabled])', { timeout: LIMIT_MS });
  await lead.page.click('[data-sign="successor"]');
  const done = await until(async () => (await work('handover')).find((h) => h.state === 'complete'), LIMIT_MS, 'the hand-over is not complete');
  assert.equal(done.fields.signed_in_by, 'lead');
  const hands = [await inputs(officer.page), await inputs(lead.page)];
  assert.ok(hands[0].clicks + hands[1].clicks <= 3, `F8: ${JSON.stringify(hands)}`);
  for (const order of await work('order')) assert.equal(order.owner, 'lead', `${order.id} is with ${order.owner}`);
});

test('no error was logged on the way', () => assert.deepEqual([...officer.errors, ...lead.errors], []));
