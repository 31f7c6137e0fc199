// What a run has learned: its predictions beside the truth, and its metrics beside those of predictors that cost nothing.
import { useMemo, useRef, useState } from 'preact/hooks';
import { get, getText, type Dataset, type Experiment } from './api';
import { baselines, type Baseline } from './baselines';
import { Chart, type Line } from './chart';
import { loadTable } from './content';
import { words } from './curves';
import { number } from './format';
import type { Gradients } from './gradients';
import { Card, Fault, useLoad } from './parts';
import { column, parseRows } from './table';

type Scores = Record<string, unknown> & { target: string; confusion?: number[][] };
export interface Report {
  metrics: Record<string, Scores[]>;
  gradients?: Gradients | null;
  baselines: Record<string, Record<string, Scores[]> | null> | null;
}

interface Predictions {
  targets: string[];
  x: number[];
  truth: (number | null)[][];
  predicted: (number | null)[][];
  trained: boolean[];
  splits: { at: number; before: string; after: string }[]; // where one part ends and the next begins
}

export function readPredictions(text: string): Predictions {
  const [head = [], ...rows] = parseRows(text);
  const targets = head.filter((name, i) => i > 1 && head.includes(`${name}_predicted`));
  const at = (name: string) => head.indexOf(name);
  const rowAt = head.lastIndexOf('row');
  const order = rows
    .map((row, i) => ({ row, x: rowAt >= 0 ? Number(row[rowAt]) : i }))
    .sort((a, b) => a.x - b.x);
  const pick = (i: number) => order.map(({ row }) => (row[i] === '' || row[i] === undefined ? null : Number(row[i])));
  const splits: Predictions['splits'] = [];
  for (let i = 1; i < order.length; i++) {
    const [before, after] = [order[i - 1]!, order[i]!];
    if (before.row[0] !== after.row[0]) splits.push({ at: (before.x + after.x) / 2, before: before.row[0]!, after: after.row[0]! });
  }
  return {
    targets,
    x: order.map((one) => one.x),
    truth: targets.map((name) => pick(at(name))),
    predicted: targets.map((name) => pick(at(`${name}_predicted`))),
    trained: order.map(({ row }) => row[0] === 'train'),
    splits: splits.length < 4 ? splits : [], // more where parts are drawn at random
  };
}

/** Nothing where the data are no series, or too large to be loaded for it. */
async function loadBaselines(run: Experiment, found: Predictions): Promise<Baseline[][]> {
  const { data } = run.spec;
  if (data.task !== undefined && data.task !== 'forecasting') return [];
  const table = await loadTable(await get<Dataset>(`/datasets/${encodeURIComponent(data.dataset)}`));
  return found.targets.map((name) => {
    const series = column(table, name);
    const alone = data.inputs?.length === 1 && data.inputs[0] === name;
    return series ? baselines(run.spec, series, found.x, found.trained, alone) : [];
  });
}

const BASELINE_LOOKS: Record<Baseline['name'], Pick<Line, 'color' | 'hidden'>> = {
  linear: { color: '--series-3' },
  'last value': { color: '--series-5', hidden: true },
  'seasonal naive': { color: '--series-2', hidden: true },
};

/** The epochs of training.snapshots that the run has reached. */
export const snapshotsOf = (run: Experiment): number[] =>
  ((run.spec.training.snapshots as number[] | undefined) ?? []).filter((epoch) => epoch <= run.progress.epoch);

/** The epoch whose weights the results are of: the last one, or the best one. */
const keptEpoch = (run: Experiment): string => {
  const best = run.spec.training.keep === 'best' ? (run.results.best_epoch ?? null) : null;
  return best === null ? `${run.progress.epoch} (the last)` : `${best} (the best)`;
};

/** What a snapshot said; while another one is loaded still the one before. null: the results themselves. */
function useSnapshot(run: Experiment, epoch: number | null): { said?: Predictions | null; error?: unknown } {
  const { value, error } = useLoad<Predictions | null>(async () => (epoch === null ? null
    : readPredictions(await getText(`/experiments/${run.id}/predictions?epoch=${epoch}`))), [run.id, epoch]);
  const before = useRef(value);
  if (value !== undefined) before.current = value;
  return { said: before.current, error };
}

export function PredictionCard({ run }: { run: Experiment }) {
  const { value, error } = useLoad(() => getText(`/experiments/${run.id}/predictions`).then(readPredictions), [run.id]);
  const [epoch, setEpoch] = useState<number | null>(null);
  const snapshot = useSnapshot(run, epoch), snapshots = snapshotsOf(run);
  const simple = useLoad(() => (value ? loadBaselines(run, value).catch(() => []) : Promise.resolve([])), [run.id, value]).value;
  const [target, setTarget] = useState(0);
  const lines = useMemo<Line[]>(() => value ? [
    { label: 'truth', values: value.truth[target] ?? [], color: '--series-4', width: 2.5 },
    ...(simple?.[target] ?? []).map(({ name, values }) => ({ label: name, values, width: 1.25, ...BASELINE_LOOKS[name] })),
    { label: 'prediction', values: (snapshot.said ?? value).predicted[target] ?? [], color: '--series-1', dash: [6, 4] }, // over all others
  ] : [], [value, target, simple, snapshot.said]);
  const targets = value && value.targets.length > 1 ? (
    <label><span class="unseen">Target</span>
      <select value={target} onChange={(e) => setTarget(Number(e.currentTarget.value))}>
        {value.targets.map((name, i) => <option key={name} value={i}>{name}</option>)}
      </select>
    </label>
  ) : null;
  const epochs = snapshots.length > 0 ? (
    <label>predicted after epoch{' '}
      <select value={epoch ?? ''} onChange={(e) => setEpoch(Number(e.currentTarget.value) || null)}>
        {snapshots.map((one) => <option key={one} value={one}>{one}</option>)}
        <option value="">{keptEpoch(run)}</option>
      </select>
    </label>
  ) : null;
  return (
    <Card title="Prediction and truth" aside={<>{epochs}{targets}</>} id="predictions">
      <Fault error={error ?? snapshot.error} />
      {value && value.x.length > 0 ? (
        <Chart title={`${value.targets[target] ?? 'target'}: prediction and truth`} x={value.x} lines={lines} xLabel="row of the data"
          summary={`${epoch === null ? '' : `After epoch ${epoch}. `}${value.x.length} samples. All values: download predictions.csv`}
          splits={value.splits} />
      ) : null}
      {simple?.[target]?.length ? (
        <p class="soft pad">Beside it what costs nothing to predict; a click on a name shows or hides its line.</p>
      ) : null}
    </Card>
  );
}

const HIDDEN = new Set(['target', 'samples', 'confusion', 'by_class']);

function ScoreTable({ report, part, target }: { report: Report; part: string; target: number }) {
  const own = report.metrics[part]?.[target];
  if (!own) return null;
  const others = Object.entries(report.baselines ?? {}).flatMap(([name, parts]) => {
    const scores = parts?.[part]?.[target];
    return scores ? [[name, scores] as const] : [];
  });
  const names = Object.keys(own).filter((name) => !HIDDEN.has(name) && (typeof own[name] === 'number' || own[name] === null));
  return (
    <div class="table-place" tabIndex={0} role="region" aria-label={`Metrics of the ${part} part`}>
      <table class="scores">
        <caption>{part} part{report.metrics[part]!.length > 1 ? `, ${own.target}` : ''}{typeof own.samples === 'number' ? `, ${own.samples} samples` : ''}</caption>
        <thead>
          <tr><th scope="col">metric</th><th scope="col" class="num">this model</th>
            {others.map(([name]) => <th scope="col" class="num" key={name}>{words(name)}</th>)}</tr>
        </thead>
        <tbody>
          {names.map((name) => (
            <tr key={name}><th scope="row">{words(name)}</th><td class="num strong">{number(own[name] as number)}</td>
              {others.map(([other, scores]) => <td class="num" key={other}>{number(scores[name] as number)}</td>)}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Confusion({ matrix, classes }: { matrix: number[][]; classes: string[] }) {
  const most = matrix.map((row) => Math.max(1, row.reduce((a, b) => a + b, 0)));
  return (
    <div class="table-place" tabIndex={0} role="region" aria-label="Confusion matrix">
      <p class="soft pad">Confusion: rows are the truth, columns what was predicted</p>
      <table class="confusion" aria-label="Confusion">
        <thead><tr><th scope="col" aria-label="truth" />{matrix.map((_, i) => <th scope="col" key={i}>{classes[i]}</th>)}</tr></thead>
        <tbody>
          {matrix.map((row, i) => (
            <tr key={i}><th scope="row">{classes[i]}</th>
              {row.map((n, j) => <td key={j} class={`heat heat-${Math.round((10 * n) / most[i]!)} ${i === j ? 'hit' : ''}`}>{n}</td>)}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Of what succeeded, and of what was stopped behind its first epoch, unless it was killed; null where there is none yet. */
export function useReport(run?: Experiment): { value?: Report | null; error?: unknown } {
  const over = run !== undefined && (run.status === 'succeeded' || (run.terminal && run.progress.epoch > 0));
  return useLoad(async () => (over ? get<Report>(`/experiments/${run.id}/report`) : null), [run?.id, over, run?.attempt]);
}

export function ReportCard({ report, error }: { report?: Report | null; error?: unknown }) {
  const [part, setPart] = useState<string | null>(null);
  if (!report) return error ? <Card title="How good it is"><Fault error={error} /></Card> : null;
  const parts = Object.keys(report.metrics ?? {});
  const shown = part && parts.includes(part) ? part : parts.includes('test') ? 'test' : (parts[0] ?? '');
  const scores = report.metrics?.[shown] ?? [];
  const aside = parts.length > 1 ? (
    <label><span class="unseen">Part</span>
      <select value={shown} onChange={(e) => setPart(e.currentTarget.value)}>{parts.map((one) => <option key={one}>{one}</option>)}</select>
    </label>
  ) : null;
  return (
    <Card title="How good it is" aside={aside} id="report">
      <Fault error={error} />
      {scores.length === 0 ? <p class="soft pad">The report has no metrics.</p> : null}
      {scores.map((one, i) => (
        <div key={one.target}>
          <ScoreTable report={report} part={shown} target={i} />
          {one.confusion ? (
            <Confusion matrix={one.confusion} classes={one.confusion.map((_, k) => String((one.by_class as { class?: number }[] | undefined)?.[k]?.class ?? k))} />
          ) : null}
        </div>
      ))}
    </Card>
  );
}
