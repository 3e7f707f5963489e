// Cameras in a real browser: pictures that play, the wall by keys only, an alarm's cameras with no click, playback, snapshots.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AxeBuilder } from '@axe-core/playwright';
import { launch, open } from './browser.mjs';
import { Hall } from './hall.mjs';
import { countInputs, inputs } from './inputs.mjs';
import { until } from './until.mjs';

/** Scenes are drawn and encoded at the first look; two cores share that with everything else, ms. */
const PATIENCE_MS = 60_000;

let hall;
let browser;
let session;
before(async () => {
  hall = await Hall.start({ demo: true });
  browser = await launch();
  session = await open(browser, hall);
  await until(async () => (await hall.get('/api/v1/cameras')).cameras.filter((c) => c.recording).length >= 7, PATIENCE_MS, 'the cameras are not recorded');
});
after(async () => {
  await browser?.close();
  await hall?.stop();
});

const tiles = (page) => page.$$eval('[data-tile]', (all) => all.map((t) => {
  const video = t.querySelector('video');
  return { camera: t.dataset.camera, mode: t.dataset.mode, stream: t.dataset.stream, state: t.dataset.state, frames: Number(t.dataset.frames ?? 0), lag: t.dataset.lag, time: video.currentTime, decoded: video.getVideoPlaybackQuality().totalVideoFrames, width: video.videoWidth };
}));
const seen = (page, enough, what) => until(async () => {
  const all = await tiles(page);
  return all.length > 0 && enough(all) && all;
}, PATIENCE_MS, async () => `${what}: ${JSON.stringify(await tiles(page))}`);

async function wall(count, preference) {
  const { page } = session;
  if (new URL(page.url()).pathname !== '/video') await page.goto(`${hall.origin}/video`);
  await page.waitForSelector('[data-stage]');
  await page.selectOption('[data-preference]', preference);
  await page.click(`[data-count="${count}"]`);
  return page;
}

test('MSE plays: time goes on, frames are decoded, the lag is measured', async () => {
  const page = await wall(4, 'mse');
  const first = await seen(page, (all) => all.length === 4 && all.every((t) => t.mode === 'mse' && t.frames > 10 && t.lag !== ''), 'four pictures');
  const later = await seen(page, (all) => all.every((t, i) => t.frames > first[i].frames + 25), 'pictures that go on');
  later.forEach((t, i) => {
    assert.ok(t.time > first[i].time + 0.5, `${t.camera} stands at ${t.time}`);
    assert.ok(t.decoded > first[i].decoded + 20, `${t.camera} decoded ${t.decoded}`);
    assert.ok(t.width >= 352);
  });
});

test('a small tile gets the small stream, a large one the main stream', async () => {
  const page = await wall(16, 'mse');
  await seen(page, (all) => all.length === 8 && all.filter((t) => t.stream === 'sub' && t.width === 352 && t.frames > 5).length >= 7, 'small streams');
  await wall(1, 'mse');
  await seen(page, (all) => all.length === 1 && all[0].stream === 'main' && all[0].width === 704 && all[0].frames > 5, 'the main stream');
});

test('WebCodecs draws what it decodes', async () => {
  const page = await wall(1, 'raw');
  await seen(page, (all) => all.length === 1 && all[0].mode === 'raw' && all[0].frames > 30, 'a decoded picture');
  const spread = await page.$eval('[data-tile] canvas', (canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let [low, high] = [255, 0];
    for (let i = 0; i < data.length; i += 4) [low, high] = [Math.min(low, data[i]), Math.max(high, data[i])];
    return high - low;
  });
  assert.ok(spread > 60, `a picture of ${spread} shades`);
});

test('more than sixteen tiles are pictures, one a second at most', async () => {
  const page = await wall(25, 'auto');
  const all = await seen(page, (list) => list.length === 8 && list.every((t) => t.mode === 'jpeg' && t.frames >= 2), 'eight single pictures');
  assert.ok(all.every((t) => t.frames < 60));
});

test('the wall by keys only', async () => {
  const page = await wall(4, 'mse');
  await page.focus('[data-stage]');
  const chosen = () => page.$eval('[data-tile].selected', (t) => t.dataset.camera);
  const first = await chosen();
  await page.keyboard.press('ArrowRight');
  const second = await chosen();
  assert.notEqual(second, first);
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.querySelectorAll('[data-tile]').length === 1);
  assert.equal(await page.$eval('[data-tile]', (t) => t.dataset.camera), second);
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.querySelectorAll('[data-tile]').length === 4);
  await page.keyboard.press(']');
  await page.waitForFunction((gone) => !document.querySelector(`[data-tile][data-camera="${gone}"]`), first);
  await page.keyboard.press('g');
  assert.notEqual(await page.$eval('[data-group]', (s) => s.value), '');
  for (let n = 0; n < 3; n += 1) await page.keyboard.press('g');
  await page.keyboard.press('p');
  assert.equal(await page.getAttribute('[data-patrol]', 'aria-pressed'), 'true');
  await page.keyboard.press('p');
  await page.keyboard.press('4');
  await page.waitForFunction(() => document.querySelectorAll('[data-tile]').length === 8);
  await page.keyboard.press('f');
  await page.waitForFunction(() => document.fullscreenElement !== null);
  await page.keyboard.press('f');
  await page.waitForFunction(() => document.fullscreenElement === null);
});

test('an alarm opens its cameras with no click: before it, and now', async () => {
  const page = await session.context.newPage();
  await page.addInitScript(countInputs);
  await page.goto(`${hall.origin}/watch`);
  await page.waitForSelector('[data-alarm-cameras] [data-tile]', { timeout: PATIENCE_MS });
  await seen(page, (all) => all.some((t) => t.frames > 5), 'a live picture beside the alarm');
  const clip = await until(async () => {
    const found = await page.$eval('[data-preroll]', (e) => ({ ...e.dataset, time: e.querySelector('video').currentTime, text: e.textContent }));
    return found.from !== '' && found.time > 0.2 && found;
  }, PATIENCE_MS, async () => `no clip: ${await page.$eval('[data-preroll]', (e) => e.textContent)}`);
  assert.ok(Number(clip.offset) < 5, `it begins ${clip.offset} s after the alarm`);
  assert.deepEqual(await inputs(page), { keys: 0, clicks: 0 });
  await page.close();
});

test('recordings play from the time bar', async () => {
  const { page } = session;
  await page.goto(`${hall.origin}/playback?camera=mall-corridor`);
  await page.waitForSelector('[data-bar] .recorded');
  await page.focus('[data-bar]');
  // From a minute ago, where the hall may not have stood yet, by tens of seconds.
  for (let n = 0; n < 5; n += 1) await page.keyboard.press('ArrowRight');
  await until(async () => (await page.$eval('[data-playback]', (v) => v.currentTime)) > 0.3, PATIENCE_MS, 'nothing plays');
  assert.ok((await page.$$('[data-gap]')).length > 0, 'before the start there is a gap with its reason');
});

test('C takes a picture of the selected camera', async () => {
  const page = await wall(4, 'mse');
  await page.focus('[data-stage]');
  await page.keyboard.press('c');
  await page.waitForFunction(() => Number(document.querySelector('[data-snapshot] canvas')?.dataset.at) > 0, undefined, { timeout: PATIENCE_MS });
  assert.equal(await page.$eval('[data-snapshot] canvas', (c) => c.width), 704);
  await page.keyboard.press('Escape');
});

test('axe finds nothing on the wall and beside the time bar; nobody watched unseen', async () => {
  const { page } = session;
  for (const name of ['video', 'playback']) {
    await page.goto(`${hall.origin}/${name}`);
    await page.waitForSelector(name === 'video' ? '[data-tile]' : '[data-bar]');
    const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']).analyze();
    assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join(' | ')}`), [], name);
  }
  const { rows } = await hall.get('/api/v1/audit?limit=200');
  for (const action of ['video.live', 'video.view', 'video.snapshot']) assert.ok(rows.some((r) => r.action === action && r.actor === 'lead'), action);
  assert.deepEqual([session.errors, session.foreign], [[], []]);
});
