// What predictors that cost nothing say of the rows that a forecasting predicts, as the report's baselines do, to be drawn.
import type { Spec } from './api';

export interface Baseline {
  name: 'last value' | 'seasonal naive' | 'linear';
  values: (number | null)[];
}

const MAX_WINDOW = 200; // for the line: its work grows by the square

/** Least squares of 1 and the inputs, by normal equations; a direction that says nothing new has the weight 0. */
export function fitLine(inputs: number[][], targets: number[]): number[] {
  const n = (inputs[0]?.length ?? 0) + 1;
  const rows = inputs.map((row) => [1, ...row]);
  const mean = Array.from({ length: n }, (_, j) => (j === 0 ? 0 : rows.reduce((sum, row) => sum + row[j]!, 0) / rows.length));
  const a = Array.from({ length: n }, () => new Float64Array(n + 1));
  rows.forEach((row, i) => {
    for (let j = 0; j < n; j++) {
      const left = row[j]! - mean[j]!;
      for (let k = 0; k < n; k++) a[j]![k]! += left * (row[k]! - mean[k]!);
      a[j]![n]! += left * targets[i]!;
    }
  });
  const most = Math.max(...a.map((row, j) => row[j]!));
  const weights = new Array<number>(n).fill(0);
  const used: number[] = [];
  const left = new Set(a.keys());
  while (left.size > 0) {
    const pivot = [...left].reduce((best, j) => (a[j]![j]! > a[best]![best]! ? j : best));
    left.delete(pivot);
    const row = a[pivot]!;
    if (row[pivot]! <= most * 1e-12) continue;
    used.push(pivot);
    for (let j = 0; j < n; j++) {
      if (j === pivot) continue;
      const factor = a[j]![pivot]! / row[pivot]!;
      if (factor !== 0) for (let k = 0; k <= n; k++) a[j]![k]! -= factor * row[k]!;
    }
  }
  for (const j of used) weights[j] = a[j]![n]! / a[j]![j]!;
  weights[0]! -= weights.reduce((sum, weight, j) => sum + weight * mean[j]!, 0);
  return weights;
}

/** Of the target whose values are `series`: `at` are the rows that are predicted, `trained` which of them belong to the part
 * that was trained on. The line is there where the target is the only input. */
export function baselines(spec: Spec, series: (number | null)[], at: number[], trained: boolean[], alone: boolean): Baseline[] {
  const { window = 1 } = spec.data;
  const horizon = Number(spec.data.horizon ?? 1), period = Number(spec.data.period ?? 0);
  const before = (rows: number) => at.map((row) => series[row - rows] ?? null);
  const found: Baseline[] = [{ name: 'last value', values: before(horizon) }];
  if (period > 0) found.push({ name: 'seasonal naive', values: before(period * Math.ceil(horizon / period)) });
  if (!alone || window > MAX_WINDOW) return found;
  const windows = at.map((row) => series.slice(Math.max(0, row - horizon - window + 1), row - horizon + 1));
  const whole = (i: number) => windows[i]!.length === window && windows[i]!.every((value) => value !== null);
  const learned = [...at.keys()].filter((i) => trained[i] && whole(i) && series[at[i]!] !== null && series[at[i]!] !== undefined);
  if (learned.length === 0) return found;
  const weights = fitLine(learned.map((i) => windows[i] as number[]), learned.map((i) => series[at[i]!]!));
  const say = (i: number) => weights.reduce((sum, weight, j) => sum + weight * (j === 0 ? 1 : windows[i]![j - 1]!), 0);
  return [...found, { name: 'linear', values: [...at.keys()].map((i) => (whole(i) ? say(i) : null)) }];
}
