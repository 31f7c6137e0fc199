// What a run has learned: its predictions beside the truth, and its metrics beside those of predictors that cost nothing.
import { useMemo, useState } from 'preact/hooks';
import { get, getText, type Experiment } from './api';
import { Chart, type Line } from './chart';
import { words } from './curves';
import { number } from './format';
import { Card, Fault, useLoad } from './parts';
import { parseRows } from './table';

type Scores = Record<string, unknown> & { target: string; confusion?: number[][] };
interface Report {
  metrics: Record<string, Scores[]>;
  baselines: Record<string, Record<string, Scores[]> | null> | null;
}

interface Predictions {
  targets: string[];
  x: number[];
  truth: (number | null)[][];
  predicted: (number | null)[][];
  split: number | null;
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
  const firstTest = order.findIndex(({ row }) => row[0] === 'test');
  const mixed = order.slice(Math.max(firstTest, 0)).some(({ row }) => row[0] !== 'test');
  return {
    targets,
    x: order.map((one) => one.x),
    truth: targets.map((name) => pick(at(name))),
    predicted: targets.map((name) => pick(at(`${name}_predicted`))),
    split: firstTest > 0 && !mixed ? (order[firstTest - 1]!.x + order[firstTest]!.x) / 2 : null,
  };
}

export function PredictionCard({ run }: { run: Experiment }) {
  const { value, error } = useLoad(() => getText(`/experiments/${run.id}/predictions`).then(readPredictions), [run.id]);
  const [target, setTarget] = useState(0);
  const lines = useMemo<Line[]>(() => value ? [
    { label: 'truth', values: value.truth[target] ?? [], color: '--series-4', width: 2.5 },
    { label: 'prediction', values: value.predicted[target] ?? [], color: '--series-1', dash: [6, 4] },
  ] : [], [value, target]);
  const aside = value && value.targets.length > 1 ? (
    <label><span class="unseen">Target</span>
      <select value={target} onChange={(e) => setTarget(Number(e.currentTarget.value))}>
        {value.targets.map((name, i) => <option key={name} value={i}>{name}</option>)}
      </select>
    </label>
  ) : null;
  return (
    <Card title="Prediction and truth" aside={aside} id="predictions">
      <Fault error={error} />
      {value && value.x.length > 0 ? (
        <Chart title={`${value.targets[target] ?? 'target'}: prediction and truth`} x={value.x} lines={lines} xLabel="row of the data"
          summary={`${value.x.length} samples. All values: download predictions.csv`}
          split={value.split === null ? undefined : { at: value.split, before: 'train', after: 'test' }} />
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
      <table class="confusion">
        <caption>Confusion: rows are the truth, columns what was predicted</caption>
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

export function ReportCard({ run }: { run: Experiment }) {
  const { value: report, error } = useLoad(() => get<Report>(`/experiments/${run.id}/report`), [run.id]);
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
      {scores.length === 0 ? <p class="soft pad">The report has no metrics of this task.</p> : null}
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
