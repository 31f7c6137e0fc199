// Sign-in where keys are on.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { close, launch, open } from './browser.mjs';
import { Daemon } from './daemon.mjs';

const daemon = new Daemon();
let browser;
before(async () => {
  await daemon.start('--require-keys');
  browser = await launch();
});
after(async () => {
  await browser.close();
  await daemon.stop();
});

const enter = async (page, key) => {
  await page.getByLabel('Key').fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
};

test('a wrong key, a right one, a live run by cookie, signing out', async () => {
  const key = daemon.key('alice', 'submit');
  const page = await open(browser, daemon.url);
  await enter(page, `${key}x`);
  await page.getByRole('alert').waitFor();
  await enter(page, key);
  await page.getByText('alice (submit)').waitFor();
  assert.equal(await page.evaluate(() => document.cookie), '', 'a script reads the key');
  assert.equal(await page.evaluate((text) => JSON.stringify({ ...localStorage, ...sessionStorage }).includes(text), key), false);
  const [cookie] = await page.context().cookies();
  assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.expires], [true, 'Strict', -1]);

  await page.getByRole('link', { name: 'New experiment' }).first().click();
  await page.getByLabel('hidden size', { exact: true }).fill('3');
  await page.getByText('Training takes about').waitFor();
  assert.match(await page.getByLabel('curl', { exact: true }).textContent(), /Bearer \$QLSTM_KEY/);
  await page.getByRole('button', { name: 'Start the experiment' }).click();
  await page.locator('.status-line .badge-succeeded').waitFor();

  await page.reload();
  await page.getByText('alice (submit)').waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  assert.deepEqual(await page.context().cookies(), []);
  await close(page);
});

test('a page of another origin of the same host gets nothing by the cookie', async () => {
  const { createServer } = await import('node:http');
  const key = daemon.key('bob', 'submit');
  const page = await open(browser, daemon.url);
  await enter(page, key);
  await page.getByText('bob (submit)').waitFor();
  const other = createServer((_, reply) => reply.setHeader('Content-Type', 'text/html').end('<p>elsewhere')).listen(0, '127.0.0.1');
  await new Promise((done) => other.once('listening', done));
  const stranger = await page.context().newPage(); // same host, so the browser does send the cookie
  await stranger.goto(`http://127.0.0.1:${other.address().port}/`);
  const made = await stranger.evaluate((url) => fetch(`${url}/experiments`, { method: 'POST', body: '{}', credentials: 'include', mode: 'no-cors' })
    .then((reply) => reply.type, String), daemon.url);
  assert.match(made, /Failed to fetch|opaque/);
  const read = await stranger.evaluate((url) => fetch(`${url}/experiments`, { credentials: 'include' }).then((reply) => reply.text(), () => 'refused'), daemon.url);
  assert.equal(read, 'refused');
  const { experiments } = await daemon.call('GET', '/experiments', undefined, { Authorization: `Bearer ${key}` });
  assert.deepEqual(experiments, []);
  other.close();
  await close(page);
});

test('a key that may only read sees no buttons that change something', async () => {
  const page = await open(browser, daemon.url);
  await enter(page, daemon.key('carol', 'read'));
  await page.getByText('carol (read)').waitFor();
  await page.getByRole('link', { name: 'Data sets' }).click();
  await page.getByRole('link', { name: 'sine' }).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Upload' }).count(), 0);
  await close(page);
});
