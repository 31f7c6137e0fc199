// A line chart on uPlot, in the page's colours, as wide as its place.
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

export interface Line {
  label: string;
  values: (number | null)[];
  color: string; // a CSS variable: "--series-1"
  dash?: number[];
  width?: number;
  band?: [(number | null)[], (number | null)[]]; // lower and upper edge
  hidden?: boolean;
}

export interface ChartProps {
  title: string; // for those who do not see it, with `summary`
  summary?: string;
  x: number[];
  lines: Line[];
  xLabel: string;
  yLabel?: string;
  log?: boolean;
  height?: number;
  time?: boolean;
  splits?: { at: number; before: string; after: string }[];
}

/** Epochs and rows have no parts. */
const WHOLE = Array.from({ length: 10 }, (_, i) => [1, 2, 5].map((n) => n * 10 ** i)).flat();

const dark = matchMedia('(prefers-color-scheme: dark)');

/** Raised whenever the colours change. */
function useTheme(): number {
  const [theme, setTheme] = useState(0);
  useEffect(() => {
    const changed = () => setTheme((n) => n + 1);
    dark.addEventListener('change', changed);
    return () => dark.removeEventListener('change', changed);
  }, []);
  return theme;
}

const positive = (values: (number | null)[]) => values.map((v) => (v !== null && v > 0 ? v : null));

function dataOf({ x, lines, log }: ChartProps): uPlot.AlignedData {
  const rows: (number | null)[][] = [];
  for (const line of lines) {
    rows.push(log ? positive(line.values) : line.values);
    for (const edge of line.band ?? []) rows.push(log ? positive(edge) : edge);
  }
  return [x, ...rows] as uPlot.AlignedData;
}

const short = (value: number): string => {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e5 || size < 1e-3)) return value.toExponential(Number.isInteger(Math.log10(size)) ? 0 : 1).replace('e+', 'e');
  return String(Number(value.toPrecision(6)));
};

/** Where parts meet. Each is named once, behind its beginning, and the first before its end; not where it is too narrow. */
function drawSplit(chart: uPlot, splits: NonNullable<ChartProps['splits']>, i: number, color: string) {
  const { ctx } = chart, split = splits[i]!, next = splits[i + 1];
  const position = (x: number) => Math.round(chart.valToPos(x, 'x', true));
  const { left, top, width, height } = chart.bbox, right = left + width;
  const at = position(split.at);
  if (at < left || at > right) return;
  const ratio = devicePixelRatio || 1, gap = 6 * ratio;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = color;
  ctx.lineWidth = ratio;
  ctx.setLineDash([5 * ratio, 4 * ratio]);
  ctx.beginPath();
  ctx.moveTo(at, top);
  ctx.lineTo(at, top + height);
  ctx.stroke();
  ctx.font = `${12 * ratio}px system-ui, sans-serif`;
  ctx.textBaseline = 'top';
  const fits = (text: string, room: number) => ctx.measureText(text).width + gap < room;
  ctx.textAlign = 'right';
  if (i === 0 && fits(split.before, at - left)) ctx.fillText(split.before, at - gap, top + 4 * ratio);
  ctx.textAlign = 'left';
  if (fits(split.after, (next ? Math.min(position(next.at), right) : right) - at)) ctx.fillText(split.after, at + gap, top + 4 * ratio);
  ctx.restore();
}

function optionsOf(props: ChartProps, width: number): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const axis: uPlot.Axis = {
    stroke: color('--text-soft'),
    grid: { stroke: color('--line'), width: 1 },
    ticks: { stroke: color('--line'), width: 1 },
    font: '12px system-ui, sans-serif',
    labelFont: '12px system-ui, sans-serif',
    labelSize: 20,
  };
  const series: uPlot.Series[] = [
    props.time ? { label: props.xLabel } : { label: props.xLabel, value: (_, v) => (v === null ? '–' : String(v)) },
  ];
  const bands: uPlot.Band[] = [];
  const value = (_: uPlot, v: number | null) => (v === null || v === undefined ? '–' : String(Number(v.toPrecision(5))));
  for (const line of props.lines) {
    const stroke = color(line.color);
    series.push({ label: line.label, stroke, width: line.width ?? 1.75, dash: line.dash, points: { show: props.x.length < 2 }, spanGaps: true, show: !line.hidden, value });
    if (line.band) {
      const edge = { class: 'unseen', stroke: 'transparent', width: 0, points: { show: false }, value };
      series.push({ label: `${line.label}, smallest`, ...edge }, { label: `${line.label}, largest`, ...edge });
      bands.push({ series: [series.length - 1, series.length - 2], fill: `${stroke}2b` });
    }
  }
  const splits = props.splits ?? [];
  return {
    width,
    height: props.height ?? 300,
    series,
    bands,
    scales: { x: { time: props.time ?? false }, y: props.log ? { distr: 3 } : {} },
    axes: [
      { ...axis, label: props.xLabel, size: 38, ...(props.time ? {} : { incrs: WHOLE, values: (_: uPlot, ticks: number[]) => ticks.map(short) }) },
      {
        ...axis, label: props.yLabel, size: 62,
        values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : short(tick))),
      },
    ],
    cursor: { drag: { x: true, y: false }, points: { size: 7 } },
    legend: { live: true },
    hooks: { draw: [(chart) => splits.forEach((_, i) => drawSplit(chart, splits, i, color('--text-soft')))] },
  };
}

/** The names of lines as buttons: a click, Enter or a blank shows or hides a line. */
function makeButtons(root: HTMLElement) {
  const names = root.querySelectorAll<HTMLElement>('.u-series:not(:first-child, .unseen) .u-label');
  if (names.length < 2) return;
  for (const name of names) {
    const say = () => name.setAttribute('aria-pressed', String(!name.closest('.u-off')));
    name.tabIndex = 0;
    name.setAttribute('role', 'button');
    say();
    name.parentElement!.addEventListener('click', say);
    name.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      name.click();
    });
  }
}

/** What the lines say at one place, to be heard. */
function spoken({ x, xLabel, lines }: ChartProps, at: number): string {
  const say = (value: number | null | undefined) => (value === null || value === undefined ? 'nothing' : String(Number(value.toPrecision(5))));
  return `${xLabel} ${x[at]}: ${lines.map((line) => `${line.label} ${say(line.values[at])}`).join(', ')}`;
}

/** The chart's cursor by the keys of a slider. */
function Along({ props, chart }: { props: ChartProps; chart: { current: uPlot | null } }) {
  const last = props.x.length - 1;
  const [chosen, setChosen] = useState<number | null>(null);
  const at = Math.min(chosen ?? last, last);
  const point = (to: number | null) => {
    setChosen(to);
    chart.current?.setCursor(to === null ? { left: -10, top: -10 } : { left: chart.current.valToPos(props.x[to]!, 'x'), top: 0 });
  };
  if (last < 1) return null;
  return (
    <input type="range" class="unseen" min={0} max={last} value={at} aria-label={`Values along ${props.title}`} aria-valuetext={spoken(props, at)}
      onInput={(e) => point(Number(e.currentTarget.value))} onFocus={() => point(at)} onBlur={() => point(null)} />
  );
}

export function Chart(props: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const theme = useTheme();
  const shape = JSON.stringify([
    theme, props.lines.map((l) => [l.label, l.color, l.dash, l.band !== undefined, l.hidden]), props.log, props.splits, props.xLabel,
    props.yLabel, props.height, props.time, props.x.length < 2,
  ]);

  useEffect(() => {
    const node = place.current!;
    const made = new uPlot(optionsOf(props, node.clientWidth), dataOf(props), node);
    made.root.querySelector('.u-wrap')!.setAttribute('role', 'img');
    made.root.querySelector('.u-legend')!.setAttribute('aria-label', 'Lines');
    makeButtons(made.root);
    chart.current = made;
    const watch = new ResizeObserver(() => {
      if (node.clientWidth !== made.width) made.setSize({ width: node.clientWidth, height: props.height ?? 300 });
    });
    watch.observe(node);
    return () => {
      watch.disconnect();
      made.destroy();
      chart.current = null;
    };
  }, [shape]);

  useEffect(() => {
    chart.current?.setData(dataOf(props));
  }, [props.x, props.lines, props.log]);

  const said = `${props.title}. ${props.summary ?? ''}`;
  useEffect(() => chart.current?.root.querySelector('.u-wrap')!.setAttribute('aria-label', said), [said, shape]);

  return (
    <figure class="chart">
      <div ref={place} class="chart-place" />
      <Along props={props} chart={chart} />
    </figure>
  );
}

export const SERIES = ['--series-1', '--series-2', '--series-3', '--series-4', '--series-5', '--series-6', '--series-7', '--series-8'];
