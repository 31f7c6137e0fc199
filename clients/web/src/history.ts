// The epochs of one experiment: what there was, then each as it happens.
import { useEffect, useRef, useState } from 'preact/hooks';
import { AGAIN, eventsBefore, follow, get, getText, passing, type Experiment, type RunEvent } from './api';
import { parseMetrics, type Table } from './table';

export interface History {
  run?: Experiment;
  metrics: Table;
  events: RunEvent[]; // without epochs
  error?: unknown;
  live: boolean;
  lost: boolean; // it would be live, and nobody answers
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
  const state = useRef<History>({ metrics: nothing(), events: [], live: false, lost: false });

  useEffect(() => {
    let over = false, planned = 0, again = 0, stop = () => {};
    if (turn === 0) state.current = { metrics: nothing(), events: [], live: false, lost: false };
    const show = () => {
      planned ||= window.setTimeout(() => {
        planned = 0;
        const { metrics } = state.current; // charts look at identities
        state.current.metrics = { names: metrics.names, columns: metrics.columns.map((c) => c.slice()) };
        if (!over) paint((n) => n + 1);
      }, Math.max(200, state.current.metrics.columns[0]!.length / 100));
    };
    const loadRun = async () => {
      const run = await get<Experiment>(`/experiments/${id}`);
      if (!over) Object.assign(state.current, { run, error: undefined });
      show();
      return run;
    };
    const restart = () => {
      if (!over) again = window.setTimeout(() => setTurn((n) => n + 1), AGAIN);
    };
    const connection = (live: boolean, lost: boolean) => {
      Object.assign(state.current, { live, lost });
      show();
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
      connection(!run.terminal, false);
      if (run.terminal || over) return;
      stop = follow(id, after, {
        happened,
        open: () => {
          if (state.current.lost) loadRun().catch(() => {}); // what became of it meanwhile
          connection(true, false);
        },
        lost: () => connection(false, true),
        ended: () => {
          connection(false, false);
          loadRun().then((now) => now.terminal || restart(), restart);
        },
      });
    };
    start().catch((error) => {
      if (over) return;
      state.current.error = error;
      show();
      if (passing(error)) restart();
    });
    return () => {
      over = true;
      clearTimeout(planned);
      clearTimeout(again);
      stop();
    };
  }, [id, turn]);
  return { ...state.current, reload: () => setTurn((n) => n + 1) };
}
