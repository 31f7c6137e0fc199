// Much of everything: 10,000 experiments, a curve of 100,000 points; and how much is loaded for the first page.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { close, drawn, launch, open } from './browser.mjs';
import { Daemon, poll } from './daemon.mjs';

const EXPERIMENTS = 10000, POINTS = 100000;
const daemon = new Daemon();
let browser;
before(async () => {
  await daemon.start();
  browser = await launch();
});
after(async () => {
  await browser.close();
  await daemon.stop();
});

/** 100 ms is what people do not notice; a busy machine takes longer for the same, so the bound is ten times that. `act` is
 * done in the page TIMES times, with its number. */
const TIMES = 9;
async function quick(name, page, act) {
  const times = [];
  for (let k = 0; k < TIMES; k++) {
    times.push(await drawn(page, `() => (${act})(${k})`));
    await page.waitForTimeout(300); // what follows by itself is another thing
  }
  times.sort((a, b) => a - b);
  const [least, median, most] = [times[0], times[TIMES >> 1], times.at(-1)].map((ms) => ms.toFixed(0));
  console.log(`${name}: ${median} ms (${least} to ${most})`);
  assert.ok(times[TIMES >> 1] < 1000, `${name}: ${times} ms`);
}

test('the first page is below 200 KB as it is sent', async () => {
  const page = await open(browser, 'about:blank').catch(() => null);
  page.faults = [];
  let bytes = 0;
  page.on('requestfinished', async (request) => {
    const { responseBodySize, responseHeadersSize } = await request.sizes();
    bytes += responseBodySize + responseHeadersSize;
  });
  await page.goto(daemon.url, { waitUntil: 'networkidle' });
  await page.getByText('No experiments yet.').waitFor();
  console.log(`first page: ${(bytes / 1000).toFixed(0)} kB`);
  assert.ok(bytes > 10000 && bytes < 200000);
  await page.context().close();
});

test('a curve of 100,000 points', async () => {
  const spec = { name: 'many epochs', type: 'rnn', hidden_size: 1, data: { dataset: 'sine', window: 1, split: { train: 0.05 } }, training: { epochs: POINTS, batch_size: 65536 }, limits: { max_seconds: 2e6 } };
  const id = await daemon.submit(spec);
  await poll(async () => (await daemon.call('GET', `/experiments/${id}`)).terminal, 'the end of the run', 600);
  const page = await open(browser, `${daemon.url}/#/run/${id}`);
  await page.getByRole('img', { name: /100000 epochs/ }).waitFor();
  await quick('100,000 points, another scale', page, () => document.querySelector('.card-aside input[type=checkbox]').click());
  await quick('100,000 points, smoothing', page, (k) => {
    const range = document.querySelector('.card-aside input[type=range]');
    range.value = `0.${k + 1}`;
    range.dispatchEvent(new Event('input', { bubbles: true }));
  });
  await quick('100,000 points, the cursor', page, (k) => {
    const over = document.querySelector('.u-over'), { left, top } = over.getBoundingClientRect();
    over.dispatchEvent(new MouseEvent('mousemove', { bubbles: true, clientX: left + 100 + 20 * k, clientY: top + 50 }));
  });
  await close(page);
});

test('10,000 experiments', async () => {
  const busy = await daemon.submit({ n_qubits: 6, depth: 8, training: { epochs: 100000 }, limits: { max_seconds: 2e6 } });
  const names = Array.from({ length: EXPERIMENTS }, (_, i) => `experiment ${i}`);
  const post = async () => {
    for (let name; (name = names.pop()) !== undefined; ) await daemon.submit({ name, type: 'lstm', hidden_size: 2, training: { epochs: 1 } });
  };
  await Promise.all(Array.from({ length: 16 }, post));
  const page = await open(browser, daemon.url);
  await page.getByRole('row').nth(50).waitFor();
  await quick('10,000 experiments, choosing', page, (k) => document.querySelectorAll('.runs input[type=checkbox]')[k].click());
  await quick('10,000 experiments, the next page', page, async () => {
    const first = () => document.querySelector('.runs .cell-name a').textContent, old = first();
    const another = new Promise((done) => new MutationObserver((_, watch) => {
      if (first() === old) return;
      watch.disconnect();
      done();
    }).observe(document.body, { subtree: true, childList: true, characterData: true }));
    [...document.querySelectorAll('.pages a')].at(-1).click();
    await another;
  });
  await daemon.call('POST', `/experiments/${busy}/cancel`);
  await close(page);
});
