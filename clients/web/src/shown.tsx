// Sequences that a run of words shows after each epoch (training.shown_sequences): the data's beside the model's.
import { useMemo, useState } from 'preact/hooks';
import type { Experiment, RunEvent } from './api';
import { Card } from './parts';

export interface Shown {
  epoch: number;
  drawn: boolean; // else the most probable words
  wanted: string[]; // words or characters
  answer: string[];
}

const BETWEEN = /, (drawn|said) /g;

/** "epoch 3: 0 1 2, drawn 0 1 1" of a log; null for other lines. The cut is where both sides are of one length, for a text
 * may have these words in it. */
export function readShown(message: string, letters: boolean): Shown | null {
  const [, epoch, line] = /^epoch (\d+): (.*)$/.exec(message) ?? [];
  if (epoch === undefined || line === undefined) return null;
  const symbols = (text: string) => (letters ? [...text] : text.split(' ').filter(Boolean));
  const cuts = [...line.matchAll(BETWEEN)].map((cut) => ({
    epoch: Number(epoch), drawn: cut[1] === 'drawn', wanted: symbols(line.slice(0, cut.index)), answer: symbols(line.slice(cut.index + cut[0].length)),
  }));
  return cuts.find((cut) => cut.wanted.length === cut.answer.length) ?? cuts[0] ?? null;
}

/** Where the run shows sequences: those, by epoch, and the events that are others. An epoch that was reached again after a
 * resume replaces what was shown of it. */
export function sortShown(run: Experiment, events: RunEvent[]): { epochs: Shown[][]; others: RunEvent[] } {
  if (!run.spec.training.shown_sequences) return { epochs: [], others: events };
  const letters = typeof run.spec.data.alphabet === 'string';
  const epochs: Shown[][] = [], others: RunEvent[] = [];
  let attempt = 0;
  for (const event of events) {
    const shown = event.type === 'log' ? readShown(String(event.message ?? ''), letters) : null;
    if (!shown) {
      others.push(event);
      continue;
    }
    if (event.attempt !== attempt) while (epochs.length > 0 && epochs.at(-1)![0]!.epoch >= shown.epoch) epochs.pop();
    attempt = event.attempt;
    if (epochs.at(-1)?.[0]!.epoch === shown.epoch) epochs.at(-1)!.push(shown);
    else epochs.push([shown]);
  }
  return { epochs, others };
}

/** Neighbours that are all right, or all wrong, in one piece. */
export function pieces({ wanted, answer }: Shown): { hit: boolean; symbols: string[] }[] {
  const found: { hit: boolean; symbols: string[] }[] = [];
  answer.forEach((symbol, i) => {
    const hit = symbol === wanted[i];
    if (found.at(-1)?.hit === hit) found.at(-1)!.symbols.push(symbol);
    else found.push({ hit, symbols: [symbol] });
  });
  return found;
}

export function ShownCard({ run, epochs }: { run: Experiment; epochs: Shown[][] }) {
  const [chosen, setChosen] = useState<number | null>(null); // null: the last one, as they come
  const at = Math.min(chosen ?? Infinity, epochs.length - 1);
  const sequences = epochs[at] ?? [];
  const parts = useMemo(() => sequences.map(pieces), [sequences]);
  const glue = typeof run.spec.data.alphabet === 'string' ? '' : ' ';
  const epoch = sequences[0]?.epoch ?? 0;
  const aside = epochs.length > 1 ? (
    <label class="range">
      epoch {epoch}
      <input type="range" min="0" max={epochs.length - 1} value={at} aria-label="Epoch" aria-valuetext={`epoch ${epoch}`}
        onInput={(e) => setChosen(Number(e.currentTarget.value) === epochs.length - 1 ? null : Number(e.currentTarget.value))} />
    </label>
  ) : null;
  return (
    <Card title="Sequences on the way" aside={aside} id="shown">
      {sequences.length === 0 ? <p class="soft pad">The first epoch has not ended yet.</p> : (
        <div class="table-place" tabIndex={0} role="region" aria-label={`Sequences after epoch ${epoch}`}>
          <table class="shown">
            <caption>What the data say, and what the model {sequences[0]!.drawn ? 'draws' : 'finds most probable'} there; underlined where it is another</caption>
            <thead><tr><th scope="col">data</th><th scope="col">model</th><th scope="col" class="num">right</th></tr></thead>
            <tbody>
              {sequences.map(({ wanted, answer }, i) => (
                <tr key={i}>
                  <td><code>{wanted.join(glue)}</code></td>
                  <td><code>{parts[i]!.map(({ hit, symbols }, k) => <>{k > 0 ? glue : ''}{hit ? symbols.join(glue) : <u class="miss">{symbols.join(glue)}</u>}</>)}</code></td>
                  <td class="num">{answer.filter((symbol, k) => symbol === wanted[k]).length} of {wanted.length}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
}
