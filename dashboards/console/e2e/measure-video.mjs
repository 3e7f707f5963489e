// Figures of live video, not a test: first picture after a key, and the lag from the server's receiving to the screen.
// FENGHUO_BIN=… node e2e/measure-video.mjs; on a machine where nothing else runs.
import { launch, open } from './browser.mjs';
import { Hall } from './hall.mjs';
import { percentile, until } from './until.mjs';

const OPENS = Number(process.env.OPENS ?? 40);
const SECONDS = Number(process.env.SECONDS ?? 15);

const hall = await Hall.start({ demo: true });
const browser = await launch();
try {
  const { page } = await open(browser, hall);
  await until(async () => (await hall.get('/api/v1/cameras')).cameras.filter((c) => c.recording).length >= 7, 60_000, 'no cameras');
  await page.goto(`${hall.origin}/video`);
  await page.evaluate(() => {
    window.shown = [];
    document.addEventListener('presented', (e) => window.shown.push({ at: performance.now(), ...e.detail }));
  });
  await page.click('[data-count="1"]');
  for (const mode of ['mse', 'raw']) {
    await page.selectOption('[data-preference]', mode);
    await page.focus('[data-stage]');
    await firstPictures(page, mode);
    for (const count of [1, 4]) await lags(page, mode, count);
    await page.click('[data-count="1"]');
  }
} finally {
  await browser.close();
  await hall.stop();
}

function line(what, ms) {
  console.log(`${what}: p50 ${percentile(ms, 0.5).toFixed(0)} ms, p95 ${percentile(ms, 0.95).toFixed(0)} ms, max ${Math.max(...ms).toFixed(0)} ms (${ms.length})`);
}

async function firstPictures(page, mode) {
  const ms = [];
  for (let n = 0; n < OPENS; n += 1) {
    ms.push(await page.evaluate(() => new Promise((done) => {
      const before = document.querySelector('[data-tile]')?.dataset.camera;
      const began = performance.now();
      const heard = (e) => {
        if (e.detail.camera === before) return;
        document.removeEventListener('presented', heard);
        done(performance.now() - began);
      };
      document.addEventListener('presented', heard);
      document.querySelector('[data-stage]').dispatchEvent(new KeyboardEvent('keydown', { key: ']', bubbles: true }));
    })));
    await page.waitForTimeout(100);
  }
  line(`first picture, ${mode}, one tile`, ms);
}

async function lags(page, mode, count) {
  await page.click(`[data-count="${count}"]`);
  await page.waitForTimeout(2_000);
  await page.evaluate(() => (window.shown = []));
  await page.waitForTimeout(SECONDS * 1_000);
  const shown = await page.evaluate(() => window.shown);
  line(`receive to screen, ${mode}, ${count} tile(s)`, shown.map((s) => s.shownMs - s.receivedMs));
}
