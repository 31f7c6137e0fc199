// Small pieces of pages.
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { AGAIN, isPrediction, passing, Refusal, type Experiment, type Status } from './api';
import { count } from './format';

export function Badge({ status }: { status: Status }) {
  return <span class={`badge badge-${status}`}>{status}</span>;
}

export function Progress({ run }: { run: Experiment }) {
  const { epoch, epochs } = run.progress;
  if (isPrediction(run)) return <span class="progress-text">predictions of {count(run.data.test)} samples</span>;
  const part = epochs > 0 ? epoch / epochs : 0;
  return (
    <span class="progress">
      <progress max={epochs} value={epoch} aria-label={`epoch ${epoch} of ${epochs}`} />
      <span class="progress-text">
        {run.terminal && epoch === epochs ? `${epochs} epochs` : `${epoch}/${epochs}`}
        {!run.terminal && epoch > 0 ? ` · ${Math.floor(100 * part)} %` : ''}
      </span>
    </span>
  );
}

export function Fault({ error }: { error: unknown }) {
  if (!error) return null;
  const message = error instanceof Refusal || error instanceof Error ? error.message : String(error);
  return <p class="fault" role="alert">{message}</p>;
}

export function Card({ title, children, aside, id }: { title: string; children: ComponentChildren; aside?: ComponentChildren; id?: string }) {
  return (
    <section class="card" aria-label={title} id={id}>
      <header class="card-head">
        <h2>{title}</h2>
        {aside ? <div class="card-aside">{aside}</div> : null}
      </header>
      {children}
    </section>
  );
}

export function Copy({ text, label = 'Copy' }: { text: string; label?: string }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement('textarea'); // where the page is not https
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand('copy');
      area.remove();
    }
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return <button type="button" class="small" onClick={copy} aria-live="polite">{done ? 'Copied' : label}</button>;
}

/** Text of a program, with a button that copies it. */
export function Code({ text, label }: { text: string; label: string }) {
  return (
    <div class="code">
      <div class="code-head"><span>{label}</span><Copy text={text} /></div>
      <pre tabIndex={0} role="region" aria-label={label}>{text}</pre>
    </div>
  );
}

/** Calls `fn` every `ms` while the page is seen; null: not at all. */
export function useEvery(ms: number | null, fn: () => void) {
  const last = useRef(fn);
  last.current = fn;
  useEffect(() => {
    if (ms === null) return;
    const timer = setInterval(() => document.visibilityState === 'visible' && last.current(), ms);
    return () => clearInterval(timer);
  }, [ms]);
}

/** What the window is called, as long as the page is there. */
export function useTitle(title: string) {
  useEffect(() => {
    document.title = `${title} · qlstmd`;
  }, [title]);
}

/** The result of `load`, again whenever one of `inputs` changes or where nobody answered; `reload` asks once more. */
export function useLoad<T>(load: () => Promise<T>, inputs: unknown[]): { value?: T; error?: unknown; reload: () => void } {
  const [state, setState] = useState<{ value?: T; error?: unknown }>({});
  const turn = useRef(0), again = useRef(0);
  const ask = () => {
    const mine = ++turn.current;
    clearTimeout(again.current);
    load().then(
      (value) => mine === turn.current && setState({ value }),
      (error) => {
        if (mine !== turn.current) return;
        setState((old) => ({ value: old.value, error }));
        if (passing(error)) again.current = window.setTimeout(ask, AGAIN);
      },
    );
  };
  useEffect(() => {
    setState({});
    ask();
    return () => {
      turn.current++;
      clearTimeout(again.current);
    };
  }, inputs);
  return { ...state, reload: ask };
}

/** A key for each of the rows: one that stays keeps its own, a new one takes that of one that has gone, and with it its
 * elements, so that another page of a list costs what is other in it and not a table made anew. */
export function takePlaces(before: Map<string, number>, ids: string[]): Map<string, number> {
  const staying = new Set(ids.map((id) => before.get(id)));
  const free = [...before.values()].filter((place) => !staying.has(place)).sort((a, b) => b - a);
  let next = Math.max(-1, ...before.values()) + 1;
  return new Map(ids.map((id) => [id, before.get(id) ?? free.pop() ?? next++]));
}

export function usePlaces(ids: string[]): Map<string, number> {
  const places = useRef(new Map<string, number>());
  return useMemo(() => (places.current = takePlaces(places.current, ids)), [ids.join()]);
}

export function Field({ label, children, hint }: { label: string; children: ComponentChildren; hint?: string }) {
  return (
    <label class="field">
      <span class="field-label">{label}</span>
      {children}
      {hint ? <small>{hint}</small> : null}
    </label>
  );
}
