// Makes dashboard.png, the picture of the README: thirty years of monthly sunspots, a QLSTM's forecast beside what costs nothing.
//   QLSTM_BUILD=../../build node tests/picture.mjs [FILE]
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { close, launch, open } from './browser.mjs';
import { Daemon } from './daemon.mjs';

const file = process.argv[2] ?? fileURLToPath(new URL('../dashboard.png', import.meta.url));
const [head, ...months] = readFileSync(new URL('../../curl/sunspots_monthly.csv', import.meta.url), 'utf8').trim().split('\n');
const daemon = await new Daemon().start();
await daemon.call('POST', '/datasets?name=sunspots', [head, ...months.slice(-360), ''].join('\n'), { 'Content-Type': 'text/csv' });
const run = await daemon.train({
  name: 'Sunspots, a month ahead', tags: ['sunspots', 'qdi'], type: 'qlstm', variant: 'qdi', n_qubits: 4, hidden_size: 8,
  data: { dataset: 'sunspots', inputs: ['value'], targets: ['value'], window: 12, period: 132, scaling: 'standard', split: { train: 0.7, validation: 0.1 } },
  training: { epochs: 40, batch_size: 32, keep: 'best', optimizer: { type: 'adam', learning_rate: 0.01 }, schedule: { type: 'cosine' }, snapshots: [1, 10] },
});
const browser = await launch();
const page = await open(browser, `${daemon.url}/#/run/${run.id}`, { viewport: { width: 1200, height: 1400 }, colorScheme: 'light' });
await page.locator('#predictions').getByRole('button', { name: 'linear' }).waitFor();
await page.waitForTimeout(500); // charts are drawn a little after their data
const { y, height } = await page.locator('#predictions').boundingBox();
await page.screenshot({ path: file, clip: { x: 0, y: 0, width: 1200, height: Math.ceil(y + height + 12) } });
await close(page);
await browser.close();
await daemon.stop();
