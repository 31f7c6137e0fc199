// A trained model of words continues a prompt.
import { useState } from 'preact/hooks';
import { post, type Experiment, type Session } from './api';
import { Card, Fault, Field } from './parts';
import { WholeSet } from './predict';

interface Generated {
  prompt_length: number;
  sequences: { words: number[]; text?: string; probabilities: (number | null)[] }[];
}

export function GenerateCard({ run, session }: { run: Experiment; session: Session }) {
  const language = run.spec.data.task === 'language_model';
  const text = language || typeof run.spec.data.alphabet === 'string'; // else words are numbers
  const [answer, setAnswer] = useState<Generated | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const ask = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const prompt = String(form.get('prompt'));
    const words = prompt.split(/[\s,]+/).filter(Boolean).map(Number);
    const body: Record<string, unknown> = { prompt: text ? prompt : words };
    for (const name of ['length', 'samples', 'temperature', 'seed']) if (form.get(name) !== '') body[name] = Number(form.get(name));
    setBusy(true);
    setError(null);
    await post<Generated>(`/experiments/${run.id}/generate`, body).then(setAnswer, (refused) => { setAnswer(null); setError(refused); });
    setBusy(false);
  };
  return (
    <Card title="Let it go on" id="generate">
      <form class="pad" onSubmit={ask}>
        <Field label="Prompt" hint={language ? 'The beginning of a text' : text ? `Characters of ${JSON.stringify(run.spec.data.alphabet)}` : 'Words as whole numbers, with blanks between'}>
          <input name="prompt" required defaultValue={language ? 'The' : text ? String(run.spec.data.alphabet)[0] : '0 1'} autocomplete="off" />
        </Field>
        <div class="fields">
          <Field label="length"><input name="length" inputMode="numeric" placeholder={language ? '100' : String(run.spec.data.length ?? '')} /></Field>
          <Field label="samples"><input name="samples" inputMode="numeric" placeholder="1" /></Field>
          <Field label="temperature"><input name="temperature" inputMode="decimal" placeholder="1" /></Field>
          <Field label="seed"><input name="seed" inputMode="numeric" placeholder="0" /></Field>
        </div>
        <button class="primary" aria-busy={busy}>Generate</button>
      </form>
      <Fault error={error} />
      <div aria-live="polite">
        {answer ? (
          <ol class="sequences">
            {answer.sequences.map((one, i) => {
              if (language) return <li key={i}>{one.text}</li>;
              const words = one.text !== undefined ? [...one.text] : one.words.map(String);
              const glue = one.text !== undefined ? '' : ' ';
              return <li key={i}><code><span class="soft">{words.slice(0, answer.prompt_length).join(glue)}{glue}</span>{words.slice(answer.prompt_length).join(glue)}</code></li>;
            })}
          </ol>
        ) : null}
      </div>
      <WholeSet run={run} session={session} />
    </Card>
  );
}
