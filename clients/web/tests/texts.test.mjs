// Texts in the browser: uploaded by the form, and models that tag, sort, translate and go on.
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

const WORDS = ['bo', 'da', 'fi', 'gu', 'ka'], SAID = ['one', 'two', 'three', 'four', 'five'];
const lines = (line) => Array.from({ length: 60 }, (_, i) => line([i % 5, (i * 3 + 1) % 5, (i * i) % 5])).join('\n') + '\n';
const upload = (name, text, content) => daemon.call('POST', `/datasets?name=${name}&text=${text}`, content, { 'Content-Type': 'text/plain' });
const train = (name, data, epochs = 3) => daemon.train({ name, type: 'lstm', hidden_size: 6, data: { vocabulary: 20, ...data }, training: { epochs, batch_size: 8 } });
const ask = async (page, text) => {
  const field = page.getByLabel('Texts');
  await poll(async () => (await field.inputValue()) !== '', 'texts of the data');
  await field.fill(text);
  await page.getByRole('button', { name: 'Predict', exact: true }).click();
  return page.getByRole('region', { name: 'Answer' });
};

test('tags: uploaded by the form, examples of the test part, a new sentence', async () => {
  const page = await open(browser, `${daemon.url}/#/data`);
  const content = lines((k) => `${k.map((i) => WORDS[i]).join(' ')}\t${k.map((i) => (i % 2 ? 'ODD' : 'EVEN')).join(' ')}`);
  await page.getByLabel('File', { exact: true }).setInputFiles({ name: 'tags.txt', mimeType: 'text/plain', buffer: Buffer.from(content) });
  await page.getByText('How the file is to be read').click();
  await page.getByLabel('text', { exact: false }).and(page.locator('input[name=text]')).fill('tagged');
  await page.getByRole('button', { name: 'Upload' }).click();
  await page.getByRole('heading', { name: 'tags', level: 1 }).waitFor();
  const { id } = await train('tagger', { dataset: 'tags', task: 'tagging', classes: 4 });
  await page.goto(`${daemon.url}/#/run/${id}`);
  const examples = page.getByRole('region', { name: 'Some of them' });
  await examples.waitFor();
  const csv = await fetch(`${daemon.url}/experiments/${id}/predictions`).then((reply) => reply.text());
  const tested = csv.split('\n').filter((row) => row.startsWith('test,')).map((row) => row.split(','));
  assert.equal(await examples.getByRole('row').count(), tested.filter((row) => row[2] === '0').length);
  assert.equal(await examples.locator('.miss').count(), tested.filter((row) => row[4] !== row[5]).length);
  const answer = await ask(page, 'bo gu');
  const { outputs } = await daemon.call('POST', `/experiments/${id}/predict`, { texts: ['bo gu'] });
  assert.equal((await answer.locator('tbody').textContent()).replace(/\s/g, ''), `bo${outputs[0].tags[0]}gu${outputs[0].tags[1]}`);
  assert.equal(await page.getByRole('region', { name: 'Prediction and truth' }).count(), 0);

  await page.getByRole('button', { name: 'Predict them all' }).click();
  await page.waitForURL((url) => url.hash.startsWith('#/run/') && !url.hash.endsWith(id));
  await page.getByRole('region', { name: 'Examples', exact: true }).getByText('bo').first().waitFor();
  await page.getByRole('region', { name: 'How good it is' }).getByText('accuracy', { exact: true }).waitFor();
  await close(page);
});

test('labels: each with its probability', async () => {
  await upload('labels', 'labelled', lines((k) => `${k[0] % 2 ? 'odd' : 'even'}\t${k.map((i) => WORDS[i]).join(' ')}`));
  const { id } = await train('sorter', { dataset: 'labels', task: 'text_classification', classes: 2 });
  const page = await open(browser, `${daemon.url}/#/run/${id}`);
  const answer = await ask(page, 'bo da\n\nka fi');
  assert.deepEqual(await answer.locator('thead th').allTextContents(), ['text', 'answer', 'P(even)', 'P(odd)']);
  const { outputs } = await daemon.call('POST', `/experiments/${id}/predict`, { texts: ['bo da', 'ka fi'] });
  assert.deepEqual(await answer.locator('.strong').allTextContents(), outputs.map(([label]) => label));
  await page.getByText('Confusion: rows are the truth').waitFor();
  await close(page);
});

test('translations, and a text that goes on', async () => {
  await upload('pairs', 'pairs', lines((k) => `${k.map((i) => WORDS[i]).join(' ')}\t${k.map((i) => SAID[i]).join(' ')}`));
  await upload('lines', 'lines', lines((k) => k.map((i) => WORDS[i]).join(' ')));
  const translator = await train('translator', { dataset: 'pairs', task: 'translation', max_length: 6 });
  const page = await open(browser, `${daemon.url}/#/run/${translator.id}`);
  await page.getByRole('region', { name: 'Some of them' }).waitFor();
  const answer = await ask(page, 'bo da');
  const { outputs } = await daemon.call('POST', `/experiments/${translator.id}/predict`, { texts: ['bo da'] });
  assert.equal(await answer.locator('.strong').textContent(), outputs[0]);

  const writer = await train('writer', { dataset: 'lines', task: 'language_model', length: 8 });
  await page.goto(`${daemon.url}/#/run/${writer.id}`);
  await page.getByLabel('Prompt').fill('bo da');
  await page.getByLabel('length').fill('9');
  await page.getByRole('button', { name: 'Generate' }).click();
  const said = await page.locator('.sequences li').textContent();
  const { sequences } = await daemon.call('POST', `/experiments/${writer.id}/generate`, { prompt: 'bo da', length: 9 });
  assert.equal(said, sequences[0].text);
  await close(page);
});
