// A person's way through the dashboard, in a browser, against the real daemon.
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

const CSV = 'day;wert;rest\n' + Array.from({ length: 120 }, (_, i) => `${i};${Math.sin(i / 5).toFixed(4).replace('.', ',')};x`).join('\n') + '\n';
const LONG = { name: 'long one', hidden_size: 5, n_qubits: 6, depth: 8, training: { epochs: 100000 }, limits: { max_seconds: 2e6 } };
const status = (page) => page.locator('.status-line .badge').textContent();
const until = (page, wanted) => page.locator('.status-line .badge', { hasText: new RegExp(`^${wanted}$`) }).waitFor();

test('the form of a file has whatever can be said of one', async () => {
  const page = await open(browser, `${daemon.url}/#/data`);
  await page.getByText('How the file is to be read').click();
  const fields = await page.locator('.reading input').evaluateAll((inputs) => inputs.map((input) => input.name));
  const contract = await (await fetch(`${daemon.url}/openapi.json`)).json();
  const said = contract.paths['/datasets'].post.parameters.filter((parameter) => parameter.in === 'query').map((parameter) => parameter.name);
  assert.deepEqual([...fields, 'name'].sort(), said.sort());
});

test('upload a file, start from the form, watch it live, look at what it learned, predict', async () => {
  const page = await open(browser, daemon.url);
  await page.getByRole('link', { name: 'Data sets' }).click();
  await page.getByLabel('File', { exact: true }).setInputFiles({ name: 'waves.csv', mimeType: 'text/csv', buffer: Buffer.from(CSV) });
  assert.equal(await page.getByLabel('Name').inputValue(), 'waves');
  await page.getByRole('button', { name: 'Upload' }).click();
  await page.getByRole('heading', { name: 'waves', level: 1 }).waitFor();
  const understood = await page.getByRole('region', { name: 'What was understood' }).textContent();
  assert.match(understood, /separator;/);
  assert.match(understood, /decimal,/);
  await page.getByRole('img', { name: /Values of wert/ }).waitFor();
  assert.match(await page.getByRole('region', { name: /^Columns \(/ }).textContent(), /resttext/);

  await page.getByRole('link', { name: 'Train on it' }).click();
  assert.equal(await page.getByLabel('dataset', { exact: true }).inputValue(), 'waves');
  await page.getByLabel('name', { exact: true }).fill('first waves');
  await page.getByLabel('inputs', { exact: true }).fill('wert');
  await page.getByLabel('targets', { exact: true }).fill('wert');
  await page.getByLabel('n qubits', { exact: true }).fill('26');
  await page.getByText('allowed are 1 to 25').first().waitFor();
  assert.equal(await page.getByLabel('n qubits', { exact: true }).getAttribute('aria-invalid'), 'true');
  assert.equal(await page.getByRole('button', { name: 'Start the experiment' }).isDisabled(), true);
  await page.getByLabel('n qubits', { exact: true }).fill('3');
  await page.getByLabel('hidden size', { exact: true }).fill('4');
  await page.getByLabel('epochs', { exact: true }).fill('60');
  await page.getByText('77 train, 38 test').waitFor();
  const curl = await page.getByLabel('curl', { exact: true }).textContent();
  const said = JSON.parse(/'(\{.*\})'/.exec(curl)[1]);
  assert.deepEqual(said, { data: { dataset: 'waves', inputs: ['wert'], targets: ['wert'] }, name: 'first waves',
    model: { layers: [{ type: 'qlstm', n_qubits: 3, hidden_size: 4 }] }, training: { epochs: 60 } });
  assert.match(await page.getByLabel('Python', { exact: true }).textContent(), /client\.submit\(\{.*"n_qubits": 3/);
  await page.getByRole('button', { name: 'Start the experiment' }).click();

  await until(page, 'succeeded');
  await page.getByRole('img', { name: /loss by epoch\. 60 epochs/ }).waitFor();
  await page.getByRole('img', { name: /wert: prediction and truth/ }).waitFor();
  const lines = page.getByRole('region', { name: 'Prediction and truth' }).locator('.u-legend');
  await lines.getByText('linear').waitFor();
  assert.match(await lines.textContent(), /truth.*last value.*linear.*prediction/s);
  assert.match(await page.getByRole('region', { name: 'How good it is' }).textContent(), /last value.*linear/);
  assert.match(await page.getByRole('region', { name: 'Events' }).textContent(), /queued → running.*running → succeeded/s);
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'metrics.csv' }).click()]);
  assert.equal(download.suggestedFilename().endsWith('.csv'), true);

  const inputs = page.getByLabel('Inputs as CSV');
  await poll(async () => (await inputs.inputValue()).split('\n').length === 6, 'the last window of the data');
  await page.getByRole('button', { name: 'Predict', exact: true }).click();
  const answer = await page.getByRole('region', { name: 'Try a prediction' }).getByRole('table').textContent();
  const value = Number(/sample\s*wert\s*0\s*(-?[\d.]+)/.exec(answer)[1]);
  const id = page.url().split('/').at(-1);
  const rows = (await inputs.inputValue()).trim().split('\n').slice(1).map((row) => [Number(row)]);
  const { outputs } = await daemon.call('POST', `/experiments/${id}/predict`, { inputs: [rows] }, { 'Content-Type': 'application/json' });
  assert.ok(Math.abs(value - outputs[0][0]) < 1e-6);
  await inputs.fill('wert\nx\n');
  await page.getByRole('button', { name: 'Predict', exact: true }).click();
  await page.getByRole('region', { name: 'Try a prediction' }).getByRole('alert').waitFor();
  await close(page);
});

test('a run as it grows: curve and progress without a reload; pause, resume, cancel, retry', async () => {
  const id = await daemon.submit(LONG);
  const page = await open(browser, `${daemon.url}/#/run/${id}`);
  const epochs = async () => Number(/(\d+) epochs/.exec(await page.locator('.chart-place .u-wrap').first().getAttribute('aria-label'))[1]);
  await page.getByText('live', { exact: true }).waitFor();
  const seen = await poll(async () => (await page.locator('.chart-place .u-wrap').count()) && epochs(), 'a first epoch');
  await poll(async () => (await epochs()) > seen + 3, 'more epochs');
  await page.getByRole('button', { name: 'Pause' }).click();
  await until(page, 'paused');
  await page.getByRole('button', { name: 'Resume' }).click();
  await until(page, 'running');
  const then = await epochs();
  await poll(async () => (await epochs()) > then + 3, 'more epochs after the pause');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await until(page, 'cancelled');
  assert.match(await page.getByRole('region', { name: 'Events' }).textContent(), /user paused/);
  await page.getByRole('button', { name: 'Retry' }).click();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await until(page, 'cancelled');
  page.on('dialog', (dialog) => dialog.accept());
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('heading', { name: 'Experiments', level: 1 }).waitFor();
  await assert.rejects(daemon.call('GET', `/experiments/${id}`), /not_found/);
  await close(page);
});

test('one made from another, and both compared, with bands over seeds', async () => {
  const spec = { name: 'pair', type: 'lstm', hidden_size: 3, tags: ['a tag'], training: { epochs: 12, optimizer: { type: 'adam' } } };
  const first = await daemon.train(spec);
  const page = await open(browser, `${daemon.url}/#/run/${first.id}`);
  await page.getByRole('link', { name: 'Edit as new' }).click();
  assert.equal(await page.getByLabel('epochs', { exact: true }).inputValue(), '12');
  assert.equal(await page.getByLabel('tags', { exact: true }).inputValue(), 'a tag');
  await page.getByLabel('seed', { exact: true }).fill('2');
  await page.getByText('Training takes about').waitFor();
  await page.getByRole('button', { name: 'Start the experiment' }).click();
  await until(page, 'succeeded');
  const second = await daemon.call('GET', `/experiments/${page.url().split('/').at(-1)}`);
  assert.deepEqual({ ...second.spec, training: { ...second.spec.training, seed: 1 } }, first.spec);

  await page.getByRole('link', { name: 'Experiments' }).click();
  await page.getByLabel('Words').fill('pair');
  await page.getByLabel('Words').press('Enter');
  await page.waitForURL(/text=pair/);
  await page.getByRole('row', { name: /pair/ }).nth(1).waitFor();
  await poll(async () => (await page.getByRole('row').count()) === 3, 'those two alone');
  for (const box of await page.getByLabel('Choose pair to compare').all()) await box.check();
  await page.getByRole('link', { name: 'Compare (2)' }).click();
  await page.getByRole('img', { name: /test loss of 2 runs/ }).waitFor();
  assert.match(await page.locator('.u-legend').textContent(), /pair, mean of 2 seeds/);
  await page.getByLabel('bands over seeds').uncheck();
  await page.locator('.u-legend', { hasText: 'pair, seed 2' }).waitFor();
  const table = await page.getByRole('region', { name: 'What differs', exact: true }).textContent();
  assert.match(table, /training seed(12|21)/);
  assert.doesNotMatch(table, /epochs/);
  await close(page);
});

test('a fork goes on from the weights of another', async () => {
  const first = await daemon.train({ name: 'to fork', type: 'lstm', hidden_size: 3, training: { epochs: 20 } });
  const page = await open(browser, `${daemon.url}/#/run/${first.id}`);
  await page.getByRole('link', { name: 'Fork' }).click();
  assert.equal(await page.getByLabel('init from', { exact: true }).inputValue(), first.id);
  await page.getByLabel('epochs', { exact: true }).fill('5');
  await page.getByText('Training takes about').waitFor();
  await page.getByRole('button', { name: 'Start the experiment' }).click();
  await until(page, 'succeeded');
  const second = await daemon.call('GET', `/experiments/${page.url().split('/').at(-1)}`);
  assert.deepEqual([second.spec.init_from, second.progress.epochs], [first.id, 5]);
  const loss = async (id) => (await daemon.call('GET', `/experiments/${id}/metrics`)).metrics[0].train_loss;
  assert.ok((await loss(second.id)) < (await loss(first.id)) / 2);
  await close(page);
});

test('the list: filters stay in the address, progress without a reload', async () => {
  const id = await daemon.submit({ ...LONG, name: 'in the list', project: 'listed' });
  const page = await open(browser, daemon.url);
  await page.getByLabel('Project').fill('listed');
  await page.getByLabel('Project').press('Enter');
  const row = page.getByRole('row', { name: /in the list/ });
  await row.waitFor();
  await poll(async () => (await page.getByRole('row').count()) === 2, 'one row');
  assert.match(page.url(), /project=listed/);
  const epoch = async () => Number(/(\d+)\/100000/.exec(await row.textContent())?.[1] ?? 0);
  const before = await epoch();
  await poll(async () => (await epoch()) > before, 'more epochs in the list');
  await daemon.call('POST', `/experiments/${id}/cancel`);
  await row.getByText('cancelled').waitFor();
  await page.getByLabel('Status').selectOption('running');
  await page.getByText('No experiment fits these filters.').waitFor();
  await close(page);
});

test('classes: confusion instead of a line, probabilities for a row', async () => {
  const rows = Array.from({ length: 60 }, (_, i) => `${i % 3},${(i * 7) % 5},${i % 3}`).join('\n');
  await daemon.call('POST', '/datasets?name=three', `a,b,kind\n${rows}\n`, { 'Content-Type': 'text/csv' });
  const { id } = await daemon.train({ data: { dataset: 'three', task: 'classification', classes: 3, targets: ['kind'] }, type: 'lstm', hidden_size: 4, training: { epochs: 5 } });
  const page = await open(browser, `${daemon.url}/#/run/${id}`);
  await page.getByText('Confusion: rows are the truth').waitFor();
  assert.equal(await page.getByRole('region', { name: 'Prediction and truth' }).count(), 0);
  await page.getByLabel('Inputs as CSV').fill('a,b\n1,2\n');
  await page.getByRole('button', { name: 'Predict', exact: true }).click();
  assert.match(await page.getByRole('region', { name: 'Try a prediction' }).getByRole('table').textContent(), /P\(0\)P\(1\)P\(2\)/);
  await close(page);
});

test('snapshots: what the model said after epochs on the way, and their files', async () => {
  const { id } = await daemon.train({ name: 'with snapshots', type: 'lstm', hidden_size: 4, training: { epochs: 30, snapshots: [1, 10, 30] } });
  const page = await open(browser, `${daemon.url}/#/run/${id}`);
  const choice = page.getByLabel('predicted after epoch');
  await page.getByRole('img', { name: /: prediction and truth\. \d/ }).waitFor();
  assert.deepEqual(await choice.locator('option').allTextContents(), ['1', '10', '30', '30 (the last)']);
  const drawn = () => page.locator('#predictions canvas').evaluate((canvas) => canvas.toDataURL());
  await poll(async () => (await page.locator('#predictions .u-legend').textContent()).includes('linear'), 'the lines beside');
  const last = await drawn();
  await choice.selectOption('1');
  await page.getByRole('img', { name: /prediction and truth\. After epoch 1\. / }).waitFor();
  await poll(async () => (await drawn()) !== last, 'another line');
  const beside = page.locator('#predictions').getByRole('button', { name: 'linear' });
  await beside.press('Enter');
  assert.equal(await beside.getAttribute('aria-pressed'), 'false');
  await beside.press(' ');
  assert.equal(await beside.getAttribute('aria-pressed'), 'true');
  await choice.selectOption('30');
  await poll(async () => (await drawn()) === last, 'the line of the last epoch');
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'predictions.csv of epoch 10' }).click()]);
  assert.match(download.suggestedFilename(), /snapshot\.csv$/);
  assert.equal(await page.getByRole('link', { name: /^weights.safetensors of epoch/ }).count(), 3);
  await close(page);
});

test('predictions of a whole data set, from the page of the run whose model it is', async () => {
  const { id } = await daemon.train({ name: 'to predict', type: 'lstm', hidden_size: 3, training: { epochs: 5 } });
  const page = await open(browser, `${daemon.url}/#/run/${id}`);
  await page.getByLabel('All rows of a data set').selectOption('sine');
  await page.getByRole('button', { name: 'Predict them all' }).click();
  await page.waitForURL((url) => url.hash.startsWith('#/run/') && !url.hash.endsWith(id));
  await until(page, 'succeeded');
  await page.getByRole('img', { name: /value: prediction and truth/ }).waitFor();
  await page.getByRole('region', { name: 'How good it is' }).getByText('rmse').waitFor();
  for (const absent of ['Curves', 'Try a prediction', 'Circuits']) assert.equal(await page.getByRole('region', { name: absent }).count(), 0, absent);
  assert.deepEqual(await page.locator('.files a').allTextContents(), ['predictions.csv', 'report.json']);
  await page.getByRole('link', { name: 'its training' }).click();
  await page.getByRole('heading', { name: 'to predict', level: 1 }).waitFor();
  await page.getByRole('link', { name: 'Experiments' }).click();
  await page.getByLabel('Kind').selectOption('prediction');
  await page.getByText(/^predictions of \d+ samples$/).waitFor();
  await poll(async () => (await page.getByRole('row').count()) === 2, 'that one alone');
  await close(page);
});

test('words: sequences that the run shows on its way, the newest first seen', async () => {
  const data = { dataset: 'simple_seq', task: 'words', inputs: ['input'], targets: ['target'], word_bits: 3, length: 20, scored: 'scored', split: { train: 0.5 } };
  const { id } = await daemon.train({ data, type: 'qrnn', training: { epochs: 3, batch_size: 2, shown_sequences: 2 } });
  const page = await open(browser, `${daemon.url}/#/run/${id}`);
  const shown = page.getByRole('region', { name: 'Sequences on the way' });
  await shown.getByRole('region', { name: 'Sequences after epoch 3' }).waitFor();
  const { events } = await daemon.call('GET', `/experiments/${id}/events?skip=epoch&limit=100`);
  const said = (epoch) => events.filter((event) => event.message?.startsWith(`epoch ${epoch}: `)).map((event) => event.message.split(': ')[1].split(', drawn '));
  const rows = async () => Promise.all((await shown.locator('tbody tr').all()).map((row) => row.locator('code').allTextContents()));
  assert.deepEqual(await rows(), said(3));
  await shown.getByRole('slider', { name: 'Epoch' }).press('Home');
  await shown.getByRole('region', { name: 'Sequences after epoch 1' }).waitFor();
  assert.deepEqual(await rows(), said(1));
  assert.doesNotMatch(await page.getByRole('region', { name: 'Events' }).textContent(), /drawn/);
  await close(page);
});

test('gradients by tensor, and which angles cannot learn', async () => {
  const { id } = await daemon.train({ name: 'shallow', variant: 'linear', ansatz: 'strong', n_qubits: 2, hidden_size: 2, training: { epochs: 2 } });
  const { gradients } = await daemon.call('GET', `/experiments/${id}/report`);
  const page = await open(browser, `${daemon.url}/#/run/${id}`);
  const card = page.getByRole('region', { name: 'Parameters and gradients' });
  await card.waitFor();
  const rows = await card.getByRole('region', { name: 'Gradients by tensor' }).locator('tbody th').allTextContents();
  assert.deepEqual(rows, gradients.tensors.map((one) => one.tensor));
  assert.ok(gradients.cannot_learn_count > 0, 'an example without such angles');
  await card.getByText(new RegExp(`^${gradients.cannot_learn_count} angles? cannot learn`)).click();
  const said = await card.getByRole('region', { name: 'Angles that cannot learn' }).textContent();
  assert.ok(said.includes(gradients.cannot_learn[0].reason));
  await close(page);
});
