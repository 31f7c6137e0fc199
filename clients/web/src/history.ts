// The epochs of one experiment: what there was, then each as it happens.
import { useEffect, useRef, useState } from 'preact/hooks';
import { eventsBefore, follow, get, getText, type Experiment, type RunEvent } from './api';
import { parseMetrics, type Table } from './table';

export interface History {
  run?: Experiment;
  metrics: Table;
  events: RunEvent[]; // without epochs
  error?: unknown;
  live: boolean;
}

const nothing = (): Table => ({ names: ['epoch'], columns: [[]] });

/** Puts an epoch in its place: one that was reached again after a resume replaces what was behind it. */
export function addEpoch(metrics: Table, event: Record<string, unknown>): void {
  const epochs = metrics.columns[0]!;
  const epoch = event.epoch as number;
  while (epochs.length > 0 && epochs[epochs.length - 1]! >= epoch) for (const column of metrics.columns) column.pop();
  const before = epochs.length;
  for (const [name, value] of Object.entries(event)) {
    if (['id', 'type', 'at', 'attempt'].includes(name)) continue;
    let at = metrics.names.indexOf(name);
    if (at < 0) {
      at = metrics.names.push(name) - 1;
      metrics.columns.push(new Array(before).fill(null));
    }
    metrics.columns[at]!.push(typeof value === 'number' ? value : null);
  }
  for (const column of metrics.columns) if (column.length === before) column.push(null);
}

export function useHistory(id: string): History & { reload: () => void } {
  const [turn, setTurn] = useState(0);
  const [, paint] = useState(0);
  const state = useRef<History>({ metrics: nothing(), events: [], live: false });

  useEffect(() => {
    let over = false, planned = 0, stop = () => {};
    state.current = turn === 0 ? { metrics: nothing(), events: [], live: false } : { ...state.current, error: undefined };
    const show = () => {
      planned ||= window.setTimeout(() => {
        planned = 0;
        const { metrics } = state.current; // charts look at identities
        state.current.metrics = { names: metrics.names, columns: metrics.columns.map((c) => c.slice()) };
        if (!over) paint((n) => n + 1);
      }, 200);
    };
    const loadRun = async () => {
      const run = await get<Experiment>(`/experiments/${id}`);
      if (!over) state.current.run = run;
      show();
      return run;
    };
    const happened = (event: RunEvent) => {
      const { run } = state.current;
      if (event.type === 'epoch') {
        addEpoch(state.current.metrics, event);
        if (run) run.progress = { ...run.progress, epoch: event.epoch as number };
      } else {
        state.current.events = [...state.current.events, event];
        if (event.type === 'status') loadRun().catch(() => {});
      }
      show();
    };
    const start = async () => {
      await loadRun();
      const { events, after } = await eventsBefore(id);
      const metrics = parseMetrics(await getText(`/experiments/${id}/metrics?format=csv`));
      if (over) return;
      Object.assign(state.current, { events, metrics });
      const run = await loadRun();
      state.current.live = !run.terminal;
      if (!run.terminal && !over)
        stop = follow(id, after, happened, () => {
          state.current.live = false;
          loadRun().catch(() => {});
        });
    };
    start().catch((error) => {
      state.current.error = error;
      show();
    });
    return () => {
      over = true;
      clearTimeout(planned);
      stop();
    };
  }, [id, turn]);
  return { ...state.current, reload: () => setTurn((n) => n + 1) };
}
