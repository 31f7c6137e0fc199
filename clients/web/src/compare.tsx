// Several runs side by side: their curves in one picture, and what differs between their specs.
import { useMemo, useState } from 'preact/hooks';
import { get, getText, type Experiment } from './api';
import { Chart, SERIES, type Line } from './chart';
import { CurveControls, groups, useCurveControls, words } from './curves';
import { modelName, number, seconds } from './format';
import { Badge, Card, Fault, useLoad } from './parts';
import { link } from './route';
import { isObject } from './schema';
import { column, parseMetrics, smooth, type Table } from './table';

export interface Compared {
  run: Experiment;
  metrics: Table;
}

/** {"training.optimizer.type": "adam", ...}: the leaves of a spec; lists of plain values are leaves. */
export function leaves(value: unknown, path = '', out: Map<string, string> = new Map()): Map<string, string> {
  if (isObject(value)) for (const [name, inner] of Object.entries(value)) leaves(inner, path ? `${path}.${name}` : name, out);
  else if (Array.isArray(value) && value.some(isObject)) value.forEach((inner, i) => leaves(inner, `${path}.${i}`, out));
  else out.set(path, Array.isArray(value) ? value.join(', ') : String(value));
  return out;
}

/** The paths that are not the same in all. */
export function differences(specs: unknown[]): [string, string[]][] {
  const all = specs.map((spec) => leaves(spec));
  const paths = new Set(all.flatMap((one) => [...one.keys()]));
  return [...paths]
    .map((path) => [path, all.map((one) => one.get(path) ?? '–')] as [string, string[]])
    .filter(([, values]) => new Set(values).size > 1);
}

/** Runs that differ by their seed, name and tags alone, in the order in which they come. */
export function bySeed(runs: Compared[]): Compared[][] {
  const found = new Map<string, Compared[]>();
  for (const one of runs) {
    const { name: _n, tags: _t, priority: _p, ...spec } = one.run.spec;
    const key = JSON.stringify({ ...spec, training: { ...spec.training, seed: 0 } });
    found.set(key, [...(found.get(key) ?? []), one]);
  }
  return [...found.values()];
}

const nameOf = (run: Experiment) => run.spec.name || `${modelName(run.spec.model.layers)} ${run.id.slice(-4)}`;

/** Names as they are, told apart by seed or the end of the id where two are the same. */
export function names(runs: Experiment[]): string[] {
  const plain = runs.map(nameOf);
  return plain.map((name, i) => {
    const same = runs.filter((_, j) => plain[j] === name);
    if (same.length === 1) return name;
    const seeds = new Set(same.map((run) => run.spec.training.seed));
    return seeds.size === same.length ? `${name}, seed ${runs[i]!.spec.training.seed}` : `${name} ${runs[i]!.id.slice(-4)}`;
  });
}

/** Values at epochs 1 to `last`; null where there is none. */
function atEpochs(metrics: Table, name: string, last: number): (number | null)[] {
  const values: (number | null)[] = new Array(last).fill(null);
  const epochs = metrics.columns[0]!, from = column(metrics, name);
  if (from) epochs.forEach((epoch, i) => { if (epoch !== null && epoch <= last) values[epoch - 1] = from[i] ?? null; });
  return values;
}

function across(all: (number | null)[][], fold: (values: number[]) => number): (number | null)[] {
  return (all[0] ?? []).map((_, i) => {
    const here = all.flatMap((values) => values[i] ?? []);
    return here.length > 0 ? fold(here) : null;
  });
}

function lines(runs: Compared[], metric: string, last: number, weight: number, bands: boolean): Line[] {
  const label = names(runs.map((one) => one.run));
  const values = (one: Compared) => smooth(atEpochs(one.metrics, metric, last), weight);
  if (!bands) return runs.map((one, i) => ({ label: label[i]!, color: SERIES[i % SERIES.length]!, values: values(one) }));
  return bySeed(runs).map((group, i) => {
    const all = group.map(values);
    const color = SERIES[i % SERIES.length]!;
    if (group.length === 1) return { label: label[runs.indexOf(group[0]!)]!, color, values: all[0]! };
    return {
      label: `${nameOf(group[0]!.run)}, mean of ${group.length} seeds`, color,
      values: across(all, (here) => here.reduce((a, b) => a + b, 0) / here.length),
      band: [across(all, (here) => Math.min(...here)), across(all, (here) => Math.max(...here))],
    };
  });
}

function CurveCard({ runs, seeded, bands, setBands }: { runs: Compared[]; seeded: boolean; bands: boolean; setBands: (on: boolean) => void }) {
  const controls = useCurveControls();
  const [part, setPart] = useState('test');
  const all = [...new Set(runs.flatMap((one) => one.metrics.names))];
  const inGroup = groups(all).get(controls.group) ?? [];
  const metric = inGroup.find((name) => name.startsWith(part)) ?? inGroup[0] ?? '';
  const last = Math.max(1, ...runs.map((one) => one.metrics.columns[0]!.at(-1) ?? 0));
  const x = useMemo(() => Array.from({ length: last }, (_, i) => i + 1), [last]);
  const drawn = useMemo(() => lines(runs, metric, last, controls.weight, bands), [runs, metric, last, controls.weight, bands]);
  return (
    <Card title="Curves" aside={
      <>
        {inGroup.length > 1 ? (
          <label><span class="unseen">Part</span>
            <select value={metric} onChange={(e) => setPart(e.currentTarget.value.split('_')[0]!)}>
              {inGroup.map((name) => <option key={name} value={name}>{words(name)}</option>)}
            </select>
          </label>
        ) : null}
        <CurveControls names={all} {...controls} />
        {seeded ? <label class="check"><input type="checkbox" checked={bands} onChange={(e) => setBands(e.currentTarget.checked)} />bands over seeds</label> : null}
      </>
    }>
      <Chart title={`${words(metric)} of ${runs.length} runs by epoch`} x={x} lines={drawn} xLabel="epoch" log={controls.log} height={360}
        summary={runs.map((one, i) => `${names(runs.map((r) => r.run))[i]}: ${number(one.run.results[metric] ?? null)}`).join('; ')} />
    </Card>
  );
}

/** The smallest of a row, to be shown in bold. */
const least = (values: (number | null | undefined)[]) => Math.min(...values.map((v) => v ?? Infinity));

/** "layer 1 hidden_size" for "model.layers.0.hidden_size". */
const place = (path: string) => path.replace(/^model\.layers\.(\d+)\./, (_, i) => `layer ${Number(i) + 1} `).replace(/\./g, ' ');

function TableCard({ runs, bands }: { runs: Compared[]; bands: boolean }) {
  const seeds = bySeed(runs);
  const colour = (i: number) => ((bands ? seeds.findIndex((group) => group.includes(runs[i]!)) : i) % SERIES.length) + 1;
  const all = runs.map((one) => one.run);
  const label = names(all);
  const results = (['test_loss', 'best_test_loss', 'train_loss'] as const).map((name) => [name, all.map((run) => run.results[name])] as const);
  const accuracy = all.some((run) => run.results.test_accuracy !== undefined) ? all.map((run) => run.results.test_accuracy) : null;
  const differing = differences(all.map(({ spec: { name: _, ...spec } }) => spec));
  return (
    <Card title="What differs">
      <div class="table-place" tabIndex={0} role="region" aria-label="Table of what differs">
        <table class="compare">
          <thead><tr><th scope="col"><span class="unseen">what</span></th>
            {all.map((run, i) => (
              <th scope="col" key={run.id}><span class={`swatch swatch-${colour(i)}`} /><a href={link(`run/${run.id}`)}>{label[i]}</a></th>
            ))}</tr></thead>
          <tbody>
            <tr><th scope="row">status</th>{all.map((run) => <td key={run.id}><Badge status={run.status} /></td>)}</tr>
            {results.map(([name, values]) => (
              <tr key={name}><th scope="row">{words(name)}</th>
                {values.map((value, i) => <td key={i} class={value === least(values) ? 'strong' : ''}>{number(value)}</td>)}</tr>
            ))}
            {accuracy ? <tr><th scope="row">test accuracy</th>{accuracy.map((value, i) => <td key={i}>{number(value)}</td>)}</tr> : null}
            <tr><th scope="row">parameters</th>{all.map((run) => <td key={run.id}>{run.model.parameters}{run.model.quantum ? ` (${run.model.quantum} angles)` : ''}</td>)}</tr>
            <tr><th scope="row">ran</th>{all.map((run) => <td key={run.id}>{seconds(run.timings.run_seconds)}</td>)}</tr>
            {differing.map(([path, values]) => (
              <tr key={path}><th scope="row">{place(path)}</th>{values.map((value, i) => <td key={i}>{value}</td>)}</tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

function Both({ runs }: { runs: Compared[] }) {
  const seeded = bySeed(runs).some((group) => group.length > 1);
  const [bands, setBands] = useState(seeded);
  return <><CurveCard runs={runs} seeded={seeded} bands={bands} setBands={setBands} /><TableCard runs={runs} bands={bands} /></>;
}

export function Compare({ ids }: { ids: string[] }) {
  const { value, error } = useLoad(() => Promise.all(ids.map(async (id): Promise<Compared> => {
    const [run, csv] = await Promise.all([get<Experiment>(`/experiments/${id}`), getText(`/experiments/${id}/metrics?format=csv`)]);
    return { run, metrics: parseMetrics(csv) };
  })), [ids.join()]);
  return (
    <>
      <div class="page-head"><h1>Comparison</h1><a class="button" href="#/">Choose others</a></div>
      <Fault error={error} />
      {ids.length === 0 ? <p class="soft">Choose experiments in the list, then Compare.</p> : null}
      {value && value.length > 0 ? <Both runs={value} /> : null}
    </>
  );
}
