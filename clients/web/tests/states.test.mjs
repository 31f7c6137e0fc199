// When things go wrong: the service away and back, a key that is void, a run that ended early, an id that is none.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { close, inaccessible, launch, MODES, open } from './browser.mjs';
import { Daemon, poll } from './daemon.mjs';

const daemon = new Daemon(), locked = new Daemon();
let browser;
before(async () => {
  await Promise.all([daemon.start(), locked.start('--require-keys')]);
  browser = await launch();
});
after(async () => {
  await browser.close();
  await daemon.stop();
  await locked.stop();
});

const LONG = { name: 'goes on', hidden_size: 5, n_qubits: 6, depth: 8, training: { epochs: 100000 }, limits: { max_seconds: 2e6 } };
const badge = (page, wanted) => page.locator('.status-line .badge', { hasText: new RegExp(`^${wanted}$`) });
const forgive = (page, what) => { page.faults = page.faults.filter((fault) => !what.test(fault)); };

test('what the page says when the service is gone, and of an id that is none', async () => {
  const page = await open(browser, `${daemon.url}/#/run/01ARZ3NDEKTSV4RRFFQ69G5FAV`);
  await page.getByRole('alert').waitFor();
  await page.route('**/experiments?*', (route) => route.abort());
  await page.getByRole('link', { name: 'Experiments' }).click();
  await page.getByText('the service does not answer').waitFor();
  page.faults = page.faults.filter((fault) => !/ERR_FAILED/.test(fault));
  await close(page);
});

test('killed while pages are open: they say so, and go on by themselves once it is back', async () => {
  const id = await daemon.submit(LONG);
  const run = await open(browser, `${daemon.url}/#/run/${id}`), form = await open(browser, `${daemon.url}/#/new`), list = await open(browser, daemon.url);
  const epoch = async () => Number(/(\d+)\/100000/.exec(await run.locator('.status-line').textContent())?.[1] ?? 0);
  await run.getByText('live', { exact: true }).waitFor();
  await poll(async () => (await epoch()) > 2, 'some epochs');
  await form.getByText('Training takes about').waitFor();
  await list.getByRole('row', { name: /goes on/ }).waitFor();

  await daemon.kill();
  await run.getByText('no connection, trying again').waitFor();
  await list.getByText('the service does not answer').waitFor();
  await list.getByRole('row', { name: /goes on/ }).waitFor(); // what was known stays
  await form.getByLabel('hidden size', { exact: true }).fill('3');
  await form.getByText('the service does not answer').waitFor();
  const seen = await epoch();

  await daemon.back();
  await run.getByText('live', { exact: true }).waitFor();
  await poll(async () => (await epoch()) > seen, 'epochs behind those of before');
  await list.getByText('the service does not answer').waitFor({ state: 'detached' });
  await form.getByText('Training takes about').waitFor();
  assert.equal(await form.getByLabel('hidden size', { exact: true }).inputValue(), '3');
  assert.equal(await form.getByRole('button', { name: 'Start the experiment' }).isDisabled(), false);
  assert.equal((await daemon.call('GET', `/experiments/${id}`)).attempt, 2);
  await daemon.call('POST', `/experiments/${id}/cancel`);
  await badge(run, 'cancelled').waitFor();
  for (const page of [run, form, list]) {
    forgive(page, /ERR_CONNECTION|ERR_INCOMPLETE|ERR_EMPTY/);
    await close(page);
  }
});

test('a page that finds nobody asks again, and a form that was lost on its way is sent once', async () => {
  const page = await open(browser, 'about:blank', MODES[0], true);
  await page.route('**/session', (route) => route.abort());
  await page.goto(daemon.url);
  await page.getByRole('alert').waitFor();
  assert.deepEqual(await inaccessible(page), []);
  await page.unroute('**/session');
  await page.getByRole('heading', { name: 'Experiments' }).waitFor();

  await page.getByRole('link', { name: 'New experiment' }).first().click();
  await page.getByLabel('name', { exact: true }).fill('sent twice');
  await page.getByLabel('epochs', { exact: true }).fill('1');
  await page.getByText('Training takes about').waitFor();
  await page.route(/\/experiments$/, async (route) => {
    await route.fetch(); // it arrives, and the reply is lost
    await route.abort();
  }, { times: 1 });
  await page.getByRole('button', { name: 'Start the experiment' }).click();
  await page.getByRole('alert').filter({ hasText: 'does not answer' }).waitFor();
  await page.getByRole('button', { name: 'Start the experiment' }).click();
  await page.getByRole('heading', { name: 'sent twice', level: 1 }).waitFor();
  const { experiments } = await daemon.call('GET', '/experiments?text=sent');
  assert.equal(experiments.length, 1);
  forgive(page, /ERR_FAILED/);
  page.faults = page.faults.filter((fault) => !/a request to/.test(fault)); // it began at about:blank
  await close(page);
});

test('a key that is taken back: the page asks for another, and is where it was', async () => {
  const key = locked.key('dora', 'submit'), other = locked.key('dora-too', 'submit', '--owner', 'dora');
  const page = await open(browser, locked.url);
  const enter = async (text) => {
    await poll(() => page.evaluate(() => document.activeElement.name === 'key'), 'the focus in the field');
    await page.keyboard.type(text);
    await page.keyboard.press('Enter');
  };
  await enter(key);
  await page.getByText('dora (submit)').waitFor();
  const id = (await locked.call('POST', '/experiments', LONG, { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' })).id;
  await page.goto(`${locked.url}/#/run/${id}`);
  await page.getByText('live', { exact: true }).waitFor();
  locked.keys('revoke', 'dora');
  await page.getByText('Your key is not accepted any more').waitFor();
  await enter(other);
  await page.getByText('dora-too (submit)').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  assert.match(page.url(), new RegExp(id));
  await close(page);
});

test('what a stopped run leaves is there: predictions, report, weights of its last whole epoch', async () => {
  const id = await daemon.submit({ ...LONG, name: 'stopped' });
  await poll(async () => (await daemon.call('GET', `/experiments/${id}`)).progress.epoch > 2, 'epochs');
  await daemon.call('POST', `/experiments/${id}/cancel`);
  const page = await open(browser, `${daemon.url}/#/run/${id}`);
  await badge(page, 'cancelled').waitFor();
  await page.getByText('What is below is of its last whole epoch.').waitFor();
  await page.getByRole('img', { name: /prediction and truth/ }).waitFor();
  await page.getByRole('region', { name: 'How good it is' }).getByText('rmse').waitFor();
  await page.getByRole('button', { name: 'Predict', exact: true }).click();
  await page.getByRole('region', { name: 'Answer' }).waitFor();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'weights.safetensors', exact: true }).click()]);
  assert.match(download.suggestedFilename(), /\.safetensors$/);
  await close(page);
});
