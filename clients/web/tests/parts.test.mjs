// What the page computes by itself, without a browser.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { bundle } from './bundle.mjs';

const page = await bundle('baselines', 'table', 'schema', 'lines', 'format', 'compare', 'results', 'history', 'route', 'curves', 'parts', 'shown');
const schema = JSON.parse(readFileSync(new URL('../../../schema/experiment.schema.json', import.meta.url)));

test('metrics: columns of numbers, gaps are null', () => {
  const { names, columns } = page.parseMetrics('epoch,train_loss,test_loss\n1,0.5,\n2,1e-3,nan\n');
  assert.deepEqual([names, columns], [['epoch', 'train_loss', 'test_loss'], [[1, 2], [0.5, 0.001], [null, null]]]);
  assert.deepEqual(page.parseMetrics('epoch,train_loss\n').columns, [[], []]);
});

test('rows of CSV: quotes, line ends, a last line without one', () => {
  assert.deepEqual(page.parseRows('a,b\r\n"x,""y""",2\n\n3,'), [['a', 'b'], ['x,"y"', '2'], ['3', '']]);
});

test('smoothing is a mean without a start of zero', () => {
  assert.deepEqual(page.smooth([1, 2, 3], 0), [1, 2, 3]);
  const [a, b, c] = page.smooth([4, null, 4], 0.9);
  assert.ok(Math.abs(a - 4) < 1e-12 && b === null && Math.abs(c - 4) < 1e-12);
  assert.ok(Math.abs(page.smooth([0, 1], 0.5)[1] - 2 / 3) < 1e-12);
});

test('epochs: added at the end, replaced after a resume, new metrics filled up with null', () => {
  const metrics = { names: ['epoch'], columns: [[]] };
  for (const [epoch, loss] of [[1, 9], [2, 8], [3, 7], [2, 6]]) page.addEpoch(metrics, { id: 1, type: 'epoch', at: '', attempt: 1, epoch, train_loss: loss });
  assert.deepEqual(metrics, { names: ['epoch', 'train_loss'], columns: [[1, 2], [9, 6]] });
  page.addEpoch(metrics, { epoch: 3, extra: 1 });
  assert.deepEqual(metrics, { names: ['epoch', 'train_loss', 'extra'], columns: [[1, 2, 3], [9, 6, null], [null, null, 1]] });
});

test('metrics that belong in one picture', () => {
  const found = page.groups(['epoch', 'train_loss', 'validation_loss', 'test_loss', 'gradient_norm']);
  assert.deepEqual([...found], [['loss', ['train_loss', 'validation_loss', 'test_loss']], ['gradient_norm', ['gradient_norm']]]);
});

test('predictions in the order of the data, with the line between the parts', () => {
  const read = page.readPredictions('part,index,v,v_predicted,row\ntest,0,3,3.5,7\ntrain,0,1,1.5,4\ntrain,1,2,,5\n');
  assert.deepEqual(read, { targets: ['v'], x: [4, 5, 7], truth: [[1, 2, 3]], predicted: [[1.5, null, 3.5]],
    trained: [true, true, false], splits: [{ at: 6, before: 'train', after: 'test' }] });
  const mixed = Array.from({ length: 9 }, (_, i) => `${i % 2 ? 'train' : 'test'},0,1,1,${i}`).join('\n');
  assert.deepEqual(page.readPredictions(`part,index,v,v_predicted,row\n${mixed}\n`).splits, []);
});

test('fields: defaults that depend on others, and fields of another task', () => {
  const layer = schema.$defs.qlstm.properties, data = schema.$defs.data.properties, whole = { data: { task: 'classification' } };
  assert.equal(page.defaultOf(schema, layer, {}, 'hidden_size', {}), 17);
  assert.equal(page.defaultOf(schema, layer, { variant: 'chen2020' }, 'hidden_size', {}), 3);
  assert.equal(page.defaultOf(schema, schema.$defs.training.properties, {}, 'loss', whole), 'cross_entropy');
  assert.equal(page.applies(schema, data, {}, 'window', {}), true);
  assert.equal(page.applies(schema, data, { task: 'classification' }, 'window', whole), false);
  assert.equal(page.applies(schema, data, { task: 'classification' }, 'classes', whole), true);
});

test('what is typed, by the type of the field', () => {
  const { n_qubits, variant } = schema.$defs.qlstm.properties, { inputs } = schema.$defs.data.properties;
  assert.deepEqual([page.read(n_qubits, '6'), page.read(n_qubits, ''), page.read(n_qubits, 'six')], [6, undefined, 'six']);
  assert.deepEqual(page.read(inputs, 'a, 2 ,'), ['a', '2']);
  assert.equal(page.read(variant, 'qdi'), 'qdi');
  const { gates } = schema.$defs.circuit.properties;
  assert.deepEqual([page.read(gates, '[{"gate": "H"}]'), page.read(gates, '[{')], [[{ gate: 'H' }], '[{']);
  assert.equal(page.write([{ gate: 'H' }]), '[{"gate":"H"}]');
  assert.equal(page.range(n_qubits), '1 to 25');
  assert.equal(page.range(schema.$defs.training.properties.optimizer.properties.learning_rate), 'more than 0, up to 100');
});

test('a resolved spec as what a person would have said', () => {
  const spec = { name: '', data: { dataset: 'sine', task: 'forecasting', window: 4, split: { train: 0.67 } },
    model: { layers: [{ type: 'qlstm', variant: 'chen2020', hidden_size: 3, n_qubits: 6 }] }, training: { epochs: 100, optimizer: { type: 'adam' } } };
  assert.deepEqual(page.pruned(schema, schema, spec, spec), {
    data: { dataset: 'sine' }, model: { layers: [{ type: 'qlstm', variant: 'chen2020', n_qubits: 6 }] }, training: { optimizer: { type: 'adam' } } });
  assert.deepEqual(page.sparse({ a: {}, b: { c: {} }, d: [{}], e: 0 }), { d: [{}], e: 0 });
});

test('the same request by curl and in Python', () => {
  const spec = { name: "it's", tags: ['a'], training: { shuffle: true, stop: null } };
  assert.equal(page.curlLine(spec, 'http://h', false), `curl -d '{"name":"it'\\''s","tags":["a"],"training":{"shuffle":true,"stop":null}}' \\\n  http://h/experiments`);
  assert.match(page.curlLine({}, 'http://h', true), /-H "Authorization: Bearer \$QLSTM_KEY"/);
  assert.match(page.pythonLine(spec, 'http://h', false), /submit\(\{"name": "it's", "tags": \["a"\], "training": \{"shuffle": True, "stop": None\}\}\)/);
});

test('numbers, times and sizes', () => {
  assert.deepEqual([0, 1.5, 1e-5, 123456789, null, NaN].map((v) => page.number(v)), ['0', '1.5', '1.00e-5', '1.23e8', '–', '–']);
  assert.deepEqual([0.001, 3.14159, 59.6, 61, 7300, null].map(page.seconds), ['< 0.01 s', '3.14 s', '60 s', '1 min 1 s', '2 h 1 min', '–']);
  assert.deepEqual([12, 2048, 5e6].map(page.bytes), ['12 B', '2.00 KiB', '4.77 MiB']);
  assert.equal(page.modelName([{ type: 'qlstm', variant: 'qdi', n_qubits: 4 }, { type: 'dense' }]), 'qlstm qdi 4 qubits');
});

test('runs: what differs, and which differ by their seed alone', () => {
  const run = (seed, type, name = 'x') => ({ run: { id: `id${seed}${type}`, spec: { name, model: { layers: [{ type }] }, training: { seed } } }, metrics: null });
  const runs = [run(1, 'lstm'), run(1, 'gru'), run(2, 'lstm')];
  assert.deepEqual(page.differences(runs.map((one) => one.run.spec)), [['model.layers.0.type', ['lstm', 'gru', 'lstm']], ['training.seed', ['1', '1', '2']]]);
  assert.deepEqual(page.bySeed(runs).map((group) => group.length), [2, 1]);
  assert.deepEqual(page.names([runs[0].run, runs[2].run]), ['x, seed 1', 'x, seed 2']);
});

test('rows of a list: what stays keeps its elements, what is new takes those of what has gone', () => {
  const first = page.takePlaces(new Map(), ['a', 'b', 'c']);
  assert.deepEqual([...first], [['a', 0], ['b', 1], ['c', 2]]);
  assert.deepEqual([...page.takePlaces(first, ['n', 'a', 'b'])], [['n', 2], ['a', 0], ['b', 1]]);
  assert.deepEqual([...page.takePlaces(first, ['d', 'e', 'f', 'g'])], [['d', 0], ['e', 1], ['f', 2], ['g', 3]]);
});

test('sequences that a run shows: what the data say and the model draws, and what is other', () => {
  const shown = page.readShown('epoch 3: 0 1 12, drawn 0 7 12', false);
  assert.deepEqual(shown, { epoch: 3, drawn: true, wanted: ['0', '1', '12'], answer: ['0', '7', '12'] });
  assert.deepEqual(page.pieces(shown), [{ hit: true, symbols: ['0'] }, { hit: false, symbols: ['7'] }, { hit: true, symbols: ['12'] }]);
  const text = page.readShown('epoch 12: he, said I, said he, said U', true);
  assert.deepEqual([text.drawn, text.wanted.join(''), text.answer.join('')], [false, 'he, said I', 'he, said U']);
  assert.equal(page.readShown('attempt 1 began', false), null);
  assert.equal(page.readShown('epoch 3: resumed', false), null);
});

test('shown sequences by epoch; one that is reached again after a resume counts once', () => {
  const log = (attempt, message) => ({ id: 1, type: 'log', at: '', attempt, message });
  const events = [log(1, 'begun'), ...[1, 1, 2, 2].map((epoch) => log(1, `epoch ${epoch}: 1, drawn 1`)),
    log(2, 'resumed'), ...[2, 2, 3, 3].map((epoch) => log(2, `epoch ${epoch}: 1, drawn 0`))];
  const run = { spec: { data: {}, training: { shown_sequences: 2 } } };
  const { epochs, others } = page.sortShown(run, events);
  assert.deepEqual(epochs.map((one) => one.map(({ epoch, answer }) => `${epoch}:${answer}`)), [['1:1', '1:1'], ['2:0', '2:0'], ['3:0', '3:0']]);
  assert.deepEqual(others.map((event) => event.message), ['begun', 'resumed']);
  assert.equal(page.sortShown({ spec: { data: {}, training: {} } }, events).others.length, events.length);
});

test('addresses', () => {
  const { path, query } = page.parse('#/data/a%2Fb?x=1');
  assert.deepEqual([path, query.get('x')], [['data', 'a/b'], '1']);
  assert.equal(page.link('new', { from: 'A&B', data: null }), '#/new?from=A%26B');
});

test('baselines: the last value, that of a season ago, and a line over the window', () => {
  const series = Array.from({ length: 40 }, (_, i) => 3 + 2 * Math.sin(i / 3) * 0.97 ** i);
  const at = [...series.keys()].slice(4), trained = at.map((row) => row < 30);
  const spec = { data: { dataset: 'x', window: 4, horizon: 1, period: 6 } };
  const [last, season, line] = page.baselines(spec, series, at, trained, true);
  assert.deepEqual(last.values, at.map((row) => series[row - 1]));
  assert.deepEqual(season.values, at.map((row) => series[row - 6] ?? null));
  line.values.forEach((value, i) => assert.ok(Math.abs(value - series[at[i]]) < 1e-6, `a line foretells a damped oscillation: ${value} ${series[at[i]]}`));
  assert.deepEqual(page.baselines(spec, series, at, trained, false).map((one) => one.name), ['last value', 'seasonal naive']);
  const far = page.baselines({ data: { dataset: 'x', window: 2, horizon: 8, period: 6 } }, series, [20], [false], true);
  assert.deepEqual(far.map((one) => one.values[0]), [series[12], series[8]]);
});

test('a line through points that say the same twice', () => {
  const [a, b, c] = page.fitLine([[1, 2], [2, 4], [3, 6], [5, 10]], [1, 3, 5, 9]);
  assert.ok(Math.abs(a + b * 7 + c * 14 - 13) < 1e-9);
  assert.deepEqual(page.fitLine([[5], [5]], [2, 4]), [3, 0]);
});
