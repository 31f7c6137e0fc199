// Every page at desktop and phone width, light and dark: nothing inaccessible, nothing wider than the screen. The pictures
// are in out/pictures, for people to look at.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { close, inaccessible, launch, MODES, open } from './browser.mjs';
import { Daemon, poll } from './daemon.mjs';

const pictures = fileURLToPath(new URL('../out/pictures/', import.meta.url));
const daemon = new Daemon(), locked = new Daemon();
let browser;
const pages = {};

before(async () => {
  mkdirSync(pictures, { recursive: true });
  await Promise.all([daemon.start(), locked.start('--require-keys')]);
  browser = await launch();
  const rows = Array.from({ length: 90 }, (_, i) => `2026-01-01T${String(i % 24).padStart(2, '0')}:00:00,${i % 3},${(i * 7) % 5},${i % 3}`).join('\n');
  await daemon.call('POST', '/datasets?name=three', `at,a,b,kind\n${rows}\n`, { 'Content-Type': 'text/csv' });
  const run = await daemon.train({ name: 'Pendulum, four qubits', tags: ['first', 'pendulum'], n_qubits: 4, hidden_size: 5, training: { epochs: 40, snapshots: [1, 5, 15] } });
  const others = await Promise.all([1, 2].map((seed) => daemon.train({ name: 'LSTM', project: 'baselines', type: 'lstm', hidden_size: 5, training: { epochs: 40, seed } })));
  const classes = await daemon.train({ name: 'Three kinds', data: { dataset: 'three', task: 'classification', classes: 3, inputs: ['a', 'b'], targets: ['kind'] }, type: 'lstm', hidden_size: 4, training: { epochs: 8 } });
  const words = await daemon.train({ name: 'Words', data: { dataset: 'simple_seq', task: 'words', inputs: ['input'], targets: ['target'], word_bits: 3, length: 20, scored: 'scored', split: { train: 0.5 } }, type: 'qrnn', training: { epochs: 4, batch_size: 2, shown_sequences: 3 } });
  const failed = await daemon.train({ name: 'Steps too large', type: 'rnn', nonlinearity: 'relu', hidden_size: 8, training: { epochs: 50, optimizer: { type: 'sgd', learning_rate: 100 } } });
  const long = await daemon.submit({ name: 'Stopped on its way', hidden_size: 5, n_qubits: 6, depth: 4, training: { epochs: 100000 }, limits: { max_seconds: 2e6 } });
  await poll(async () => (await daemon.call('GET', `/experiments/${long}`)).progress.epoch > 5, 'some epochs');
  await daemon.call('POST', `/experiments/${long}/cancel`);
  const sentences = Array.from({ length: 80 }, (_, i) => [i % 5, (3 * i) % 4, (i * i) % 5].map((k) => ['The/DET', 'old/ADJ', 'man/NOUN', 'boats/VERB', 'slowly/ADV'][k])
    .reduce(([tokens, tags], word) => [[...tokens, word.split('/')[0]], [...tags, word.split('/')[1]]], [[], []]).map((side) => side.join(' ')).join('\t')).join('\n');
  await daemon.call('POST', '/datasets?name=sentences&text=tagged', `${sentences}\n`, { 'Content-Type': 'text/plain' });
  const tags = await daemon.train({ name: 'Parts of speech', variant: 'linear', n_qubits: 3, hidden_size: 4, data: { dataset: 'sentences', task: 'tagging', classes: 6, vocabulary: 20 }, training: { epochs: 4 } });
  const asked = await daemon.call('POST', `/experiments/${run.id}/predictions`, { dataset: 'damped_shm', name: 'All of it' });
  await poll(async () => (await daemon.call('GET', `/experiments/${asked.id}`)).terminal, 'the predictions');
  Object.assign(pages, {
    list: '', empty: '?project=none', run: `run/${run.id}`, classes: `run/${classes.id}`, failed: `run/${failed.id}`, predictions: `run/${asked.id}`, words: `run/${words.id}`,
    stopped: `run/${long}`, texts: `run/${tags.id}`,
    compare: `compare?runs=${[run, ...others].map((one) => one.id).join(',')}`, start: 'new', edit: `new?from=${classes.id}`, datasets: 'data',
    dataset: 'data/three', series: 'data/damped_shm',
  });
});
after(async () => {
  await browser.close();
  await daemon.stop();
  await locked.stop();
});

const settled = async (page) => {
  await page.waitForLoadState('networkidle').catch(() => {});
  await page.waitForTimeout(500); // charts are drawn 200 ms after their data
};

for (const mode of MODES) {
  test(`pages, ${mode.name}`, async () => {
    for (const [name, hash] of [...Object.entries(pages), ['signin', null]]) {
      const page = await open(browser, hash === null ? locked.url : `${daemon.url}/#/${hash}`, mode, true);
      await page.getByRole('heading', { level: 1 }).first().waitFor();
      await settled(page);
      await page.screenshot({ path: `${pictures}${name}-${mode.name}.png`, fullPage: true });
      assert.deepEqual(await inaccessible(page), [], `${name}, ${mode.name}`);
      const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= screen, `${name}, ${mode.name}: ${wide} of ${screen} pixels`);
      await close(page);
    }
  });
}
