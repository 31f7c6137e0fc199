// Models of texts: what one says about new ones, and about some of the test part.
import { useState } from 'preact/hooks';
import { get, getText, isPrediction, post, type Dataset, type Experiment, type Session } from './api';
import { number } from './format';
import { Card, Fault, useLoad } from './parts';
import { WholeSet } from './predict';
import { parseRows } from './table';

/** The tasks whose models are asked by texts. */
export const TEXTS = ['tagging', 'text_classification', 'translation'];

interface Tagged {
  tokens: string[];
  tags: string[];
  probabilities: number[];
}

export interface Told {
  outputs: (Tagged | string | string[])[];
  labels?: string[];
  probabilities?: number[][];
  log_probabilities?: number[];
}

/** Tokens with their tags; where the truth is known, what is another is marked. */
function Tokens({ tokens, tags, truth }: { tokens: string[]; tags: string[]; truth?: string[] }) {
  return (
    <span class="tokens">
      {tokens.map((token, i) => {
        const wrong = truth !== undefined && truth[i] !== tags[i];
        return <span key={i}>{token} {wrong ? <><u class="miss">{tags[i]}</u> <small>not {truth[i]}</small></> : <small>{tags[i]}</small>}</span>;
      })}
    </span>
  );
}

function Row({ told, i, text }: { told: Told; i: number; text: string }) {
  const output = told.outputs[i]!;
  if (typeof output === 'string') return <tr><td>{text}</td><td class="strong">{output}</td><td class="num">{number(told.log_probabilities?.[i], 3)}</td></tr>;
  if (!Array.isArray(output)) return <tr><td colSpan={2}><Tokens {...output} /></td></tr>;
  return <tr><td>{text}</td><td class="strong">{output[0]}</td>{told.probabilities?.[i]?.map((p, k) => <td class="num" key={k}>{number(p, 3)}</td>)}</tr>;
}

function Answer({ told, texts }: { told: Told; texts: string[] }) {
  const head = told.labels ? told.labels.map((label) => `P(${label})`) : told.log_probabilities ? ['log probability'] : [];
  return (
    <div class="table-place" tabIndex={0} role="region" aria-label="Answer">
      <table>
        <thead><tr><th scope="col">text</th><th scope="col">answer</th>{head.map((name) => <th scope="col" class="num" key={name}>{name}</th>)}</tr></thead>
        <tbody>{texts.map((text, i) => <Row key={i} told={told} i={i} text={text} />)}</tbody>
      </table>
    </div>
  );
}

/** The first texts of the data. */
async function firstTexts(run: Experiment): Promise<string> {
  const set = await get<Dataset>(`/datasets/${encodeURIComponent(run.spec.data.dataset)}`);
  const [input] = run.spec.data.inputs ?? [];
  const at = typeof input === 'string' ? set.columns.findIndex((one) => one.name === input) : (input ?? 0);
  return (set.description.preview ?? []).slice(0, 2).map((row) => String(row[Math.max(at, 0)] ?? '')).join('\n');
}

export function AskTexts({ run, session }: { run: Experiment; session: Session }) {
  const first = useLoad(() => firstTexts(run), [run.id]).value;
  const [typed, setTyped] = useState<string | null>(null);
  const [answer, setAnswer] = useState<{ told: Told; texts: string[] } | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const text = typed ?? first ?? '';
  const ask = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    const texts = text.split('\n').map((line) => line.trim()).filter(Boolean);
    setBusy(true);
    setError(null);
    await post<Told>(`/experiments/${run.id}/predict`, { texts }).then(
      (told) => setAnswer({ told, texts }),
      (refused) => { setAnswer(null); setError(refused); },
    );
    setBusy(false);
  };
  return (
    <Card title="Try a prediction" id="predict">
      <form class="pad" onSubmit={ask}>
        <label class="field">
          <span class="field-label">Texts</span>
          <textarea rows={5} value={text} onInput={(e) => setTyped(e.currentTarget.value)} />
          <small>A line each{run.spec.data.task === 'tagging' ? ', cut at blanks' : ''}.</small>
        </label>
        <button class="primary" aria-busy={busy} disabled={text.trim() === ''}>Predict</button>
      </form>
      <Fault error={error} />
      <div aria-live="polite">{answer ? <Answer {...answer} /> : null}</div>
      <WholeSet run={run} session={session} />
    </Card>
  );
}

const SHOWN = 20, TAIL = 60000; // texts; bytes

/** The last rows of predictions.csv, with its head: parts stand in their order, so they are of the test part. */
async function lastPredictions(run: Experiment): Promise<{ head: string[]; rows: string[][] }> {
  const path = `/experiments/${run.id}/predictions`;
  const [start, tail] = await Promise.all([getText(path, { Range: 'bytes=0-2000' }), getText(path, { Range: `bytes=-${TAIL}` })]);
  const line = start.slice(0, start.indexOf('\n') + 1);
  const whole = tail.startsWith(line) ? tail.slice(line.length) : tail.slice(tail.indexOf('\n') + 1);
  return { head: parseRows(line)[0] ?? [], rows: parseRows(whole).filter((row) => row[0] === 'test') };
}

export interface Sentence {
  tokens: string[];
  tags: string[];
  truth: string[];
}

/** The last sentences, each token's row behind the other's; one whose start was cut off is left out. */
export function sentences(head: string[], rows: string[][], most: number): Sentence[] {
  const at = (name: string) => head.indexOf(name);
  const told = head.findIndex((name) => name.endsWith('_predicted'));
  const found: Sentence[] = [];
  for (const row of rows) {
    if (row[at('position')] === '0') found.push({ tokens: [], tags: [], truth: [] });
    const last = found.at(-1);
    last?.tokens.push(row[at('token')] ?? '');
    last?.truth.push(row[told - 1] ?? '');
    last?.tags.push(row[told] ?? '');
  }
  return found.slice(-most);
}

/** Some of the test part: sentences with their tags, or texts with what was said and what is right. */
export function ExamplesCard({ run }: { run: Experiment }) {
  const { value, error } = useLoad(() => lastPredictions(run), [run.id, run.attempt]);
  const { head, rows } = value ?? { head: [], rows: [] };
  const tagging = run.spec.data.task === 'tagging';
  const told = head.findIndex((name) => name.endsWith('_predicted'));
  return (
    <Card title={isPrediction(run) ? 'Examples' : 'Examples of the test part'}>
      <Fault error={error} />
      {rows.length > 0 ? (
        <div class="table-place examples" tabIndex={0} role="region" aria-label="Some of them">
          <table>
            {tagging ? (
              <tbody>{sentences(head, rows, SHOWN).map((one, i) => <tr key={i}><td><Tokens {...one} /></td></tr>)}</tbody>
            ) : (
              <>
                <thead><tr>{[told - 2, told, told - 1].map((j, k) => <th scope="col" key={j}>{k === 1 ? 'the model' : head[j]}</th>)}</tr></thead>
                <tbody>{rows.slice(-SHOWN).map((row, i) => <tr key={i}><td>{row[told - 2]}</td><td class="strong">{row[told]}</td><td>{row[told - 1]}</td></tr>)}</tbody>
              </>
            )}
          </table>
        </div>
      ) : null}
      {value && rows.length === 0 ? <p class="soft pad">None; all are in predictions.csv.</p> : null}
    </Card>
  );
}
