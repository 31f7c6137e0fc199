// By keyboard alone: where the focus is, and that it stays with what was done.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { close, launch, open } from './browser.mjs';
import { Daemon, poll } from './daemon.mjs';

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

const LONG = { name: 'to steer', hidden_size: 5, n_qubits: 6, depth: 8, training: { epochs: 100000 }, limits: { max_seconds: 2e6 } };
const focused = (page) => page.evaluate(() => document.activeElement.id || document.activeElement.textContent);
const onto = (page, wanted) => poll(async () => (await focused(page)) === wanted, `the focus on ${wanted}`);

test('by keyboard: the skip link, the navigation and the form', async () => {
  const page = await open(browser, daemon.url);
  await page.getByRole('heading', { name: 'Experiments' }).waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to content');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  await page.getByRole('link', { name: 'New experiment' }).last().focus();
  await page.keyboard.press('Enter');
  const help = page.getByRole('button', { name: 'What is hidden size?' });
  await help.focus();
  await page.keyboard.press('Enter');
  assert.equal(await help.getAttribute('aria-expanded'), 'true');
  await page.getByText('1 to 1000').waitFor();
  await close(page);
});

test('the focus goes with what is pressed: another page, an action, a form that comes and goes', async () => {
  const id = await daemon.submit(LONG);
  const page = await open(browser, daemon.url);
  await page.getByRole('link', { name: 'to steer' }).focus();
  await page.keyboard.press('Enter');
  await onto(page, 'main');
  await page.getByRole('heading', { name: 'to steer', level: 1 }).waitFor();
  assert.equal(await page.title(), 'to steer · qlstmd');

  await page.getByRole('button', { name: 'Pause' }).focus();
  await page.keyboard.press('Enter');
  await onto(page, 'Resume');
  await page.locator('.status-line .badge', { hasText: /^paused$/ }).waitFor();
  await page.keyboard.press('Enter');
  await onto(page, 'Pause');
  await page.getByRole('button', { name: 'Cancel' }).focus();
  await page.keyboard.press('Enter');
  await page.locator('.status-line .badge', { hasText: /^cancelled$/ }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.parentElement.className), 'actions');

  await page.getByRole('button', { name: 'Name and tags' }).focus();
  await page.keyboard.press('Enter');
  await poll(() => page.evaluate(() => document.activeElement.name === 'name'), 'the focus in the form');
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.type('steered');
  await page.keyboard.press('Enter');
  await onto(page, 'Name and tags');
  await page.getByRole('heading', { name: 'steered', level: 1 }).waitFor();
  assert.equal((await daemon.call('GET', `/experiments/${id}`)).spec.name, 'steered');
  await close(page);
});

test('a chart by arrows: its cursor moves, and what it shows is said', async () => {
  const { id } = await daemon.train({ name: 'to look along', type: 'lstm', hidden_size: 2, training: { epochs: 30 } });
  const page = await open(browser, `${daemon.url}/#/run/${id}`);
  const along = page.getByRole('slider', { name: 'Values along loss by epoch' });
  await along.focus();
  assert.match(await along.getAttribute('aria-valuetext'), /^epoch 30: train loss 0\.\d+, test loss 0\.\d+$/);
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowRight');
  const said = await along.getAttribute('aria-valuetext');
  assert.match(said, /^epoch 2: /);
  const legend = page.getByRole('region', { name: 'Curves' }).locator('.u-legend');
  await poll(async () => /^epoch2(?!\d)/.test(await legend.textContent()), 'the cursor there');
  const { metrics } = await daemon.call('GET', `/experiments/${id}/metrics`);
  assert.ok(said.includes(`train loss ${Number(metrics[1].train_loss.toPrecision(5))}`));
  await page.getByRole('button', { name: 'Delete' }).focus();
  await poll(async () => (await legend.textContent()).startsWith('epoch–'), 'no cursor');
  await close(page);
});

test('a filter keeps the focus; every stop of Tab is seen and has a name', async () => {
  await daemon.train({ name: 'to find', type: 'lstm', hidden_size: 2, training: { epochs: 1 } });
  const page = await open(browser, daemon.url);
  await page.getByLabel('Words').focus();
  await page.keyboard.type('find');
  await page.keyboard.press('Enter');
  await page.waitForURL(/text=find/);
  await poll(async () => (await page.getByRole('row').count()) === 2, 'that one alone');
  assert.equal(await page.evaluate(() => document.activeElement.value), 'find');
  for (const hash of ['', 'new', 'data', `run/${(await daemon.call('GET', '/experiments')).experiments[0].id}`]) {
    await page.goto('about:blank');
    await page.goto(`${daemon.url}/#/${hash}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.waitForLoadState('networkidle').catch(() => {});
    const seen = await page.evaluate(() => [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')]
      .filter((one) => !one.disabled && one.checkVisibility()).length);
    let stops = 0;
    for (; stops < seen + 5; stops++) {
      await page.keyboard.press('Tab');
      const at = await page.evaluate(() => {
        const one = document.activeElement;
        if (one === document.body) return null;
        const { outlineStyle, outlineWidth } = getComputedStyle(one);
        const name = one.getAttribute('aria-label') ?? ([...(one.labels ?? [])].map((label) => label.textContent).join(' ') || one.textContent);
        return { html: one.outerHTML.slice(0, 200), name: name.trim(), ring: outlineStyle !== 'none' && outlineWidth !== '0px' };
      });
      if (at === null) break;
      assert.ok(at.name !== '', `no name: ${at.html}`);
      assert.ok(at.ring, `not seen where the focus is: ${at.html}`);
    }
    assert.ok(stops > 5 && stops <= seen, `${hash}: ${stops} stops of ${seen}`);
  }
  await close(page);
});
