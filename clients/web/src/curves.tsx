// The curves of a run: losses, or any other metric, by epoch.
import { useMemo, useState } from 'preact/hooks';
import { Chart, SERIES, type Line } from './chart';
import { number } from './format';
import { smooth, type Table } from './table';

const PARTS = ['train', 'validation', 'test'];

/** {"loss": ["train_loss", "test_loss"], "gradient_norm": ["gradient_norm"]}: columns that belong in one picture. */
export function groups(names: string[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const name of names) {
    if (name === 'epoch') continue;
    const part = PARTS.find((one) => name.startsWith(`${one}_`));
    const group = part ? name.slice(part.length + 1) : name;
    found.set(group, [...(found.get(group) ?? []), name]);
  }
  return found;
}

export const words = (name: string) => name.replace(/_/g, ' ');

const lastOf = (values: (number | null)[]) => values.findLast((value) => value !== null) ?? null;

export function CurveControls(props: {
  names: string[]; group: string; setGroup: (name: string) => void; log: boolean; setLog: (on: boolean) => void;
  weight: number; setWeight: (weight: number) => void;
}) {
  return (
    <>
      <label>
        <span class="unseen">Metric</span>
        <select value={props.group} onChange={(e) => props.setGroup(e.currentTarget.value)}>
          {[...groups(props.names).keys()].map((name) => <option key={name} value={name}>{words(name)}</option>)}
        </select>
      </label>
      <label class="check"><input type="checkbox" checked={props.log} onChange={(e) => props.setLog(e.currentTarget.checked)} />log scale</label>
      <label class="range">
        smoothing
        <input type="range" min="0" max="0.98" step="0.02" value={props.weight} aria-valuetext={String(props.weight)}
          onInput={(e) => props.setWeight(Number(e.currentTarget.value))} />
      </label>
    </>
  );
}

export function useCurveControls() {
  const [group, setGroup] = useState('loss');
  const [log, setLog] = useState(true);
  const [weight, setWeight] = useState(0);
  return { group, setGroup, log, setLog, weight, setWeight };
}

export function Curves({ metrics, controls, over }: { metrics: Table; over: boolean; controls: ReturnType<typeof useCurveControls> }) {
  const { group, log, weight } = controls;
  const x = metrics.columns[0] as number[];
  const lines = useMemo<Line[]>(() => {
    const names = groups(metrics.names).get(group) ?? [];
    return names.map((name, i) => ({
      label: words(name), color: SERIES[i % SERIES.length]!,
      values: smooth(metrics.columns[metrics.names.indexOf(name)]!, weight),
    }));
  }, [metrics, group, weight]);
  const summary = `${x.length} epochs. ` + lines.map((line) => `${line.label}: last ${number(lastOf(line.values))}`).join(', ');
  if (x.length === 0) return <p class="soft pad">{over ? 'No epoch was finished.' : 'The first epoch has not ended yet.'}</p>;
  return <Chart title={`${words(group)} by epoch`} summary={summary} x={x} lines={lines} xLabel="epoch" log={log} height={300} />;
}
