// Data sets: uploading a file, what the service understood of it, and how it looks.
import { useMemo, useState } from 'preact/hooks';
import { get, request, type Dataset, type Session } from './api';
import { Chart, SERIES, type Line } from './chart';
import { loadTable, tooLarge } from './content';
import { ago, bytes, count, number } from './format';
import { Card, Fault, Field, useLoad, useTitle } from './parts';
import { go, link } from './route';

// What may be said of a file where the service cannot know it: the query parameters of POST /datasets.
const READING: [string, string, string][] = [
  ['separator', 'found', ', ; | tab blanks none'], ['decimal', 'found', '. or ,'], ['thousands', 'none', ", . ' blank none"],
  ['header', 'found', 'true, false, or how many lines'], ['skip_rows', '0', 'lines at the start to leave out'],
  ['comment', 'none', 'lines that begin with it are left out'], ['encoding', 'found', 'utf-8 utf-16le utf-16be latin-1'],
  ['missing', '', 'more words for a missing value, with commas'], ['sheet', 'the first', 'of a spreadsheet'],
  ['text', 'none', 'texts: labelled, tagged, lines or pairs'], ['symbols', 'none', 'sequences of letters: the alphabet, or found'],
  ['symbols_as', 'one_hot', 'one_hot, index or positions'], ['pad', 'false', 'true: sequences of several lengths'],
  ['labels', 'found', 'of symbols: in the order of their classes, with commas'], ['turned', 'found', 'true: the last line is the first row'],
];

function Upload() {
  const [file, setFile] = useState<File | null>(null);
  const [name, setName] = useState('');
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const [over, setOver] = useState(false);
  const choose = (chosen: File | undefined) => {
    if (!chosen) return;
    setFile(chosen);
    setError(null);
    if (name === '') setName(chosen.name.replace(/\.gz$/i, '').replace(/\.[^.]*$/, ''));
  };
  const send = async (event: Event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const params = new URLSearchParams({ name });
    for (const [option] of READING) {
      const value = String(form.get(option) ?? '');
      if (value !== '') params.set(option, value);
    }
    setBusy(true);
    setError(null);
    try {
      const type = /\.(csv|tsv|txt|dat)$/i.test(file!.name) ? 'text/csv' : 'application/octet-stream';
      const reply = await request('POST', `/datasets?${params}`, { body: file!, headers: { 'Content-Type': type } });
      go(link(`data/${(await reply.json()).id}`));
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };
  return (
    <Card title="Upload a file">
      <form class="pad" onSubmit={send}>
        <label class={`drop ${over ? 'over' : ''}`}
          onDragOver={(e) => { e.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)}
          onDrop={(e) => { e.preventDefault(); setOver(false); choose(e.dataTransfer?.files[0]); }}>
          <input type="file" aria-label="File" onChange={(e) => choose(e.currentTarget.files?.[0])} />
          <span class="soft">{file ? `${file.name}, ${bytes(file.size)}` : 'CSV or text, XLSX, npy, IDX or weights as safetensors; packed by gzip too. Choose one or drop it here.'}</span>
        </label>
        <Field label="Name"><input required value={name} maxLength={200} onInput={(e) => setName(e.currentTarget.value)} /></Field>
        <details class="reading">
          <summary>How the file is to be read</summary>
          <div class="fields">
            {READING.map(([option, usual, hint]) => (
              <Field key={option} label={option.replace(/_/g, ' ')} hint={hint}><input name={option} placeholder={usual} autocomplete="off" /></Field>
            ))}
          </div>
        </details>
        <Fault error={error} />
        <button class="primary" disabled={busy || !file || name === ''}>{busy ? 'Uploading …' : 'Upload'}</button>
      </form>
    </Card>
  );
}

function Columns({ set }: { set: Dataset }) {
  const shown = set.columns.slice(0, 100);
  return (
    <Card title={`Columns (${count(set.columns.length)})`}>
      <div class="table-place columns" tabIndex={0} role="region" aria-label="Columns">
        <table>
          <thead><tr><th scope="col">name</th><th scope="col">type</th><th scope="col" class="num">smallest</th><th scope="col" class="num">largest</th><th scope="col" class="num">missing</th></tr></thead>
          <tbody>
            {shown.map((one) => (
              <tr key={one.name}>
                <th scope="row">{one.name}</th>
                <td>{one.type ?? (one.numeric ? 'number' : 'text')}{one.constant ? ', constant' : ''}</td>
                <td class="num">{number(one.minimum)}</td><td class="num">{number(one.maximum)}</td><td class="num">{one.missing ?? 0}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {set.columns.length > shown.length ? <p class="soft pad">The first {shown.length} of {set.columns.length}.</p> : null}
    </Card>
  );
}

function Understood({ set }: { set: Dataset }) {
  const { dialect, notes, preview, dtype, shape, compression } = set.description;
  const said: [string, string][] = Object.entries(dialect ?? {}).filter(([, value]) => value !== false && value !== '' && value !== 'none').map(([name, value]) => [name.replace(/_/g, ' '), value === true ? 'yes' : String(value)]);
  if (dtype) said.push(['dtype', dtype]);
  if (shape) said.push(['shape', shape.join(' × ')]);
  if (compression) said.push(['packed by', compression]);
  if (said.length === 0 && !preview) return null;
  const names = set.columns.slice(0, preview?.[0]?.length ?? 0).map((one) => one.name);
  return (
    <Card title="What was understood">
      <dl class="facts pad">{said.map(([name, value]) => <div key={name}><dt>{name}</dt><dd><code>{value}</code></dd></div>)}</dl>
      {notes?.map((note) => <p class="warning" key={note}>{note}</p>)}
      {preview ? (
        <div class="table-place" tabIndex={0} role="region" aria-label="The first rows">
          <table><caption>The first rows</caption>
            <thead><tr>{names.map((name) => <th scope="col" key={name}>{name}</th>)}</tr></thead>
            <tbody>{preview.map((row, i) => <tr key={i}>{row.map((cell, j) => <td key={j} class="nowrap">{cell ?? <span class="soft">missing</span>}</td>)}</tr>)}</tbody>
          </table>
        </div>
      ) : null}
    </Card>
  );
}

/** A column of times or of numbers of rows. */
const rises = (values: (number | null)[]) => values.every((value, i) => i === 0 || value === null || value >= (values[i - 1] ?? -Infinity));

function Plot({ set }: { set: Dataset }) {
  const { value: table, error } = useLoad(() => loadTable(set), [set.id]);
  const numeric = set.columns.filter((one) => one.numeric).map((one) => one.name);
  const [picked, setChosen] = useState<string[] | null>(null);
  const first = useMemo(() => (table ? numeric.find((name) => !rises(table.columns[table.names.indexOf(name)] ?? [])) ?? numeric[0] : undefined), [table]);
  const chosen = useMemo(() => picked ?? (first === undefined ? [] : [first]), [picked, first]);
  const lines = useMemo<Line[]>(() => (table ? chosen.map((name) => ({
    label: name, values: table.columns[table.names.indexOf(name)] ?? [], color: SERIES[numeric.indexOf(name) % SERIES.length]!,
  })) : []), [table, chosen]);
  const x = useMemo(() => Array.from({ length: table?.columns[0]?.length ?? 0 }, (_, i) => i), [table]);
  if (numeric.length === 0) return null;
  if (tooLarge(set)) return <p class="soft">The data set is too large to be plotted here.</p>;
  if (error) return <Fault error={error} />;
  return (
    <Card title="Plot">
      {numeric.length > 1 ? (
        <div class="choices pad" role="group" aria-label="Columns to plot">
          {numeric.slice(0, 24).map((name) => (
            <label class="check" key={name}>
              <input type="checkbox" checked={chosen.includes(name)} onChange={(e) => setChosen(e.currentTarget.checked ? [...chosen, name] : chosen.filter((one) => one !== name))} />{name}
            </label>
          ))}
        </div>
      ) : null}
      {table && x.length > 0 ? <Chart title={`Values of ${chosen.join(', ')}`} summary={`${x.length} rows`} x={x} lines={lines} xLabel="row" height={280} /> : null}
    </Card>
  );
}

function One({ name, session }: { name: string; session: Session }) {
  const { value: set, error } = useLoad(() => get<Dataset>(`/datasets/${encodeURIComponent(name)}`), [name]);
  const [refused, setRefused] = useState<unknown>(null);
  useTitle(set?.name ?? 'Data set');
  if (!set) return <><h1>Data set</h1><Fault error={error} /></>;
  const remove = async () => {
    if (!confirm(`Delete the data set ${set.name}?`)) return;
    try {
      await request('DELETE', `/datasets/${set.id}`);
      go(link('data'));
    } catch (fault) {
      setRefused(fault);
    }
  };
  return (
    <>
      <div class="page-head">
        <div>
          <h1>{set.name}</h1>
          <p class="soft">{set.summary ? `${set.summary}; ` : ''}{set.builtin ? 'built in' : `${set.kind}, ${bytes(set.bytes)}, uploaded ${ago(set.created_at)}`}; {count(set.rows)} rows</p>
        </div>
        <div class="actions">
          {set.kind === 'safetensors' ? null : <a class="button primary" href={link('new', { data: set.name })}>Train on it</a>}
          <a class="button" href={`/datasets/${set.id}/content`} download={set.name}>Download</a>
          {set.kind === 'csv' || set.kind === 'series' ? null : <a class="button" href={`/datasets/${set.id}/export`} download={`${set.name}.csv`}>As CSV</a>}
          {!set.builtin && session.scope !== 'read' ? <button type="button" class="danger" onClick={remove}>Delete</button> : null}
        </div>
      </div>
      <Fault error={refused} />
      <Plot set={set} />
      <Understood set={set} />
      <Columns set={set} />
    </>
  );
}

function All({ session }: { session: Session }) {
  const { value, error } = useLoad(() => get<{ datasets: Dataset[] }>('/datasets'), []);
  const sets = [...(value?.datasets ?? [])].sort((a, b) => Number(a.builtin) - Number(b.builtin));
  return (
    <>
      <h1>Data sets</h1>
      <Fault error={error} />
      {session.scope !== 'read' ? <Upload /> : null}
      {sets.length > 0 ? (
        <div class="card table-place">
          <table class="runs sets">
            <caption class="unseen">Uploads, newest first, then built-in series</caption>
            <thead><tr><th scope="col">Name</th><th scope="col">Kind</th><th scope="col" class="num">Rows</th><th scope="col" class="num">Columns</th><th scope="col" class="num">Size</th><th scope="col">Made</th></tr></thead>
            <tbody>
              {sets.map((set) => (
                <tr key={set.id}>
                  <td class="cell-name"><a href={link(`data/${set.id}`)}>{set.name}</a>{set.summary ? <span class="soft">{set.summary}</span> : null}</td>
                  <td data-label="Kind">{set.builtin ? 'built in' : set.kind}</td>
                  <td data-label="Rows" class="num">{count(set.rows)}</td>
                  <td data-label="Columns" class="num">{count(set.columns.length)}</td>
                  <td data-label="Size" class="num">{bytes(set.bytes)}</td>
                  <td data-label={set.created_at ? 'Made' : undefined} class="soft nowrap">{set.created_at ? ago(set.created_at) : ''}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
    </>
  );
}

export function Data({ name, session }: { name?: string; session: Session }) {
  return name ? <One key={name} name={name} session={session} /> : <All session={session} />;
}
