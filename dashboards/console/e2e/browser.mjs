// One Chromium for all tests of a file; every page is watched for requests off the origin and for errors.
import { AxeBuilder } from '@axe-core/playwright';
import { chromium } from 'playwright-core';
import { countInputs } from './inputs.mjs';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export const launch = () => chromium.launch({ executablePath: EXECUTABLE, args: FLAGS });

/** A hand that finds nothing to press after this long has found a fault, ms. */
const WAIT_MS = 8_000;

/** Notes when the row of a tag is first painted, and how long a key takes to the next frame. */
function instrument() {
  window.painted = {};
  window.keyMs = [];
  const note = (node) => {
    if (!(node instanceof HTMLElement)) return;
    const rows = node.matches('[data-alarm-id]') ? [node] : node.querySelectorAll('[data-alarm-id]');
    for (const row of rows) requestAnimationFrame(() => (window.painted[row.dataset.tag] ??= Date.now()));
  };
  new MutationObserver((changes) => changes.forEach((c) => c.addedNodes.forEach(note))).observe(document, { childList: true, subtree: true });
  addEventListener('keydown', (event) => {
    const began = event.timeStamp;
    requestAnimationFrame(() => setTimeout(() => window.keyMs.push(performance.now() - began)));
  }, { capture: true });
}

/** A page that is logged in by password (the shift lead if nobody else is named), or by the one-time link as the duty officer; `errors` and `foreign` fill as things happen. */
export async function open(browser, hall, { by = 'password', as = 'lead', password = hall.access.password } = {}) {
  const context = await browser.newContext({ viewport: { width: 1600, height: 900 } });
  context.setDefaultTimeout(WAIT_MS);
  const page = await context.newPage();
  const [errors, foreign] = [[], []];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && !/Failed to load resource|WebSocket connection/.test(message.text()) && errors.push(message.text()));
  page.on('request', (request) => new URL(request.url()).origin !== hall.origin && foreign.push(request.url()));
  page.on('websocket', (socket) => new URL(socket.url()).host !== new URL(hall.origin).host && foreign.push(socket.url()));
  await page.addInitScript(instrument);
  await page.addInitScript(countInputs);
  if (by === 'link') await page.goto(hall.access.login_url);
  else await login(page, hall, as, password);
  await page.waitForSelector('[data-link="live"]');
  return { context, page, errors, foreign };
}

export async function login(page, hall, account, password = hall.access.password) {
  await page.goto(`${hall.origin}/login`);
  await page.fill('[name=account]', account);
  await page.fill('[name=password]', password);
  await page.click('button[type=submit]');
}

/** Does something by the session of a page, as its person; answers status and body. */
export const send = (page, path, body, method = 'POST') =>
  page.evaluate(async ([to, what, verb]) => {
    const answer = await fetch(to, { method: verb, headers: { 'content-type': 'application/json' }, body: what === undefined ? undefined : JSON.stringify(what) });
    return { status: answer.status, body: await answer.json().catch(() => null) };
  }, [path, body, method]);

/** Everything axe finds, in lines. */
export async function violations(page) {
  const { violations: all } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']).analyze();
  return all.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).slice(0, 3).join(' | ')}`);
}

export const row = (page, tag) => page.locator(`[data-alarm-id][data-tag="${tag}"]`);
export const ungroup = async (page) => {
  if ((await page.getAttribute('[data-grouped]', 'aria-pressed')) === 'true') await page.click('[data-grouped]');
};
