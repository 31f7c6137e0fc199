// Starting an experiment: a form made from the schema, checked by the service while it is filled in.
import { useEffect, useId, useMemo, useRef, useState } from 'preact/hooks';
import { AGAIN, get, passing, post, Refusal, request, type Dataset, type Experiment, type Preview, type Session } from './api';
import { bytes, count, samples, seconds } from './format';
import { curlLine, pythonLine } from './lines';
import { Card, Code, Fault, useLoad } from './parts';
import { go, link } from './route';
import { applies, asJson, defaultOf, isObject, pruned, put, range, read, resolve, sparse, variants, write, type Node, type Schema, type Values } from './schema';

interface FormState {
  schema: Schema;
  whole: Values;
  refused: Refusal | null;
  columns: string[];
  datasets: string[];
}

interface FieldProps {
  form: FormState;
  name: string;
  node: Node;
  siblings: Record<string, Node>;
  values: Values;
  path: string; // JSON pointer of the object it is in
  change: (values: Values) => void;
}

const label = (name: string) => name.replace(/_/g, ' ');

function Control({ form, name, node, siblings, values, change, id, invalid, describedBy }: FieldProps & { id: string; invalid: boolean; describedBy: string }) {
  const usual = defaultOf(form.schema, siblings, values, name, form.whole);
  const set = (value: unknown) => change(put(values, name, value));
  const [text, setText] = useState(write(values[name])); // as typed: "0." stays so
  const shown = JSON.stringify(read(node, text)) === JSON.stringify(values[name]) ? text : write(values[name]);
  const aria = { id, 'aria-invalid': invalid, 'aria-describedby': describedBy };
  if (node.enum)
    return (
      <select {...aria} value={String(values[name] ?? '')} onChange={(e) => set(e.currentTarget.value === '' ? undefined : e.currentTarget.value)}>
        <option value="">{usual === undefined ? 'automatic' : `${usual} (default)`}</option>
        {node.enum.filter((one) => one !== usual || values[name] === one).map((one) => <option key={one}>{one}</option>)}
      </select>
    );
  if (node.type === 'boolean')
    return (
      <select {...aria} value={values[name] === undefined ? '' : String(values[name])}
        onChange={(e) => set(e.currentTarget.value === '' ? undefined : e.currentTarget.value === 'true')}>
        <option value="">{usual === undefined ? 'automatic' : `${usual ? 'yes' : 'no'} (default)`}</option>
        <option value="true">yes</option>
        <option value="false">no</option>
      </select>
    );
  const typed = (e: { currentTarget: { value: string } }) => {
    setText(e.currentTarget.value);
    set(read(node, e.currentTarget.value));
  };
  if (asJson(node) || (node.maxLength ?? 0) > 1000)
    return <textarea {...aria} rows={asJson(node) ? 6 : 3} spellcheck={!asJson(node)} value={shown} placeholder={asJson(node) ? 'JSON' : undefined} onInput={typed} />;
  const types = ([] as string[]).concat(node.type ?? []);
  const list = name === 'dataset' ? form.datasets : name === 'inputs' || name === 'targets' || name === 'scored' ? form.columns : [];
  return (
    <>
      <input {...aria} list={list.length > 0 ? `${id}-list` : undefined} autocomplete="off"
        inputMode={types.includes('integer') ? 'numeric' : types.includes('number') ? 'decimal' : undefined}
        value={shown} placeholder={usual === undefined ? 'automatic' : write(usual)}
        onInput={typed} />
      {list.length > 0 ? <datalist id={`${id}-list`}>{list.map((one) => <option key={one} value={one} />)}</datalist> : null}
    </>
  );
}

function SchemaField(props: FieldProps) {
  const { form, name, node, path } = props;
  const id = useId();
  const [open, setOpen] = useState(false);
  const pointer = `${path}/${name}`;
  const fault = form.refused?.pointer === pointer || form.refused?.pointer.startsWith(`${pointer}/`) ? form.refused.message : null;
  const limits = range(node);
  return (
    <div class={`field ${asJson(node) ? 'field-wide' : ''}`}>
      <div class="field-head">
        <label class="field-label" for={id}>{label(name)}</label>
        {node.description ? (
          <button type="button" class="hint" aria-expanded={open} aria-controls={`${id}-help`} aria-label={`What is ${label(name)}?`} onClick={() => setOpen(!open)}>?</button>
        ) : null}
      </div>
      <Control {...props} id={id} invalid={fault !== null} describedBy={`${id}-help`} />
      <small id={`${id}-help`}>
        {fault ? <span class="field-fault" role="alert">{fault}</span> : null}
        {open ? <span class="field-help">{node.description}{limits ? ` ${limits[0]!.toUpperCase()}${limits.slice(1)}.` : ''}</span> : null}
      </small>
    </div>
  );
}

/** The fields of an object; objects in it are groups of their own. */
function Fields({ form, node, values, path, change, skip = [] }: {
  form: FormState; node: Node; values: Values; path: string; change: (values: Values) => void; skip?: string[];
}) {
  const siblings = node.properties ?? {};
  const shown = Object.entries(siblings)
    .map(([name, child]) => [name, resolve(form.schema, child)] as const)
    .filter(([name, child]) => !skip.includes(name) && child.const === undefined && applies(form.schema, siblings, values, name, form.whole));
  const plain = shown.filter(([, child]) => !child.properties && !child.items?.$ref);
  const groups = shown.filter(([, child]) => child.properties);
  return (
    <>
      <div class="fields">
        {plain.map(([name, child]) => (
          <SchemaField key={name} form={form} name={name} node={child} siblings={siblings} values={values} path={path} change={change} />
        ))}
      </div>
      {groups.map(([name, child]) => (
        <fieldset key={name}>
          <legend>{label(name)}</legend>
          <Fields form={form} node={child} path={`${path}/${name}`} values={isObject(values[name]) ? values[name] : {}}
            change={(inner) => change(put(values, name, Object.keys(inner).length > 0 ? inner : undefined))} />
        </fieldset>
      ))}
    </>
  );
}

function Layers({ form, values, change }: { form: FormState; values: Values; change: (values: Values) => void }) {
  const { schema } = form;
  const item = resolve(schema, resolve(schema, schema.properties.model!).properties!.layers!.items!);
  const kinds = variants(schema, item);
  const layers = (values.layers as Values[] | undefined) ?? (resolve(schema, resolve(schema, schema.properties.model!).properties!.layers!).default as Values[]);
  const set = (next: Values[]) => change({ ...values, layers: next });
  const add = useRef<HTMLButtonElement>(null);
  const remove = (i: number) => {
    set(layers.filter((_, j) => j !== i));
    add.current?.focus();
  };
  return (
    <>
      {layers.map((layer, i) => {
        const kind = kinds.find((one) => one.properties?.type?.const === layer.type);
        return (
          <fieldset key={i}>
            <legend>Layer {i + 1}</legend>
            <div class="layer-head">
              <label class="field">
                <span class="field-label">type</span>
                <select value={String(layer.type)} onChange={(e) => set(layers.map((one, j) => (j === i ? { type: e.currentTarget.value } : one)))}>
                  {kinds.map((one) => <option key={one.properties?.type?.const}>{one.properties?.type?.const}</option>)}
                </select>
              </label>
              {layers.length > 1 ? <button type="button" onClick={() => remove(i)}>Remove layer {i + 1}</button> : null}
            </div>
            {kind?.description ? <p class="soft">{kind.description}</p> : null}
            {kind ? (
              <Fields form={form} node={kind} values={layer} path={`/model/layers/${i}`} skip={['type']}
                change={(next) => set(layers.map((one, j) => (j === i ? { ...next, type: layer.type } : one)))} />
            ) : null}
          </fieldset>
        );
      })}
      <button ref={add} type="button" onClick={() => set([...layers, { type: 'dense' }])}>Add a layer</button>
    </>
  );
}

type Check = { preview?: Preview; refused?: Refusal; busy: boolean };

/** What the service says of the spec, a little after the last change. */
function useCheck(spec: Values): Check {
  const [check, setCheck] = useState<Check>({ busy: true });
  const [turn, setTurn] = useState(0);
  const text = JSON.stringify(spec);
  useEffect(() => {
    const abort = new AbortController();
    setCheck((old) => ({ ...old, busy: true }));
    let again = 0;
    const timer = setTimeout(() => {
      post<Preview>('/experiments?validate_only=true', spec, abort.signal).then(
        (preview) => setCheck({ preview, busy: false }),
        (error) => {
          if (abort.signal.aborted) return;
          setCheck({ refused: error instanceof Refusal ? error : new Refusal(0, String(error)), busy: false });
          if (passing(error)) again = window.setTimeout(() => setTurn((n) => n + 1), AGAIN);
        },
      );
    }, 300);
    return () => {
      clearTimeout(timer);
      clearTimeout(again);
      abort.abort();
    };
  }, [text, turn]);
  return check;
}

function Estimate({ check }: { check: Check }) {
  const { preview, refused, busy } = check;
  return (
    <div class={`estimate ${busy ? 'busy' : ''}`} aria-live="polite" aria-busy={busy}>
      {refused ? <p class="fault">{refused.message}{refused.pointer ? <><br /><code>{refused.pointer}</code></> : null}</p> : null}
      {preview ? (
        <dl class="facts">
          <div><dt>Training takes about</dt><dd>{seconds(preview.engine.estimated_seconds)}</dd></div>
          <div><dt>Memory</dt><dd>{bytes(preview.engine.estimated_bytes)}</dd></div>
          <div><dt>Parameters</dt><dd>{count(preview.model.parameters)}{preview.model.quantum ? ` (${count(preview.model.quantum)} angles)` : ''}</dd></div>
          <div><dt>Samples</dt><dd>{samples(preview.data)}</dd></div>
          <div><dt>Circuits by plan</dt><dd>{preview.engine.plan}</dd></div>
        </dl>
      ) : null}
      {preview?.data.warnings?.map((warning) => <p class="warning" key={warning}>{warning}</p>)}
    </div>
  );
}

const SECTIONS: [string, string, boolean][] = [['data', 'Data', true], ['training', 'Training', true], ['simulation', 'Simulation', false], ['limits', 'Limits', false]];

function Form({ schema, first, datasets, session }: { schema: Schema; first: Values; datasets: Dataset[]; session: Session }) {
  const [whole, setWhole] = useState<Values>(first);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const key = useRef({ of: '', is: '' }); // the Idempotency-Key and its spec
  const spec = useMemo(() => sparse(whole), [whole]);
  const check = useCheck(spec);
  const section = (name: string): Values => (isObject(whole[name]) ? (whole[name] as Values) : {});
  const change = (name: string) => (values: Values) => { setError(null); setWhole((old) => put(old, name, values)); };
  const chosen = datasets.find((set) => set.name === (section('data').dataset ?? 'damped_shm') || set.id === section('data').dataset);
  const form: FormState = {
    schema, whole, refused: check.refused ?? null,
    columns: chosen?.columns.filter((column) => column.numeric).map((column) => column.name) ?? [],
    datasets: datasets.map((set) => set.name),
  };
  // Predictions of a data set are asked for on the page of the run whose model it is.
  const { kind: _k, data: _d, model: _m, training: _t, simulation: _s, limits: _l, ...basics } = schema.properties;
  const others = Object.keys(basics).filter((name) => resolve(schema, basics[name]!).properties);
  const start = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    const body = JSON.stringify(spec);
    if (key.current.of !== body) key.current = { of: body, is: crypto.getRandomValues(new Uint32Array(4)).join('-') };
    try {
      const reply = await request('POST', '/experiments', { body, headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key.current.is } });
      go(link(`run/${((await reply.json()) as Experiment).id}`));
    } catch (refused) {
      if (!passing(refused)) key.current.of = ''; // else it may have been made, and the reply was lost
      setError(refused);
      setBusy(false);
    }
  };
  return (
    <form class="start" onSubmit={start}>
      <div class="start-fields">
        <Card title="Name"><div class="pad"><Fields form={form} node={{ properties: basics }} values={whole} path="" skip={others} change={(values) => setWhole(values)} /></div></Card>
        <Card title="Data"><div class="pad"><Fields form={form} node={resolve(schema, schema.properties.data!)} values={section('data')} path="/data" change={change('data')} /></div></Card>
        <Card title="Model"><div class="pad"><Layers form={form} values={section('model')} change={change('model')} /></div></Card>
        {SECTIONS.slice(1).map(([name, title, open]) => (
          <section class="card" key={name} aria-label={title}>
            <details open={open || form.refused?.pointer.startsWith(`/${name}`)}>
              <summary class="card-head"><h2>{title}</h2></summary>
              <div class="pad"><Fields form={form} node={resolve(schema, schema.properties[name]!)} values={section(name)} path={`/${name}`} change={change(name)} /></div>
            </details>
          </section>
        ))}
      </div>
      <div class="start-side">
        <Card title="What it will be">
          <div class="pad">
            <Estimate check={check} />
            <Fault error={error} />
            <button class="primary wide" disabled={busy || check.refused !== undefined}>Start the experiment</button>
          </div>
        </Card>
        <Card title="The same elsewhere">
          <div class="pad lines">
            <Code label="curl" text={curlLine(spec, location.origin, session.owner !== null)} />
            <Code label="Python" text={pythonLine(spec, location.origin, session.owner !== null)} />
          </div>
        </Card>
      </div>
    </form>
  );
}

export function Start({ from, weights, dataset, session }: { from: string | null; weights: string | null; dataset: string | null; session: Session }) {
  const { value, error } = useLoad(async () => {
    const [schema, list, run] = await Promise.all([
      get<Schema>('/experiment.schema.json'),
      get<{ datasets: Dataset[] }>('/datasets'),
      from ? get<Experiment>(`/experiments/${from}`) : null,
    ]);
    const first: Values = run ? pruned(schema, schema, run.spec as unknown as Values, run.spec as unknown as Values) : dataset ? { data: { dataset } } : {};
    const set = run ? list.datasets.find((one) => one.id === run.spec.data.dataset) : undefined;
    if (set && isObject(first.data)) first.data = { ...first.data, dataset: set.name };
    if (weights) first.init_from = weights;
    return { schema, datasets: list.datasets, first };
  }, [from, weights, dataset]);
  return (
    <>
      <h1>New experiment</h1>
      <p class="soft">Every field has a default; what is left empty keeps it. {weights ? 'It starts from the weights of the experiment you came from.' : from ? 'Filled in from the experiment you came from.' : ''}</p>
      {session.scope === 'read' ? <p class="warning">Your key may look, not start anything.</p> : null}
      <Fault error={error} />
      {value ? <Form key={`${from} ${weights} ${dataset}`} {...value} session={session} /> : null}
    </>
  );
}
