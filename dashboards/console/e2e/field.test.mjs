// /m on a phone 360 px wide: a personal link, my orders, arrived in one tap, done in two, a photo with its name.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AxeBuilder } from '@axe-core/playwright';
import { launch, open, row } from './browser.mjs';
import { Hall } from './hall.mjs';
import { countInputs, inputs, reset } from './inputs.mjs';
import { Publisher, reading, topicOf } from './mqtt.mjs';
import { until } from './until.mjs';

const LIMIT_MS = 5_000;
/** The smallest PNG: one grey pixel. */
const PIXEL = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==', 'base64');
let hall;
let browser;
let desk;
let phone;
const errors = [];
before(async () => {
  hall = await Hall.start();
  browser = await launch();
  const publisher = await Publisher.open(hall.access.mqtt);
  await publisher.publish(topicOf('plant-a', 'three.1'), reading(77));
  publisher.close();
  desk = await open(browser, hall);
  await row(desk.page, 'plant-a/three.1').click();
  await desk.page.focus('#alarm-grid');
  await desk.page.keyboard.press('d');
  await desk.page.waitForSelector('[data-dispatch] input:checked');
  await desk.page.keyboard.press('Control+Enter');
  await desk.page.click('.pane [data-item-id] .name');
  await desk.page.click('[data-field-link]');
  const link = await desk.page.inputValue('[data-field-url]', { timeout: LIMIT_MS });
  const context = await browser.newContext({ viewport: { width: 360, height: 740 }, hasTouch: true });
  phone = await context.newPage();
  await phone.addInitScript(countInputs);
  phone.on('pageerror', (error) => errors.push(String(error)));
  await phone.goto(link);
  await phone.waitForSelector('[data-field-page] [data-item-id]', { timeout: LIMIT_MS });
});
after(async () => {
  await browser?.close();
  await hall?.stop();
});

const order = async () => (await hall.get('/api/v1/work?kind=order')).items[0];
const state = (name) => until(async () => (await order()).state === name, LIMIT_MS, `the order is not ${name}`);
const tap = async (selector) => {
  await phone.waitForSelector(`${selector}:not([disabled])`, { timeout: LIMIT_MS });
  await phone.tap(selector);
};

test('what stands on the phone has been delivered', () => state('delivered'));

test('acknowledged by one tap', async () => {
  await tap('[data-step="acknowledge"]');
  await state('acknowledged');
});

test('arrived in at most two taps', async () => {
  await phone.waitForSelector('[data-step="arrive"]', { timeout: LIMIT_MS });
  await reset(phone);
  await tap('[data-step="arrive"]');
  await until(async () => (await order()).fields.team_state === 'on_scene', LIMIT_MS, 'not arrived');
  assert.ok((await inputs(phone)).clicks <= 2, JSON.stringify(await inputs(phone)));
});

test('feedback with a photo of a hostile name reaches the desk', async () => {
  await tap('[data-step="feedback"]');
  await phone.setInputFiles('[data-attach]', { name: '../../<img src=x onerror=alert(1)>.png', mimeType: 'image/png', buffer: PIXEL });
  await phone.waitForSelector('[data-field-sheet] img', { timeout: LIMIT_MS });
  await tap('[data-confirm]');
  const { id } = await order();
  const told = await until(async () => (await hall.get(`/api/v1/work/${id}`)).log.find((e) => e.action === 'feedback'), LIMIT_MS, 'no feedback');
  assert.equal(told.attachments.length, 1);
  assert.doesNotMatch(told.attachments[0].name, /[/\\]|\.\./);
  await desk.page.waitForSelector('[data-log] img', { timeout: LIMIT_MS });
});

test('done in at most two taps', async () => {
  await phone.waitForSelector('[data-step="complete"]', { timeout: LIMIT_MS });
  await reset(phone);
  await tap('[data-step="complete"]');
  await tap('[data-confirm]');
  await state('done');
  assert.ok((await inputs(phone)).clicks <= 2, JSON.stringify(await inputs(phone)));
});

test('nothing is wider than the phone, targets are large, axe finds nothing', async () => {
  assert.ok((await phone.evaluate(() => document.documentElement.scrollWidth)) <= 360);
  const { violations } = await new AxeBuilder({ page: phone }).withTags(['wcag2a', 'wcag2aa', 'wcag22aa']).analyze();
  assert.deepEqual(violations.map((v) => v.id), []);
});

test('S3: a roll-call is answered by one tap', async () => {
  await desk.page.evaluate(async () => {
    const body = { kind: 'roll_call', fields: { title: '查岗', targets: ['brigade-1'], mode: 'all' } };
    await fetch('/api/v1/work', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  });
  await tap('[data-answer]');
  await until(async () => (await hall.get('/api/v1/work?kind=call')).items[0]?.state === 'answered', LIMIT_MS, 'the call is not answered');
});

test('nothing was refused on the way', async () => assert.equal(await phone.locator('[data-toast]').count(), 0));

test('field staff see nothing but their orders', async () => {
  await phone.goto(`${hall.origin}/watch`);
  await phone.waitForSelector('[data-field-page]');
  const status = await phone.evaluate(async () => (await fetch('/api/v1/alarms')).status);
  assert.ok(status === 401 || status === 403, `alarms answered ${status}`);
  assert.deepEqual(errors, []);
});
