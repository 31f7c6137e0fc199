// Where a model learns: how large the gradients of its tensors were in the last epoch, and which angles cannot learn and why.
import { count, number } from './format';
import { Card } from './parts';

export interface Gradients {
  epoch: number;
  quantum: number | null; // root mean squares over the epoch's batches
  classical: number | null;
  tensors: { tensor: string; kind: 'quantum' | 'classical'; norm: number | null }[];
  cannot_learn: { tensor: string; circuit: number; angle: number; reason: string }[]; // the first of them
  cannot_learn_count: number;
  trivial: { tensor: string; message: string }[];
}

interface Dead {
  tensor: string;
  circuit: number;
  reason: string;
  angles: number[];
}

/** Angles of one circuit that cannot learn for the same reason, in one line. */
export function gathered(found: Gradients['cannot_learn']): Dead[] {
  const lines = new Map<string, Dead>();
  for (const { tensor, circuit, angle, reason } of found) {
    const key = `${tensor} ${circuit} ${reason}`;
    if (!lines.has(key)) lines.set(key, { tensor, circuit, reason, angles: [] });
    lines.get(key)!.angles.push(angle);
  }
  return [...lines.values()];
}

function CannotLearn({ gradients }: { gradients: Gradients }) {
  const { cannot_learn: found, cannot_learn_count: all } = gradients;
  if (all === 0) return null;
  return (
    <details class="pad">
      <summary>{count(all)} {all === 1 ? 'angle' : 'angles'} cannot learn{all > found.length ? `; the first ${found.length}` : ''}</summary>
      <div class="table-place" tabIndex={0} role="region" aria-label="Angles that cannot learn">
        <table>
          <thead><tr><th scope="col">tensor</th><th scope="col" class="num">circuit</th><th scope="col">angles</th><th scope="col">why</th></tr></thead>
          <tbody>
            {gathered(found).map(({ tensor, circuit, angles, reason }) => (
              <tr key={`${tensor} ${circuit} ${reason}`}>
                <th scope="row"><code>{tensor}</code></th><td class="num">{circuit}</td><td>{angles.join(', ')}</td><td>{reason}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

export function GradientsCard({ gradients }: { gradients: Gradients }) {
  const { epoch, tensors, trivial } = gradients;
  const most = Math.max(...tensors.map(({ norm }) => norm ?? 0));
  return (
    <Card title="Parameters and gradients" id="gradients">
      {trivial.map(({ tensor, message }) => <p class="warning" key={tensor}><code>{tensor}</code>: {message}</p>)}
      <div class="table-place" tabIndex={0} role="region" aria-label="Gradients by tensor">
        <table class="gradients">
          <caption>L2 norms of the gradients in epoch {epoch}, root mean squares over its batches</caption>
          <thead><tr><th scope="col">tensor</th><th scope="col">kind</th><th scope="col" class="num">gradient</th><td /></tr></thead>
          <tbody>
            {tensors.map(({ tensor, kind, norm }) => (
              <tr key={tensor}>
                <th scope="row"><code>{tensor}</code></th><td>{kind}</td><td class="num">{number(norm)}</td>
                <td class="cell-bar" aria-hidden="true"><meter max={most || 1} value={norm ?? 0} /></td>
              </tr>
            ))}
          </tbody>
          <tfoot>
            {(['quantum', 'classical'] as const).filter((kind) => tensors.some((one) => one.kind === kind)).map((kind) => (
              <tr key={kind}><th scope="row">all {kind} ones</th><td /><td class="num strong">{number(gradients[kind])}</td><td /></tr>
            ))}
          </tfoot>
        </table>
      </div>
      <CannotLearn gradients={gradients} />
    </Card>
  );
}
