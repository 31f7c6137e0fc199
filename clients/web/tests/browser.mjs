// Debian's Chromium with the page in it, and what must hold of every page.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const axe = readFileSync(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

export const MODES = [
  { name: 'desktop-light', viewport: { width: 1280, height: 800 }, colorScheme: 'light' },
  { name: 'desktop-dark', viewport: { width: 1280, height: 800 }, colorScheme: 'dark' },
  { name: 'phone-light', viewport: { width: 390, height: 844 }, colorScheme: 'light' },
  { name: 'phone-dark', viewport: { width: 390, height: 844 }, colorScheme: 'dark' },
];

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });

/** A page that keeps what it must not do: errors on the console, requests to other places. `bypassCSP` for axe alone. */
export async function open(browser, url, mode = MODES[0], bypassCSP = false) {
  const context = await browser.newContext({ viewport: mode.viewport, colorScheme: mode.colorScheme, bypassCSP, acceptDownloads: true });
  const page = await context.newPage();
  page.setDefaultTimeout(Number(process.env.PATIENCE ?? 60) * 1000);
  page.faults = [];
  page.on('pageerror', (error) => page.faults.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) page.faults.push(message.text());
  });
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin && !/^(data|blob):/.test(request.url())) page.faults.push(`a request to ${request.url()}`);
  });
  await page.goto(url);
  return page;
}

export async function close(page) {
  assert.deepEqual(page.faults, []);
  await page.context().close();
}

/** Serious faults of accessibility, as sentences. */
export async function inaccessible(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  return violations
    .filter((one) => one.impact === 'serious' || one.impact === 'critical')
    .map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.target).slice(0, 4).join('; ')}`);
}

/** Milliseconds from `act`, a function that runs in the page, until the page has drawn what comes of it. */
export const drawn = (page, act) => page.evaluate(`(async () => {
  const next = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  await next();
  const start = performance.now();
  await (${act})();
  await next();
  return performance.now() - start;
})()`);
