// kill -9: the banner stands within 3 s, all is back within 3 s of the return, nothing acknowledged is lost or doubled.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, ungroup } from './browser.mjs';
import { Hall } from './hall.mjs';
import { Publisher, reading, topicOf } from './mqtt.mjs';
import { until } from './until.mjs';

const PROMISE_MS = 3_000;
const KILLS = 3;

let hall;
let browser;
let session;
before(async () => {
  hall = await Hall.start();
  browser = await launch();
  session = await open(browser, hall);
  await ungroup(session.page);
});
after(async () => {
  await browser?.close();
  await hall?.stop();
});

/** Raises tags from..to with QoS 1; answers those whose PUBACK came. */
async function raise(from, to) {
  const publisher = await Publisher.open(hall.access.mqtt, `e2e-loss-${from}`);
  const tags = Array.from({ length: to - from + 1 }, (_, i) => `two.${from + i}`);
  const sent = await Promise.allSettled(tags.map((tag) => publisher.publish(topicOf('plant-a', tag), reading(77))));
  publisher.close();
  return tags.filter((_, i) => sent[i].status === 'fulfilled');
}

const shownIds = () => session.page.evaluate(async () => {
  const grid = document.querySelector('#alarm-grid');
  const ids = new Set();
  // The list is virtual: walk through it.
  for (let top = 0; top <= grid.scrollHeight; top += grid.clientHeight / 2) {
    grid.scrollTop = top;
    await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)));
    grid.querySelectorAll('[data-alarm-id]').forEach((row) => ids.add(row.dataset.alarmId));
  }
  grid.scrollTop = 0;
  return [...ids].sort();
});

test(`nothing is lost over ${KILLS} kills`, async (t) => {
  const durable = [];
  await session.page.click('[data-tab="open"]');
  for (let n = 0; n < KILLS; n++) {
    durable.push(...(await raise(n * 20 + 1, n * 20 + 10)));
    const killed = Date.now();
    await hall.kill();
    await session.page.waitForSelector('[data-banner="lost"]', { timeout: PROMISE_MS });
    const bannerMs = Date.now() - killed;
    assert.equal(await session.page.getAttribute('.frame', 'data-lost'), 'true');
    await hall.run();
    const back = Date.now();
    durable.push(...(await raise(n * 20 + 11, n * 20 + 20)));
    await session.page.waitForSelector('[data-banner="lost"]', { state: 'detached', timeout: PROMISE_MS });
    await session.page.waitForSelector('[data-link="live"]', { timeout: PROMISE_MS });
    t.diagnostic(`kill ${n + 1}: banner after ${bannerMs} ms, live again ${Date.now() - back} ms after the server's return`);
    assert.ok(Date.now() - back <= PROMISE_MS);
    await session.page.waitForSelector('[data-toast]');
  }
  const { alarms } = await hall.get('/api/v1/alarms?state=open&limit=10000');
  const wanted = alarms.filter((a) => a.priority === 2);
  assert.deepEqual(durable.filter((tag) => !wanted.some((a) => a.tag === tag)), [], 'acknowledged readings without their alarm');
  assert.equal(new Set(wanted.map((a) => a.tag)).size, wanted.length, 'an alarm stands twice');
  const ids = alarms.map((a) => a.alarm_id).sort();
  await until(async () => JSON.stringify(await shownIds()) === JSON.stringify(ids), 5_000, 'the list differs from the server');
});

test('what is asked while the link is lost is refused with a reason, and the text is kept', async () => {
  const { page } = session;
  await page.locator('[data-alarm-id]').first().click();
  await hall.kill();
  await page.waitForSelector('[data-banner="lost"]', { timeout: PROMISE_MS });
  await page.keyboard.press('a');
  await page.waitForSelector('[data-dialog]');
  await page.keyboard.type('断线时写的备注');
  await page.keyboard.press('Enter');
  assert.match(await (await page.waitForSelector('[data-problem]')).textContent(), /UNREACHABLE/);
  assert.equal(await page.inputValue('[name=note]'), '断线时写的备注');
  await hall.run();
  await page.waitForSelector('[data-link="live"]', { timeout: PROMISE_MS });
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-dialog]', { state: 'detached', timeout: PROMISE_MS });
});
