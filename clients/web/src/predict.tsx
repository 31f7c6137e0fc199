// Asking a trained model about new inputs.
import { useEffect, useState } from 'preact/hooks';
import { get, post, request, type Dataset, type Experiment, type Session } from './api';
import { number } from './format';
import { Card, Fault, Field, useLoad } from './parts';
import { loadTable } from './content';
import { go, link } from './route';

interface Predicted {
  targets: (string | number)[];
  outputs: number[][];
  horizons?: number[];
  classes?: number[];
  probabilities?: number[][];
}

/** The last rows of the data: what a model is asked about first. */
async function lastRows(run: Experiment): Promise<string> {
  const { data } = run.spec;
  const set = await get<Dataset>(`/datasets/${encodeURIComponent(data.dataset)}`);
  const names = (data.inputs ?? []).map((one) => (typeof one === 'number' ? (set.columns[one]?.name ?? String(one)) : one));
  const count = data.task === 'forecasting' ? (data.window ?? 1) : 1;
  const head = names.map((name) => (/[",\n]/.test(name) ? `"${name.replace(/"/g, '""')}"` : name)).join(',');
  const table = await loadTable(set).catch(() => null);
  const columns = names.map((name) => table?.columns[table.names.indexOf(name)] ?? []);
  const rows = (columns[0] ?? []).length;
  const lines = Array.from({ length: Math.min(count, rows) }, (_, i) => columns.map((c) => c[rows - Math.min(count, rows) + i] ?? '').join(','));
  return [head, ...lines].join('\n') + '\n';
}

function Answer({ answer }: { answer: Predicted }) {
  const shown = answer.outputs.slice(0, 100);
  const columns = answer.horizons ? answer.horizons.flatMap((rows) => answer.targets.map((name) => `${name}, ${rows} ahead`)) : answer.targets.map(String);
  return (
    <div class="table-place" tabIndex={0} role="region" aria-label="Answer">
      <table>
        <caption>{answer.outputs.length > shown.length ? `The first 100 of ${answer.outputs.length} samples` : 'Prediction'}</caption>
        <thead><tr><th scope="col">sample</th>{columns.map((name) => <th scope="col" class="num" key={name}>{name}</th>)}
          {answer.classes?.map((c) => <th scope="col" class="num" key={c}>P({c})</th>)}</tr></thead>
        <tbody>
          {shown.map((row, i) => (
            <tr key={i}><th scope="row">{i}</th>{row.map((v, j) => <td class="num strong" key={j}>{number(v, 7)}</td>)}
              {answer.probabilities?.[i]?.map((p, j) => <td class="num" key={j}>{number(p, 3)}</td>)}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** All rows of a data set, by an experiment of its own; not where words are drawn. */
export function WholeSet({ run, session }: { run: Experiment; session: Session }) {
  const { value } = useLoad(() => get<{ datasets: Dataset[] }>('/datasets'), []);
  const [error, setError] = useState<unknown>(null);
  const ask = async (event: Event) => {
    event.preventDefault();
    const dataset = String(new FormData(event.currentTarget as HTMLFormElement).get('dataset'));
    await post<Experiment>(`/experiments/${run.id}/predictions`, { dataset }).then((made) => go(link(`run/${made.id}`)), setError);
  };
  if (session.scope === 'read' || run.spec.data.task === 'words') return null;
  const sets = (value?.datasets ?? []).filter((set) => set.kind !== 'safetensors').sort((a, b) => Number(a.builtin) - Number(b.builtin));
  return (
    <form class="pad" onSubmit={ask}>
      <Field label="All rows of a data set" hint="An experiment of its own, in the queue; with metrics where the data hold the truth.">
        <select name="dataset">{sets.map((set) => <option key={set.id} value={set.id} selected={[set.name, set.id].includes(run.spec.data.dataset)}>{set.name}</option>)}</select>
      </Field>
      <button disabled={sets.length === 0}>Predict them all</button>
      <Fault error={error} />
    </form>
  );
}

export function PredictCard({ run, session }: { run: Experiment; session: Session }) {
  const [text, setText] = useState('');
  const [answer, setAnswer] = useState<Predicted | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const forecasting = run.spec.data.task === 'forecasting';
  useEffect(() => {
    lastRows(run).then(setText, () => {});
  }, [run.id]);
  const ask = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      const reply = await request('POST', `/experiments/${run.id}/predict`, { body: text, headers: { 'Content-Type': 'text/csv' } });
      setAnswer(await reply.json());
    } catch (refused) {
      setAnswer(null);
      setError(refused);
    }
    setBusy(false);
  };
  return (
    <Card title="Try a prediction" id="predict">
      <form class="pad" onSubmit={ask}>
        <label class="field">
          <span class="field-label">Inputs as CSV</span>
          <textarea rows={6} spellcheck={false} value={text} onInput={(e) => setText(e.currentTarget.value)} />
          <small>
            {forecasting
              ? `Every ${run.spec.data.window} rows that follow one another are a sample; these are the last ones of the data.`
              : 'Each row is a sample; this is the last one of the data.'}
          </small>
        </label>
        <button class="primary" aria-busy={busy} disabled={text.trim() === ''}>Predict</button>
      </form>
      <Fault error={error} />
      <div aria-live="polite">{answer ? <Answer answer={answer} /> : null}</div>
      <WholeSet run={run} session={session} />
    </Card>
  );
}
