// The rooms of the work systems over the real program: activation, roll-call, roster, drill, vigilance; axe on each.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, row, send, violations } from './browser.mjs';
import { Hall } from './hall.mjs';
import { Publisher, reading, topicOf } from './mqtt.mjs';
import { until } from './until.mjs';

const LIMIT_MS = 5_000;
/** X1: the first order of an activated plan stands on a screen within this. */
const ACTIVATION_MAX_MS = 2_000;
let hall;
let browser;
let publisher;
let commander;
before(async () => {
  hall = await Hall.start({ profile: { 'vigilance.prompt': 5 } });
  browser = await launch();
  publisher = await Publisher.open(hall.access.mqtt);
  commander = await open(browser, hall);
});
after(async () => {
  publisher?.close();
  await browser?.close();
  await hall?.stop();
});

const work = async (kind) => (await hall.get(`/api/v1/work?kind=${kind}&limit=1000`)).items;
const clean = async (what) => assert.deepEqual(await violations(commander.page), [], what);

test('S2: a red alarm and no hand: the prompt stands on every page, one key answers', async () => {
  const { page } = commander;
  await publisher.publish(topicOf('plant-a', 'one.1'), reading(77));
  await page.goto(`${hall.origin}/orders`);
  await page.waitForSelector('[data-vigilance]', { timeout: 10_000 });
  await clean('vigilance');
  await page.keyboard.press('y');
  await page.waitForSelector('[data-vigilance]', { state: 'detached', timeout: LIMIT_MS });
  assert.ok((await work('vigilance')).some((v) => v.state === 'answered'));
});

test('X1, X2: activation shows its tasks first; all are made at once, the first on the screen in time', async () => {
  const { page } = commander;
  await page.goto(`${hall.origin}/watch`);
  await row(page, 'plant-a/one.1').click();
  await page.focus('#alarm-grid');
  await page.keyboard.press('i');
  await page.waitForSelector('[data-create-form]');
  await page.keyboard.press('Enter');
  await page.click('[data-incident] [data-act="activate"]', { timeout: LIMIT_MS });
  await page.selectOption('[data-activate] [name=plan]', 'ammonia-leak');
  await page.click('[data-level-choice="4"]');
  const tasks = await page.locator('[data-tasks="added"] li').count();
  assert.ok(tasks > 3, `${tasks} tasks`);
  await clean('activation');
  const began = Date.now();
  await page.click('[data-activate] button[type=submit]');
  await page.waitForSelector('[data-room] [data-item-id]', { timeout: LIMIT_MS });
  assert.ok(Date.now() - began <= ACTIVATION_MAX_MS, `first order after ${Date.now() - began} ms`);
  await until(async () => (await work('order')).length === tasks, LIMIT_MS, 'not all tasks');
  await page.click('[data-act="change_level"]');
  await page.click('[data-level-choice="2"]');
  assert.ok((await page.locator('[data-tasks="added"] li').count()) > 0, 'level II adds nothing');
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog', { state: 'detached' });
  await clean('incident room');
});

test('a step needs what its flow says; the form says so and keeps the text', async () => {
  const { page } = commander;
  await page.goto(`${hall.origin}/orders`);
  await page.click('[data-item-id] .name');
  await page.click('[data-item-body] [data-act="reassign"]');
  assert.equal(await page.isDisabled('[data-act-form] button[type=submit]'), true);
  await page.selectOption('[data-act-form] [name=to]', 'plant-b');
  await page.click('[data-act-form] button[type=submit]');
  await page.waitForSelector('[data-item-body][data-item-state="reassigned"]', { timeout: LIMIT_MS });
  await clean('item panel');
  await page.keyboard.press('Escape');
});

test('S3: a roll-call of all shows each target and its answer', async () => {
  const { page } = commander;
  await page.goto(`${hall.origin}/roll-call`);
  await page.click('[data-way="all"]');
  await page.click('[data-roll-call-start] button[type=submit]');
  await page.waitForSelector('[data-call]', { timeout: LIMIT_MS });
  const [roll] = await work('roll_call');
  assert.equal(await page.locator('[data-call]').count(), roll.fields.total);
  await page.click('[data-call][data-item-state="ringing"] [data-act="answer"]');
  await page.waitForSelector('[data-call][data-item-state="answered"]', { timeout: LIMIT_MS });
  await clean('roll-call');
});

test('S1: next month is made from the pattern, without a gap', async () => {
  const { page } = commander;
  await page.goto(`${hall.origin}/roster`);
  await page.waitForSelector('[data-link="live"]');
  await page.locator('[data-month] + button').click();
  await page.click('[data-generate]');
  await page.waitForSelector('[data-shift]', { timeout: LIMIT_MS });
  assert.equal(await page.locator('.fault').count(), 0);
  await clean('roster');
});

test('a drill says on every page that it runs, and whatever it makes carries the mark', async () => {
  const { page } = commander;
  const marked = (selector) => page.waitForSelector(`${selector} [data-drill]`, { timeout: LIMIT_MS });
  await page.goto(`${hall.origin}/drills`);
  await page.click('[data-new-drill]');
  await page.fill('[data-create-form] [name=title]', '氨泄漏演练');
  await page.click('[data-create-form] button[type=submit]');
  await page.click('[data-act="write_script"]', { timeout: LIMIT_MS });
  await page.fill('[data-act-form] [name=script]', '00:00 plant-a/three.9=77 泄漏');
  await page.click('[data-act-form] button[type=submit]');
  await page.click('[data-act="begin"]', { timeout: LIMIT_MS });
  await page.waitForSelector('[data-drill-banner]', { timeout: LIMIT_MS });
  await page.click('[data-drill-order]');
  await marked('[data-dispatch]');
  await page.fill('[data-dispatch] [name=content]', '模拟堵漏');
  await page.click('[data-dispatch] button[type=submit]');
  const played = await until(async () => (await work('order')).find((o) => o.provenance === 'exercise'), LIMIT_MS, 'no exercise order');
  await page.click('[data-drill-incident]');
  await marked('[data-create-form]');
  await page.click('[data-create-form] button[type=submit]');
  const incident = await until(async () => (await work('incident')).find((x) => x.provenance === 'exercise'), LIMIT_MS, 'no exercise incident');
  await marked(`[data-item-id="${incident.id}"]`);

  await page.goto(`${hall.origin}/orders`);
  await marked(`[data-item-id="${played.id}"]`);
  await page.waitForSelector('[data-drill-banner]');
  await clean('board with a drill');
  await page.click(`[data-item-id="${played.id}"] .name`);
  await marked('[data-item-body]');
  await page.click('[data-item-body] [data-act="revoke"]');
  await marked('[data-act-form]');
  for (let open = 2; open > 0; open--) await page.keyboard.press('Escape');
  await page.waitForSelector('dialog', { state: 'detached' });

  await page.goto(`${hall.origin}/watch`);
  await marked('[data-played]');
  await clean('watch page with a drill');
  await page.goto(`${hall.origin}/incidents`);
  await marked(`[data-incident="${incident.id}"]`);
  await page.click(`[data-incident="${incident.id}"]`);
  await marked('[data-room] [data-incident]');
  await marked('[data-room] [data-timeline]');
  await clean('exercise incident room');
  await page.goto(`${hall.origin}/log`);
  await marked('[data-timeline]');
  const phone = await fieldPage(played.receiver.id);
  await phone.waitForSelector(`[data-item-id="${played.id}"] [data-drill]`, { timeout: LIMIT_MS });
  await phone.context().close();
  for (const name of ['hidden-dangers', 'handover', 'roll-call', 'roster', 'notices', 'tags', 'audit']) {
    await page.goto(`${hall.origin}/${name}`);
    await page.waitForSelector('[data-drill-banner]', { timeout: LIMIT_MS });
  }
  await page.goto(`${hall.origin}/drills`);
  await page.click('[data-act="end"]', { timeout: LIMIT_MS });
  await page.waitForSelector('[data-drill-banner]', { state: 'detached', timeout: LIMIT_MS });
});

/** The phone of a party, by a personal link. */
async function fieldPage(party) {
  const { body } = await send(commander.page, '/api/v1/field-links', { party, valid_h: 1 });
  const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
  const phone = await context.newPage();
  await phone.goto(new URL(body.url, hall.origin).href);
  return phone;
}

test('no request left the origin and no error was logged', () => assert.deepEqual([commander.foreign, commander.errors], [[], []]));
