// The trained circuits of a run, drawn by the service.
import { useState } from 'preact/hooks';
import { get, type Experiment } from './api';
import { Card, Fault, useLoad } from './parts';

interface Circuit {
  circuit: number;
  gate: string;
  program: { n_qubits: number };
}

export const withCircuits = (run: Experiment): number[] =>
  run.spec.model.layers.flatMap((layer, i) => (typeof layer.n_qubits === 'number' ? [i] : []));

/** The circuits of a layer: the service says which is behind the last. */
async function circuits(id: string, layer: number): Promise<Circuit[]> {
  const found: Circuit[] = [];
  for (let i = 0; i < 6; i++) {
    const one = await get<Circuit>(`/experiments/${id}/circuit?format=json&layer=${layer}&circuit=${i}`).catch((error) => {
      if (i === 0) throw error;
      return null;
    });
    if (!one) break;
    found.push(one);
  }
  return found;
}

export function CircuitCard({ run }: { run: Experiment }) {
  const layers = withCircuits(run);
  const [layer, setLayer] = useState(layers[0] ?? 0);
  const [index, setIndex] = useState(0);
  const [labels, setLabels] = useState('values');
  const { value, error } = useLoad(() => circuits(run.id, layer), [run.id, layer]);
  const one = value?.[index];
  const path = (format: string) => `/experiments/${run.id}/circuit?format=${format}&layer=${layer}&circuit=${index}`;
  const columns = Math.max(4, Math.floor((Math.min(innerWidth, 1180) - 120) / 58)); // as many as the card is wide
  return (
    <Card title="Circuits" aside={
      <>
        {layers.length > 1 ? (
          <label>layer{' '}
            <select value={layer} onChange={(e) => { setLayer(Number(e.currentTarget.value)); setIndex(0); }}>
              {layers.map((i) => <option key={i} value={i}>{i + 1}</option>)}
            </select>
          </label>
        ) : null}
        {value && value.length > 1 ? (
          <label>gate{' '}
            <select value={index} onChange={(e) => setIndex(Number(e.currentTarget.value))}>
              {value.map((circuit, i) => <option key={i} value={i}>{circuit.gate}</option>)}
            </select>
          </label>
        ) : null}
        <label>angles{' '}
          <select value={labels} onChange={(e) => setLabels(e.currentTarget.value)}><option>values</option><option>names</option><option>none</option></select>
        </label>
        {one ? <a href={path('qasm')} download={`circuit-${one.gate}.qasm`}>OpenQASM</a> : null}
      </>
    }>
      <Fault error={error} />
      {one ? (
        <div class="drawing" tabIndex={0} role="region" aria-label="Drawing of the circuit">
          <img src={`${path('svg')}&labels=${labels}&columns=${columns}`} alt={`Circuit of the gate ${one.gate} on ${one.program.n_qubits} qubits; as text: the OpenQASM file`} />
        </div>
      ) : null}
    </Card>
  );
}
